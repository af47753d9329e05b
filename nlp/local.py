"""A brand's own correction of the sentiment model, learnt from its team's labels.

One offset for each class and one temperature on the log-probabilities (Platt 1999, Guo et al. 2017), pulled towards
no correction by a prior that weighs as much as PRIOR labels. It acts on that brand's mentions only, so no shared
test can change, and it is used only when it makes labels better that it did not see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.sentiment.reading import CLASSES, Probabilities, normalised

ENOUGH = 40  # labels below which nothing is learnt
FOLDS = 5
PRIOR = 20.0
STEPS, RATE = 400, 0.2
LEAST = 1e-6
Labelled = tuple[Probabilities, str]  # what the model said, what the team says
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Correction:
    """``offsets`` are added to the log-probabilities of CLASSES after they are divided by ``temperature``.

    ``before`` and ``after`` are the log loss of ``count`` labels that the fit did not see, ``right_before`` and
    ``right_after`` how many of them were right.
    """

    offsets: tuple[float, float, float]
    temperature: float
    count: int
    before: float
    after: float
    right_before: int
    right_after: int


def corrected(probabilities: Probabilities, correction: Correction | None) -> Probabilities:
    """The probabilities as the brand's own labels say; unchanged without a correction."""
    if correction is None:
        return probabilities
    logits = np.log(np.maximum(probabilities, LEAST)) / correction.temperature + np.array(correction.offsets)
    powers = np.exp(logits - logits.max())
    return normalised((powers / powers.sum()).tolist())


def learn(labels: Sequence[Labelled]) -> Correction | None:
    """A correction that held on labels it had not seen, else None.

    Give it labels of randomly drawn mentions only: those that the model was unsure of would bend it.
    """
    if len(labels) < ENOUGH:
        return None
    logs = np.log(np.maximum(np.array([said for said, _ in labels]), LEAST))
    right = np.array([CLASSES.index(value) for _, value in labels])
    folds = np.arange(len(labels)) % FOLDS
    unseen = np.zeros_like(logs)
    for fold in range(FOLDS):
        unseen[folds == fold] = _apply(logs[folds == fold], _fit(logs[folds != fold], right[folds != fold]))
    before, after = _loss(_softmax(logs), right), _loss(_softmax(unseen), right)
    hits_before, hits_after = int((logs.argmax(1) == right).sum()), int((unseen.argmax(1) == right).sum())
    if after >= before or hits_after < hits_before:
        return None
    found = _fit(logs, right)
    return Correction(offsets=(float(found[0]), float(found[1]), float(found[2])), temperature=float(np.exp(found[3])), count=len(labels),
                      before=before, after=after, right_before=hits_before, right_after=hits_after)


def _fit(logs: Floats, right: NDArray[np.int64]) -> Floats:
    """Three offsets and the log-temperature, by gradient descent on the penalised loss."""
    found, wanted = np.zeros(4), np.eye(3)[right]
    for _ in range(STEPS):
        scaled = logs * np.exp(-found[3])
        wrong = _softmax(scaled + found[:3]) - wanted
        slope = np.concatenate([wrong.sum(0), [-(wrong * scaled).sum()]]) + PRIOR * found
        found -= RATE * slope / (len(logs) + PRIOR)
    return found


def _apply(logs: Floats, found: Floats) -> Floats:
    applied: Floats = logs * np.exp(-found[3]) + found[:3]
    return applied


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _loss(shares: Floats, right: NDArray[np.int64]) -> float:
    return float(-np.log(np.maximum(shares[np.arange(len(right)), right], LEAST)).mean())

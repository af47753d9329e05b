"""Temperatures and operating points, chosen on development rows only.

Temperature scaling after Guo et al. 2017 (one number for each domain). The operating point of ``alarm`` is
the highest threshold at which *every* development source of the domain keeps the wished recall of negatives:
S4-13 counts any expression of dissatisfaction, so the weakest source decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar

from nlp.training.partial import Floats, among, loss

FEWEST_NEGATIVES = 50  # a quantile of fewer scores says nothing


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Development rows of one domain: logits, allowed and target classes, n×3 each."""

    logits: Floats
    allowed: Floats
    targets: Floats


def temperature(sample: Sample) -> float:
    """The divisor of the logits that gives the labels the highest likelihood, between 0.2 and 5."""

    def cost(power: float) -> float:
        ones = np.ones(len(sample.logits), np.float32)
        return loss(sample.logits / np.float32(np.exp(power)), sample.allowed, sample.targets, ones)[0]

    found = minimize_scalar(cost, bounds=(np.log(0.2), np.log(5.0)), method="bounded")
    return float(np.exp(found.x))


def neutral_shift(logits: Floats, share: float) -> float:
    """What to add to the neutral logit so that its mean probability is ``share``."""

    def excess(shift: float) -> float:
        moved = logits + np.array([0, shift, 0], np.float32)
        return float(among(moved, np.ones_like(moved))[0][:, 1].mean()) - share

    return float(brentq(excess, -20, 20, xtol=1e-3))


def operating_point(
    negative: NDArray[np.float64], labels: NDArray[np.bool_], sources: Sequence[str], recall: float
) -> float:
    """The highest threshold on P(negative) at which each named source, and all rows together, keep ``recall``."""
    names = np.array(sources)
    points = [float(np.quantile(negative[labels], 1 - recall))]
    for name in sorted(set(sources) - {""}):
        scores = negative[(names == name) & labels]
        if len(scores) >= FEWEST_NEGATIVES:
            points.append(float(np.quantile(scores, 1 - recall)))
    return min(points)

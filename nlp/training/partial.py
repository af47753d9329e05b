"""Logistic regression on partial labels (the loss of Cour, Sapp & Taskar 2011), by hand.

A row says among which classes its annotators chose (``allowed``) and which of them its label leaves
possible (``targets``): its loss is −log P(targets | allowed). A shopping review is negative *or* positive
and teaches nothing about neutral; "non-negative" is neutral *or* positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Group:
    """The rows of one domain: features n×F, allowed and target classes n×K (0 or 1), weights n."""

    features: Any  # scipy.sparse.csr_matrix, which publishes no types
    allowed: Floats
    targets: Floats
    weight: Floats


@dataclass(frozen=True, kw_only=True)
class Strength:
    """Inverse penalties of shared and own weights, the share of the loss in which a domain is not known, and steps."""

    shared: float
    own: float
    unknown: float
    steps: int


def among(logits: Floats, allowed: Floats) -> tuple[Floats, Floats]:
    """Softmax over the allowed classes only, and the log of its denominator."""
    masked = np.where(allowed > 0, logits, np.float32(-1e9))
    top = masked.max(axis=1, keepdims=True)
    powers = np.exp(masked - top) * (allowed > 0)
    total = powers.sum(axis=1, keepdims=True)
    return powers / total, (top + np.log(total))[:, 0]


def loss(logits: Floats, allowed: Floats, targets: Floats, weight: Floats) -> tuple[float, Floats]:
    """Weighted sum of −log P(targets | allowed) and its gradient by the logits."""
    by_allowed, all_ways = among(logits, allowed)
    by_targets, right_ways = among(logits, targets)
    return float(weight @ (all_ways - right_ways)), weight[:, None] * (by_allowed - by_targets)


class Fit:
    """Weights F×K for all groups together and F×K more for each group, by L-BFGS."""

    def __init__(self, groups: Sequence[Group], strength: Strength) -> None:
        self.groups, self.strength = groups, strength
        self.size = groups[0].features.shape[1]
        self.classes = groups[0].allowed.shape[1]
        self.blocks = 1 + len(groups)
        self.turned = [group.features.T.tocsr() for group in groups]

    def run(self) -> tuple[list[Floats], Floats]:
        """Weights and biases that serve each group: (F×K each, groups×K)."""
        weights, bias = self._solved()
        own = [weights[:, self._block(0)] + weights[:, self._block(at + 1)] for at in range(len(self.groups))]
        return own, bias[0] + bias[1:]

    def _solved(self) -> tuple[Floats, Floats]:
        count = (self.size + 1) * self.classes * self.blocks
        options = {"maxiter": self.strength.steps, "maxcor": 6, "ftol": 1e-6}
        found = minimize(self._value, np.zeros(count), jac=True, method="L-BFGS-B", options=options)
        return self._parts(found.x.astype(np.float32))

    def _parts(self, flat: Floats) -> tuple[Floats, Floats]:
        width = self.classes * self.blocks
        return flat[: self.size * width].reshape(self.size, width), flat[self.size * width :].reshape(self.blocks, -1)

    def _block(self, at: int) -> slice:
        return slice(at * self.classes, (at + 1) * self.classes)

    def _value(self, flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, bias = self._parts(flat.astype(np.float32))
        slope, bias_slope = np.zeros_like(weights), np.zeros_like(bias)
        total = sum(self._add(at, weights, bias, slope, bias_slope) for at in range(len(self.groups)))
        shrink = np.full(self.blocks, 1 / self.strength.own, np.float32)
        shrink[0] = 1 / self.strength.shared
        pull = np.repeat(shrink, self.classes)
        total += 0.5 * float((pull * weights * weights).sum())
        slope += pull * weights
        return total, np.concatenate([slope.ravel(), bias_slope.ravel()]).astype(np.float64)

    def _add(self, at: int, weights: Floats, bias: Floats, slope: Floats, bias_slope: Floats) -> float:
        """Loss of one group; its gradient is added to ``slope`` and ``bias_slope``."""
        group, shared, own = self.groups[at], self._block(0), self._block(at + 1)
        both = group.features @ np.concatenate([weights[:, shared], weights[:, own]], axis=1)
        plain = both[:, : self.classes] + bias[0]
        full = plain + both[:, self.classes :] + bias[at + 1]
        plain_loss, plain_slope = loss(plain, group.allowed, group.targets, self.strength.unknown * group.weight)
        full_loss, full_slope = loss(full, group.allowed, group.targets, (1 - self.strength.unknown) * group.weight)
        outer = np.concatenate([plain_slope + full_slope, full_slope], axis=1)
        inner = self.turned[at] @ outer
        slope[:, shared] += inner[:, : self.classes]
        slope[:, own] += inner[:, self.classes :]
        bias_slope[0] += outer[:, : self.classes].sum(axis=0)
        bias_slope[at + 1] += outer[:, self.classes :].sum(axis=0)
        return plain_loss + full_loss

"""A distribution of growth, and the horizon it gives.

Growth is y = log2(1 + increment) from the newest count to the horizon, the scale on which errors of cascade
forecasts are reckoned (MSLE). A :class:`Spread` holds y at fixed levels, so quantiles of the total and
P(total ≥ T) come from the same numbers and cannot contradict each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from incidents.model import Horizon

Floats = NDArray[np.float64]

#: Levels at which residuals are kept. The ends are as far as some 2 000 residuals can tell.
LEVELS: Floats = np.array(
    [0.005, 0.01, 0.025, 0.05, 0.075, *np.arange(0.10, 0.901, 0.05), 0.925, 0.95, 0.975, 0.99, 0.995]
).round(4)

ASKED = {"05": 0.05, "10": 0.10, "25": 0.25, "50": 0.50, "75": 0.75, "90": 0.90, "95": 0.95}


@dataclass(frozen=True, kw_only=True)
class Spread:
    """``ys[i]`` is the ``levels[i]`` quantile of y; never falling, never below zero (counts only grow)."""

    ys: Floats
    levels: Floats = field(default_factory=lambda: LEVELS)

    @classmethod
    def of(cls, raw: Floats) -> Spread:
        return cls(ys=np.maximum.accumulate(np.maximum(raw, 0.0)))

    @classmethod
    def nothing(cls) -> Spread:
        """Certainty that nothing more comes: the distribution at the horizon itself."""
        return cls(ys=np.zeros_like(LEVELS))

    def y(self, level: float) -> float:
        return float(np.interp(level, self.levels, self.ys))

    def tail(self, y: float) -> float:
        """P(growth ≥ y). Beyond the outermost level the tail halves with each further unit of log2."""
        if y <= 0:
            return 1.0
        if y > self.ys[-1]:
            return float((1 - self.levels[-1]) * 2.0 ** (self.ys[-1] - y))
        if y < self.ys[0]:
            return float(1 - self.levels[0] * y / self.ys[0])
        return float(1 - np.interp(y, self.ys, self.levels))

    def between(self, other: Spread, weight: float) -> Spread:
        """``weight`` of the way from this one to ``other``, level by level."""
        return Spread(ys=self.ys + weight * (other.ys - self.ys))

    def at_least(self, earlier: Spread) -> Spread:
        """Never below the distribution of an earlier horizon: counts only grow."""
        return Spread(ys=np.maximum(self.ys, earlier.ys))

    def corrected(self, shift: float, factor: float) -> Spread:
        """Moved by ``shift`` and spread ``factor`` times as wide; growth stays at least nothing."""
        return Spread.of(self.wider(factor).ys + shift) if (shift, factor) != (0.0, 1.0) else self

    def wider(self, factor: float) -> Spread:
        """The same middle with every level ``factor`` times as far from it."""
        middle = self.y(0.5)
        return Spread.of(middle + factor * (self.ys - middle))

    def horizon(self, observed: int, thresholds: Iterable[int]) -> Horizon:
        """Quantiles of the total and P(total ≥ T) for each threshold."""
        totals = observed + 2.0 ** np.interp(list(ASKED.values()), self.levels, self.ys) - 1.0
        q = dict(zip(ASKED, totals.tolist(), strict=True))
        p_over = {t: self.tail(math.log2(1 + max(0, t - observed))) for t in thresholds}
        return Horizon(q=q, p_over=p_over)


def conformal(residuals: Floats) -> Floats:
    """Quantiles of ``residuals`` at ``LEVELS`` with the finite-sample step of split conformal prediction:
    the lower ones from rank ⌊(n + 1)·level⌋, the upper ones from ⌈(n + 1)·level⌉ (Lei et al. 2018, JASA 113).
    """
    ordered = np.sort(residuals)
    ranks = LEVELS * (len(ordered) + 1)
    steps = np.where(LEVELS < 0.5, np.floor(ranks), np.ceil(ranks)).astype(int) - 1
    return np.asarray(ordered[np.clip(steps, 0, len(ordered) - 1)], dtype=np.float64)

"""How growth is spread over the hours: the decay of attention times the clock of human activity.

The intensity of new counts is taken as decay(age) × activity(hour of day in Shanghai), both learnt. It shapes
the path between the anchors (now, 12 h, 24 h) and says how much attention the coming hours hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from incidents.model import PathPoint
from incidents.now import shanghai
from nlp.forecast.spread import Floats, Spread

STEP = 0.25  # hours of one slice of the integral
HORIZON = 24.0
POINTS = 20
DRAWN = (0.10, 0.25, 0.50, 0.75, 0.90)
GRID = np.arange(0.0, HORIZON + STEP, STEP)
MIDDLES = GRID[:-1] + STEP / 2


@dataclass(frozen=True, kw_only=True)
class Shape:
    """``decay[i]`` is the intensity at ages ``edges[i]``…``edges[i+1]`` hours; ``activity[h]`` averages 1."""

    edges: Floats
    decay: Floats
    activity: Floats

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Shape:
        return cls(**{name: np.asarray(table[name], dtype=np.float64) for name in ("edges", "decay", "activity")})

    def spent(self, first_seen: datetime, ages: Sequence[float] | Floats) -> Floats:
        """Expected growth from appearance to each of ``ages`` (hours), in arbitrary units; strictly rising."""
        return self._integral(first_seen, ages, self.decay[self._slots])

    def waking(self, first_seen: datetime, ages: Sequence[float] | Floats) -> Floats:
        """Hours of human activity from appearance to each of ``ages``: an average hour counts 1."""
        return self._integral(first_seen, ages, np.ones(len(MIDDLES)))

    def _integral(self, first_seen: datetime, ages: Sequence[float] | Floats, rate: Floats) -> Floats:
        begin = shanghai(first_seen)
        hour = (begin.hour + begin.minute / 60 + MIDDLES) % 24
        sums = np.concatenate([[0.0], np.cumsum(rate * self.activity[hour.astype(int)] * STEP)])
        integral: Floats = np.interp(ages, GRID, sums)
        return integral

    @cached_property
    def _slots(self) -> Any:
        return np.clip(np.searchsorted(self.edges, MIDDLES, side="right") - 1, 0, len(self.decay) - 1)

    def activity_at(self, at: datetime) -> float:
        return float(self.activity[shanghai(at).hour])


@dataclass(frozen=True, kw_only=True)
class Anchors:
    """What the path must pass through: ``observed`` at ``age`` hours, then the horizons' distributions."""

    first_seen: datetime
    age: float
    observed: int
    horizons: tuple[tuple[float, Spread], ...]

    def totals(self) -> Floats:
        """Quantiles of the total (DRAWN × here and each horizon), never falling from one to the next."""
        here = np.full(len(DRAWN), float(self.observed))
        ahead = [self.observed + 2.0 ** np.interp(DRAWN, spread.levels, spread.ys) - 1.0 for _, spread in self.horizons]
        return np.asarray(np.maximum.accumulate(np.stack([here, *ahead], axis=1), axis=1))


def path(anchors: Anchors, shape: Shape, now: datetime) -> tuple[PathPoint, ...]:
    """About twenty points from ``now`` to 24 h after appearance; quantiles rise in time and never cross."""
    hour = timedelta(hours=1)
    begin = max(anchors.age, (now - anchors.first_seen) / hour)
    ends = [at for at, _ in anchors.horizons if at > begin]
    ages = np.unique([*np.linspace(begin, HORIZON, POINTS), *ends])  # the horizons themselves stand on the path
    known = [anchors.age, *(at for at, _ in anchors.horizons)]
    spent = shape.spent(anchors.first_seen, ages)
    knots = shape.spent(anchors.first_seen, known)
    lines = [np.interp(spent, knots, line).tolist() for line in anchors.totals()]
    return tuple(
        PathPoint(at=anchors.first_seen + age * hour, q10=q10, q25=q25, q50=q50, q75=q75, q90=q90)
        for age, q10, q25, q50, q75, q90 in zip(ages.tolist(), *lines, strict=True)
    )


def crossing(points: Sequence[PathPoint], threshold: int) -> datetime | None:
    """When the median path reaches ``threshold``, between its points by straight line; None = not in 24 h."""
    for before, after in pairwise(points):
        if after.q50 >= threshold:
            rise = after.q50 - before.q50
            share = 0.0 if rise <= 0 else max(0.0, (threshold - before.q50) / rise)
            return before.at + share * (after.at - before.at)
    return None

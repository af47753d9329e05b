"""How the counts of a post grow: realistic curves that are pure functions of (seed, totals, time).

The shapes (``growth.json``) are quantiles of real repost curves in activity time; see ``fit_growth``.
A post's counter is a set of moments drawn once from its curve with a seed of its own, so that the count
at any time is the number of moments passed: it never falls, has the noise of a Poisson process given its
total, and is the same after a restart.
"""

from __future__ import annotations

import json
import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHAPES = Path(__file__).with_name("growth.json")
SHANGHAI_S = 8 * 3600
DAY_S = 86_400.0


@dataclass(frozen=True, kw_only=True)
class Push:
    """What sets a count going: about ``total`` in the 24 h after ``start`` (unix seconds), at a pace of 0.1…0.9."""

    start: float
    total: int
    pace: float


@dataclass(frozen=True)
class Shapes:
    """The fitted file: ages in activity seconds, shares by pace, and the activity of the hours."""

    ages_s: Floats
    paces: Floats
    shares: Floats  # (pace, age)
    day: Floats  # activity seconds since midnight at each full hour, 25 values; the last is 86 400

    def curve(self, pace: float) -> Floats:
        """Share of the 24 h total at each age, between the two nearest fitted paces."""
        return np.array([np.interp(pace, self.paces, column) for column in self.shares.T])

    def activity(self, at: float) -> float:
        """Activity seconds on a running clock at ``at`` (unix seconds): it runs with the day and rests at night."""
        days, rest = divmod(at + SHANGHAI_S, DAY_S)
        return days * DAY_S + float(np.interp(rest, np.arange(25) * 3600.0, self.day))

    def moments(self, activity: Floats) -> Floats:
        """The way back: unix seconds at which the activity clock shows ``activity``."""
        days, rest = np.divmod(activity, DAY_S)
        return np.asarray(days * DAY_S + np.interp(rest, self.day, np.arange(25) * 3600.0) - SHANGHAI_S)


@lru_cache(maxsize=1)
def shapes() -> Shapes:
    raw = json.loads(SHAPES.read_text(encoding="utf-8"))
    hours = np.asarray(raw["activity"], dtype=np.float64)
    day = np.concatenate([[0.0], np.cumsum(hours / hours.sum() * DAY_S)])
    return Shapes(
        ages_s=np.asarray(raw["ages_min"], dtype=np.float64) * 60,
        paces=np.asarray([float(pace) for pace in raw["paces"]]),
        shares=np.asarray(list(raw["paces"].values()), dtype=np.float64),
        day=day,
    )


def moments(seed: str, pushes: Sequence[Push]) -> list[float]:
    """All moments (unix seconds, rising) at which the count goes up by one."""
    drawn = [_drawn(random.Random(f"{seed}/{place}"), push) for place, push in enumerate(pushes) if push.total]
    return [] if not drawn else [float(at) for at in np.sort(np.concatenate(drawn))]


def _drawn(chance: random.Random, push: Push) -> Floats:
    curve = shapes().curve(push.pace)
    many = round(push.total * float(curve[-1]))
    shares = np.array([chance.random() for _ in range(many)]) * curve[-1]
    ages = np.interp(shares, curve, shapes().ages_s)
    return np.asarray(shapes().moments(shapes().activity(push.start) + ages))


def reached(passed: Sequence[float], at: float) -> int:
    """How many of the moments have passed at ``at`` (unix seconds)."""
    return bisect_right(passed, at)

"""What a statement changed: counts after it was published against the forecast made before. Pure.

The band of the forecast stands for what would have come without the statement. A difference is no proof of a cause,
and inside the band nothing can be claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from incidents.model import Forecast, PathPoint

LEAST = 3  # counts after the statement below which nothing is said
SETTLES = timedelta(minutes=30)  # so long at least must be seen: a statement that nobody has read yet changes nothing


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What came after a statement, against the forecast made before it: ``inside`` the 80 % band of it or not."""

    at: datetime
    low: float
    expected: float
    high: float
    came: int

    @property
    def verdict(self) -> str:
        """``below`` the band, ``above`` it, or ``inside``: then nothing can be claimed."""
        return "below" if self.came < self.low else ("above" if self.came > self.high else "inside")


def statement_effect(before: Forecast | None, published: datetime, came: Sequence[tuple[datetime, int]], least: int = LEAST) -> tuple[Effect, ...] | None:
    """Counts after ``published`` against the last forecast made before it; None where :func:`refusal` says why."""
    if refusal(before, published, came, least) is not None:
        return None
    assert before is not None
    return tuple(_effect(before, at, count) for at, count in _after(before, published, came))


def refusal(before: Forecast | None, published: datetime, came: Sequence[tuple[datetime, int]], least: int = LEAST) -> str | None:
    """Why nothing can be said, as a code: ``no_forecast`` (none, or it abstained), ``after`` (made only after the
    statement), ``too_few`` counts inside its 24 h, ``too_short`` a time; None when something can."""
    if before is None or before.abstains or not before.path:
        return "no_forecast"
    if before.made_at > published:
        return "after"
    after = _after(before, published, came)
    if len(after) < least:
        return "too_few"
    return "too_short" if after[-1][0] - published < SETTLES else None


def _after(before: Forecast, published: datetime, came: Sequence[tuple[datetime, int]]) -> list[tuple[datetime, int]]:
    return [(at, count) for at, count in came if published < at <= before.path[-1].at]


def _effect(before: Forecast, at: datetime, count: int) -> Effect:
    point = on_path(before.path, at)
    return Effect(at=at, low=point.q10, expected=point.q50, high=point.q90, came=count)


def on_path(path: Sequence[PathPoint], at: datetime) -> PathPoint:
    """The path at a moment, by straight line between its points; its ends beyond them."""
    if at <= path[0].at or len(path) == 1:
        return path[0]
    for before, after in pairwise(path):
        if before.at < at <= after.at:
            share = (at - before.at) / (after.at - before.at)
            q10, q50, q90 = (low + share * (high - low) for low, high in ((before.q10, after.q10), (before.q50, after.q50), (before.q90, after.q90)))
            return PathPoint(at=at, q10=q10, q50=q50, q90=q90)
    return path[-1]

"""A whole story, not one mention: heat across platforms, and how many mentions are still to come. Pure.

*Heat* adds counts of different metrics by documented weights (``WEIGHTS``, an argument everywhere; a brand sets its
own by ``heat`` in the settings). *Arrivals* are a self-exciting process in the hours of human activity: each mention calls forth others (Hawkes 1971,
Biometrika 58), most within minutes, some after a day (a mixture of exponentials that falls like a power law, as in
SEISMIC, Zhao et al. 2015). The mean number to come solves a linear system; its spread is what the process missed by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from incidents.effect import Effect, statement_effect
from incidents.model import Forecast
from incidents.now import shanghai
from incidents.settings import HEAT

WEIGHTS = HEAT
ENOUGH = 5  # arrivals from which branching can be told at all
NEWEST = 4_000  # arrivals that are fitted: the older ones of a long story no longer say how it is told now
HOUR = timedelta(hours=1)
Hours = NDArray[np.float64]

# Chosen on the reposts of the oldest 55 % of the Weibo cascades, taken as arrivals, at six pairs of age and horizon
# (figures on the posts of 55–85 % in docs/forecast.md). An exponential memory and a clock without nights were far worse.
MEMORIES: Hours = np.array([0.1, 0.4, 1.6, 6.4, 25.6])  # hours of activity after which each part of a pull has fallen to 1/e
SHARES: Hours = MEMORIES**-0.8 / (MEMORIES**-0.8).sum()  # half of the children come within 0.11 h
CRITICAL = 0.9  # branching is capped: at 1 a story would never end
MISSED = {"10": -1.24, "50": -0.06, "90": 2.02}  # quantiles of log2(1 + came) − log2(1 + expected), 16 487 of them
#: Activity by hour of day in Shanghai (mean 1), as the grown model has learnt it from Weibo reposts.
ACTIVITY: Hours = np.array([1.067, 0.454, 0.26, 0.178, 0.161, 0.234, 0.556, 1.148, 1.558, 1.692, 1.491, 1.308,
                            1.435, 1.312, 1.114, 1.054, 1.025, 0.994, 0.994, 1.016, 1.087, 1.206, 1.289, 1.368])
_UNTIL: Hours = np.concatenate([[0.0], np.cumsum(ACTIVITY)])


@dataclass(frozen=True, kw_only=True)
class Heat:
    """``total`` is the sum of ``parts`` (metric → weight × count): what the explanation panel shows."""

    total: float
    parts: Mapping[str, float]
    unknown: tuple[str, ...] = ()  # metrics of which nothing is known: they add nothing and are told
    unweighted: tuple[str, ...] = ()  # metrics that have no weight


def heat(counts: Sequence[Mapping[str, int | None]], weights: Mapping[str, float] = WEIGHTS) -> Heat:
    """Heat of a story from the newest counts of its members."""
    parts: dict[str, float] = {}
    asked = {metric for member in counts for metric in member}
    for member in counts:
        for metric, count in member.items():
            if count is not None and metric in weights:
                parts[metric] = parts.get(metric, 0.0) + weights[metric] * count
    unknown = tuple(sorted(metric for metric in asked if metric in weights and metric not in parts))
    return Heat(total=sum(parts.values()), parts=parts, unknown=unknown, unweighted=tuple(sorted(asked - set(weights))))


def waking(at: datetime, hours: Hours | float) -> Hours:
    """Hours of human activity from ``at`` to so many hours after it (negative before it)."""
    there = shanghai(at)
    begin = there.hour + there.minute / 60 + there.second / 3600
    return _passed(begin + np.asarray(hours, dtype=np.float64)) - _passed(np.asarray(begin))


def _passed(hours: Hours) -> Hours:
    days = np.floor(hours / 24)
    return np.asarray(days * _UNTIL[-1] + np.interp(hours - 24 * days, np.arange(25), _UNTIL), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """The fitted process: ``branching`` children a mention, and what is left of each part of its pull at ``now``, in
    mentions (each counts 1 when it arrives and fades)."""

    now: datetime
    branching: float
    pull: tuple[float, ...]
    count: int

    def expected(self, hours: float) -> float:
        """Mean number of further mentions within ``hours``, children of children included.

        The mean pulls obey dmₖ/du = −mₖ/memoryₖ + λ with λ = branching · Σ shareₖ/memoryₖ · mₖ, u in hours of activity:
        a linear system, solved by its matrix exponential.
        """
        rate, size = self.branching * SHARES / MEMORIES, len(MEMORIES)
        system = np.zeros((size + 1, size + 1))
        system[:size, :size] = rate - np.diag(1 / MEMORIES)
        system[size, :size] = rate
        return float((expm(system * float(waking(self.now, hours))) @ [*self.pull, 0.0])[size])

    def quantiles(self, hours: float) -> dict[str, float]:
        """Quantiles of that number: the mean, moved by what the process missed by on cascades it had not seen."""
        mean = self.expected(hours)
        return {name: max(0.0, (1 + mean) * 2.0**missed - 1) for name, missed in MISSED.items()}


def arrivals(times: Sequence[datetime], now: datetime) -> Arrivals | None:
    """The process that makes the ``times`` of a story's mentions likeliest (the first one given), or None below ENOUGH.
    Times after ``now`` are ignored. The likeliest branching is children over the pull that was spent on them."""
    hours = np.sort(np.array([(at - now) / HOUR for at in times if at <= now], dtype=np.float64))[-NEWEST:]
    if len(hours) < ENOUGH:
        return None
    left = np.exp(waking(now, hours)[:, None] / MEMORIES)
    spent = float(((1 - left) @ SHARES).sum())
    branching = min(CRITICAL, (len(hours) - 1) / spent) if spent > 0 else CRITICAL
    return Arrivals(now=now, branching=branching, pull=tuple(left.sum(axis=0).tolist()), count=len(hours))


@dataclass(frozen=True, kw_only=True)
class StoryForecast:
    """Heat of a story at a horizon: quantiles, the parts of the median, and why parts are missing."""

    hours: float
    now: float
    q: Mapping[str, float]
    from_members: float
    from_arrivals: float
    coming: Mapping[str, float]  # quantiles of the number of new mentions
    abstained: int
    arrivals: Arrivals | None


def foresee(members: Sequence[Forecast], counts: Sequence[Mapping[str, int | None]], times: Sequence[datetime], hours: float,
            now: datetime, weights: Mapping[str, float] = WEIGHTS) -> StoryForecast:
    """Heat ``hours`` from ``now``: what the members have, what their forecasts add, and what new mentions bring.

    ``members`` are forecasts of single mentions (each of one metric; those that abstain add nothing and are counted),
    ``counts`` the newest counts of all members, those of ``members`` first and in the same order, ``times`` when the
    members appeared. A member's other metrics are taken to grow as the one that is forecast. Members of one story rise
    and fall together, so their quantiles are added level by level. A new mention is taken to bring what a member has,
    the largest one left out: the post that made the story is no example of those that follow it.
    """
    present = heat(counts, weights)
    pairs = [(one, own) for one, own in zip(members, counts, strict=False) if one.abstains is None and one.path]
    grown = {name: sum(_growth(one, own, name, now + hours * HOUR, weights) for one, own in pairs) for name in MISSED}
    process = arrivals(times, now)
    coming = process.quantiles(hours) if process else dict.fromkeys(MISSED, 0.0)
    each = _brought(counts, weights)
    q = {name: present.total + grown[name] + coming[name] * each for name in MISSED}
    return StoryForecast(hours=hours, now=present.total, q=q, from_members=grown["50"], from_arrivals=coming["50"] * each, coming=coming,
                         abstained=len(members) - len(pairs), arrivals=process)


def _brought(counts: Sequence[Mapping[str, int | None]], weights: Mapping[str, float]) -> float:
    """Mean heat of the members but the largest; a member without any known count has none."""
    each = sorted(heat([own], weights).total for own in counts)[:-1]
    return sum(each) / len(each) if each else 0.0


def _growth(member: Forecast, own: Mapping[str, int | None], level: str, at: datetime, weights: Mapping[str, float]) -> float:
    """Heat that a member adds until ``at``, in the proportion in which its path grows; after its own 24 h nothing more."""
    moments = [(point.at - at) / HOUR for point in member.path]
    total = float(np.interp(0.0, moments, [getattr(point, f"q{level}") for point in member.path]))
    added = max(0.0, total - (member.observed or 0))
    if not member.observed:
        return weights.get(member.metric, 0.0) * added
    return heat([{**own, member.metric: member.observed}], weights).total * added / member.observed


__all__ = ["WEIGHTS", "Arrivals", "Effect", "Heat", "StoryForecast", "arrivals", "foresee", "heat", "statement_effect"]

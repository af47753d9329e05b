"""A whole story, not one mention: heat across platforms, and how many mentions are still to come. Pure.

*Heat* adds counts of different metrics by documented weights (``WEIGHTS``, an argument everywhere; a brand sets its
own by ``heat`` in the settings). *Arrivals* are a self-exciting process: each mention calls forth others for a while (Hawkes 1971,
Biometrika 58), with an exponential memory, for which the expected number to come has a closed form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.stats import nbinom

from incidents.effect import Effect, statement_effect
from incidents.model import Forecast
from incidents.settings import HEAT

WEIGHTS = HEAT
ENOUGH = 5  # arrivals from which branching and memory can be told at all
HOUR = timedelta(hours=1)
Hours = NDArray[np.float64]
BRANCHING = np.arange(0.05, 0.951, 0.05)  # children a mention; at 1 a story would never end
MEMORY = np.array([0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0])  # hours after which a mention's pull has fallen to 1/e
NEWEST = 4_000  # arrivals that are fitted: the older ones of a long story no longer say how it is told now
LEVELS = {"10": 0.1, "50": 0.5, "90": 0.9}


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


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """The fitted process: ``branching`` children a mention, ``memory`` hours; ``pull`` is what is left of it now,
    in mentions (each counts 1 when it arrives and fades)."""

    branching: float
    memory: float
    pull: float
    count: int

    def expected(self, hours: float) -> float:
        """Mean number of further mentions within ``hours``, children of children included.

        The intensity m(t) obeys dm/dt = −(1 − n)·m/memory, so it sums to n·pull·(1 − e^{−(1−n)·h/memory}) / (1 − n).
        """
        left = 1 - self.branching
        return self.branching * self.pull * (1 - math.exp(-left * hours / self.memory)) / left

    def quantiles(self, hours: float) -> dict[str, float]:
        """Quantiles of that number. Families of children make it over-dispersed: variance = mean / (1 − n)² in
        the long run (total progeny of a branching process), laid out as a negative binomial."""
        mean = self.expected(hours)
        if mean <= 0:
            return dict.fromkeys(LEVELS, 0.0)
        spread = 1 / (1 - self.branching) ** 2
        size = mean / (spread - 1)
        return {name: float(nbinom.ppf(level, size, 1 / spread)) for name, level in LEVELS.items()}


def arrivals(times: Sequence[datetime], now: datetime) -> Arrivals | None:
    """The process that makes the ``times`` of a story's mentions likeliest (grid search, the first one given), or
    None below ENOUGH. Times after ``now`` are ignored."""
    hours = np.sort(np.array([(at - now) / HOUR for at in times if at <= now], dtype=np.float64))
    if len(hours) < ENOUGH:
        return None
    hours = hours[-NEWEST:]
    branching, memory = _likeliest(hours)
    return Arrivals(branching=branching, memory=memory, pull=float(np.exp(hours / memory).sum()), count=len(hours))


def _likeliest(hours: Hours) -> tuple[float, float]:
    """Branching and memory of the grid that make all arrivals but the first likeliest, the first one given (Ozaki 1979:
    the recursion for the exponential kernel, here for every memory at once)."""
    excited, logs = np.zeros(len(MEMORY)), np.zeros(len(MEMORY))
    for gap in np.diff(hours):
        excited = (excited + 1.0) * np.exp(-gap / MEMORY)
        logs += np.log(np.maximum(excited, 1e-12))
    born = (1 - np.exp(hours[:, None] / MEMORY)).sum(axis=0)  # expected children until now, for each unit of branching
    likelihood = (len(hours) - 1) * np.log(BRANCHING[:, None] / MEMORY) + logs - BRANCHING[:, None] * born
    best = np.unravel_index(int(np.argmax(likelihood)), likelihood.shape)
    return float(BRANCHING[best[0]]), float(MEMORY[best[1]])


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
    grown = {name: sum(_growth(one, own, name, now + hours * HOUR, weights) for one, own in pairs) for name in LEVELS}
    process = arrivals(times, now)
    coming = process.quantiles(hours) if process else dict.fromkeys(LEVELS, 0.0)
    each = _brought(counts, weights)
    q = {name: present.total + grown[name] + coming[name] * each for name in LEVELS}
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

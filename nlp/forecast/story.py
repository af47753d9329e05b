"""A whole story, not one mention: heat across platforms, and how many mentions are still to come. Pure.

*Heat* adds counts of different metrics by documented weights (``WEIGHTS``, an argument everywhere, so a brand may
set its own). *Arrivals* are a self-exciting process: each mention calls forth others for a while (Hawkes 1971,
Biometrika 58), with an exponential memory, for which the expected number to come has a closed form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from scipy.stats import nbinom

from incidents.model import Forecast

#: Heat of one count. A repost or a comment is one act of one person; a like costs less, a view nearly nothing.
WEIGHTS: Mapping[str, float] = {"reposts": 1.0, "comments": 1.0, "likes": 0.2, "views": 0.001, "discussions": 0.1, "answers": 5.0}
ENOUGH = 5  # arrivals from which branching and memory can be told at all
HOUR = timedelta(hours=1)
BRANCHING = np.arange(0.05, 0.951, 0.05)  # children a mention; at 1 a story would never end
MEMORY = np.array([0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0])  # hours after which a mention's pull has fallen to 1/e
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
    fits = [(_likelihood(hours, branching, memory), branching, memory) for branching in BRANCHING for memory in MEMORY]
    _, branching, memory = max(fits)
    pull = float(np.exp(hours / memory).sum())
    return Arrivals(branching=float(branching), memory=float(memory), pull=pull, count=len(hours))


def _likelihood(hours: np.ndarray[tuple[int], np.dtype[np.float64]], branching: float, memory: float) -> float:
    """Log likelihood of all arrivals but the first (Ozaki 1979, the recursion for the exponential kernel)."""
    excited, total = 0.0, 0.0
    for gap in np.diff(hours):
        excited = (excited + 1.0) * math.exp(-gap / memory)
        total += math.log(max(branching / memory * excited, 1e-12))
    return total - branching * float((1 - np.exp(hours / memory)).sum())


@dataclass(frozen=True, kw_only=True)
class StoryForecast:
    """Heat of a story at a horizon: quantiles, the parts of the median, and why parts are missing."""

    hours: float
    now: float
    q: Mapping[str, float]
    from_members: float
    from_arrivals: float
    abstained: int
    arrivals: Arrivals | None


def foresee(members: Sequence[Forecast], counts: Sequence[Mapping[str, int | None]], times: Sequence[datetime], hours: float,
            now: datetime, weights: Mapping[str, float] = WEIGHTS) -> StoryForecast:
    """Heat ``hours`` from ``now``: what the members have, what their forecasts add, and what new mentions bring.

    ``members`` are forecasts of single mentions (each of one metric; those that abstain add nothing and are counted),
    ``counts`` the newest counts of all members, ``times`` when the members appeared. Members of one story rise and
    fall together, so their quantiles are added level by level; a new mention is taken to bring what a member
    has on average, a mention without any known count nothing.
    """
    present = heat(counts, weights)
    speaking = [one for one in members if one.abstains is None and one.path]
    grown = {name: sum(_growth(one, name, now + hours * HOUR, weights) for one in speaking) for name in LEVELS}
    process = arrivals(times, now)
    coming = process.quantiles(hours) if process else dict.fromkeys(LEVELS, 0.0)
    each = present.total / max(1, len(counts))
    q = {name: present.total + grown[name] + coming[name] * each for name in LEVELS}
    return StoryForecast(hours=hours, now=present.total, q=q, from_members=grown["50"], from_arrivals=coming["50"] * each,
                         abstained=len(members) - len(speaking), arrivals=process)


def _growth(member: Forecast, level: str, at: datetime, weights: Mapping[str, float]) -> float:
    """Heat that a member's path adds until ``at``; after its own 24 h it adds nothing more."""
    moments = [(point.at - at) / HOUR for point in member.path]
    total = float(np.interp(0.0, moments, [getattr(point, f"q{level}") for point in member.path]))
    return weights.get(member.metric, 0.0) * max(0.0, total - (member.observed or 0))


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


def statement_effect(before: Forecast | None, published: datetime, came: Sequence[tuple[datetime, int]], least: int = 3) -> tuple[Effect, ...] | None:
    """Counts after ``published`` against the last forecast made before it; None (refused) without such a forecast,
    or with fewer than ``least`` counts inside its 24 h. A difference is no proof of a cause."""
    if before is None or before.abstains or not before.path or before.made_at > published:
        return None
    after = [(at, count) for at, count in came if published < at <= before.path[-1].at]
    if len(after) < least:
        return None
    found = []
    for at, count in after:
        moments = [(point.at - at) / HOUR for point in before.path]
        low, expected, high = (float(np.interp(0.0, moments, [getattr(p, name) for p in before.path])) for name in ("q10", "q50", "q90"))
        found.append(Effect(at=at, low=low, expected=expected, high=high, came=count))
    return tuple(found)

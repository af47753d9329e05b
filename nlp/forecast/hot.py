"""Entries of hot lists: will it reach T within 24 h of its first sight?

One gradient-boosted model (LightGBM) for each list answers P(growth ≥ needed) with the growth that is needed as
one of its inputs, bound to fall as more is needed; asked over a grid it gives the whole distribution. What an
entry grows after it left the list nobody sees: "size" here is the last count that the list shows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from incidents.errors import ModelError
from incidents.model import Forecast, ForecastReason
from incidents.now import shanghai
from nlp.forecast import ForecastInput
from nlp.forecast.answer import Judged, abstention, forecast
from nlp.forecast.seen import Seen, Unusable, look
from nlp.forecast.shape import Shape
from nlp.forecast.spread import Floats, Spread
from nlp.forecast.wording import likeness

HORIZONS = (12.0, 24.0)
SERIES = {"weibo-hot/discussions": "hot_weibo", "zhihu-hot/answers": "hot_zhihu"}
UNKNOWN = -1.0
NEEDED = (0.5, 1.0, 1.6, *np.arange(2.0, 20.01, 0.75).tolist())  # log2(1 + growth): from one more to a million
BESIDE = ("rank", "heat", "reads", "originals")
NAMES = (
    "age", "stale", "visits", "count", "first", "added", "added_last", "pace", "rate", "reads", "reads_first", "originals",
    "originals_first", "count_on_reads", "count_on_originals", "reads_added", "rank", "rank_first", "rank_best", "rank_won",
    "heat", "heat_first", "heat_best", "heat_won", "hour_first", "hour", "weekday", "category", "length", "wording",
    "hours_left", "needed",
)


@dataclass(frozen=True, kw_only=True)
class Visits:
    """What was seen of one entry, oldest first: ages in hours, counts never falling, and what stood beside."""

    ages: Sequence[float]
    counts: Sequence[float]
    rank: Sequence[float]
    heat: Sequence[float]
    reads: Sequence[float]
    originals: Sequence[float]

    @classmethod
    def of(cls, seen: Seen) -> Visits:
        beside = {name: [float(one.get(name, UNKNOWN)) for one in seen.beside] for name in BESIDE}
        return cls(ages=seen.ages, counts=[float(value) for value in seen.values], **beside)


@dataclass(frozen=True, kw_only=True)
class Title:
    """What an entry is about: ``category`` as its number in the model, -1 unknown."""

    category: int
    length: int
    wording: float


def row(visits: Visits, title: Title, first_seen: datetime, age: float) -> list[float]:
    """The numbers of ``NAMES`` at ``age`` hours, but for the last two (the horizon and the growth needed)."""
    return [*_counts(visits, age), *_beside(visits), *_place(visits), *_when(first_seen, age),
            float(title.category), float(title.length), title.wording]


def _counts(visits: Visits, age: float) -> list[float]:
    count, first, last = visits.counts[-1], visits.counts[0], visits.ages[-1]
    before = -2 if len(visits.ages) > 1 else -1
    added, gap = count - visits.counts[before], last - visits.ages[before]
    pace = _log(added / gap) if gap > 0 else 0.0
    return [age, age - last, float(len(visits.ages)), _log(count), _log(first), _log(count - first), _log(added), pace,
            _log(count / (last + 0.5))]


def _beside(visits: Visits) -> list[float]:
    count, reads, originals = (_log(part[-1]) for part in (visits.counts, visits.reads, visits.originals))
    reads_first, originals_first = _log(visits.reads[0]), _log(visits.originals[0])
    return [reads, reads_first, originals, originals_first, count - reads, count - originals, reads - reads_first]


def _place(visits: Visits) -> list[float]:
    before = -2 if len(visits.ages) > 1 else -1
    rank, heat = visits.rank, visits.heat
    return [rank[-1], rank[0], min(rank), rank[before] - rank[-1],
            _log(heat[-1]), _log(heat[0]), _log(max(heat)), _log(heat[-1]) - _log(heat[before])]


def _when(first_seen: datetime, age: float) -> list[float]:
    begin = shanghai(first_seen)
    hour = begin.hour + begin.minute / 60
    return [hour, (hour + age) % 24, float(begin.weekday())]


def _log(value: float) -> float:
    return math.log2(1 + max(0.0, value))


@dataclass(frozen=True, kw_only=True)
class HotModel:
    """One list: the booster, the categories it knows, the weights of title wording, the shape of growth."""

    booster: Any
    categories: Mapping[str, int]
    wording: Floats
    bias: float
    shape: Shape

    @classmethod
    def read(cls, table: Mapping[str, Any], booster: Any, wording: Floats) -> HotModel:
        """From the JSON, the LightGBM text and the weights of one list.

        Raises:
            ModelError: the model was trained with other features than this code makes.
        """
        if tuple(table["features"]) != NAMES:
            raise ModelError("The hot-list model was trained with other features: train it again or install the package anew.")
        return cls(booster=booster, categories=table["categories"], wording=wording, bias=table["bias"], shape=Shape.read(table["shape"]))

    def title(self, asked: ForecastInput) -> Title:
        category = self.categories.get(top_category(asked.category), -1)
        text = asked.text or ""
        return Title(category=category, length=len(text), wording=likeness(text, self.wording, self.bias) if text else self.bias)

    def spreads(self, asked: ForecastInput, seen: Seen, now: datetime) -> tuple[Spread, Spread]:
        """Growth from the newest count to 12 h and to 24 h after first sight."""
        age = (now - asked.first_seen) / timedelta(hours=1)
        needed = grid(seen.count, asked.thresholds)
        known = row(Visits.of(seen), self.title(asked), asked.first_seen, age)
        rows = np.array([[*known, max(0.0, end - age), one] for end in HORIZONS for one in needed])
        chances = np.asarray(self.booster.predict(rows, num_threads=1)).reshape(len(HORIZONS), -1)
        if age < HORIZONS[0]:
            chances[1] = np.maximum(chances[0], chances[1])
        return _spread(needed, chances[0]), _spread(needed, chances[1])


def grid(observed: int, thresholds: Sequence[int]) -> Floats:
    """The growths asked for: the fixed grid and what each threshold still needs."""
    wanted = [math.log2(1 + t - observed) for t in thresholds if t > observed]
    return np.unique(np.array([*NEEDED, *(one for one in wanted if one > 0)]))


def _spread(needed: Floats, chances: Floats) -> Spread:
    """From P(growth ≥ needed) to quantiles; the chance left below the first step is that of no growth at all."""
    levels = 1 - np.minimum.accumulate(np.clip(chances, 0.0, 1.0))
    return Spread(ys=np.concatenate([[0.0], needed]), levels=np.concatenate([levels[:1], levels]))


def top_category(category: str | None) -> str:
    """明星-内地 → 明星."""
    return (category or "").strip().split("-")[0]


class HotForecaster:
    """The forecaster of the hot lists; ``models`` by "platform/metric"."""

    def __init__(self, models: Mapping[str, HotModel], *, name: str, cold: bool) -> None:
        self.name = name
        self._models = models
        self._cold = cold

    def predict(self, asked: Sequence[ForecastInput], now: datetime) -> list[Forecast]:
        return [self._one(each, now) for each in asked]

    def _one(self, asked: ForecastInput, now: datetime) -> Forecast:
        seen = look(asked, now)
        if isinstance(seen, Unusable):
            return abstention(asked, seen, now, cold=self._cold, model=self.name)
        model = self._models[f"{asked.platform}/{asked.metric}"]
        to_12h, to_24h = model.spreads(asked, seen, now)
        judged = Judged(to_12h=to_12h, to_24h=to_24h, shape=model.shape, cold=self._cold, model=self.name,
                        reasons=_reasons(seen, cold=self._cold))
        return forecast(asked, seen, judged, now)


def _reasons(seen: Seen, *, cold: bool) -> tuple[ForecastReason, ...]:
    found = [ForecastReason(code="listed", values={"hours": round(seen.age, 1), "count": seen.count})]
    ranks = [one["rank"] for one in seen.beside if "rank" in one]
    if len(ranks) > 1 and ranks[-1] != ranks[0]:
        found.append(ForecastReason(code="climbing" if ranks[-1] < ranks[0] else "sinking", values={"rank": round(ranks[-1])}))
    if cold:
        found.append(ForecastReason(code="cold"))
    return tuple(found)

"""Entries of hot lists: will it reach T within 24 h of its first sight, and how large will it be?

Two gradient-boosted models (LightGBM) for each list. One gives P(total ≥ T) with T, what it still needs and the
hours left among its inputs, bound to fall as T rises. The other foretells growth; of each level of its answer the
newest part of the training entries tells how they really grew, which gives the whole distribution (no shape is
assumed, and most entries grow no more). The chances of the thresholds that are asked for are then set into that
distribution, so quantiles and probabilities come from the same numbers. What an entry grows after it left the list
nobody sees: "size" here is the last count that the list shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from incidents.errors import ModelError
from incidents.model import Forecast, ForecastReason
from nlp.forecast import ForecastInput
from nlp.forecast.answer import Judged, abstention, forecast
from nlp.forecast.listed import ASKED, Numbers, Views, Visits, known, questions
from nlp.forecast.seen import Seen, Unusable, look
from nlp.forecast.shape import Shape
from nlp.forecast.spread import Floats, Spread
from nlp.forecast.titles import cleaned, scores

HORIZONS = (12.0, 24.0)
SERIES = {"weibo-hot/discussions": "hot_weibo", "zhihu-hot/answers": "hot_zhihu"}
#: Growths, log2(1 + g), at which distributions are kept: each of 0…7 more, then in steps of a quarter, of a half, of one.
YS: Floats = np.unique(np.concatenate([np.log2(1.0 + np.arange(8)), np.arange(3, 12, 0.25), np.arange(12, 18, 0.5), np.arange(18, 25, 1.0)]))
BANDS: Floats = np.array([0.3, 1.6, 3.6, 8.0])  # hours: ages are calibrated apart between these


@dataclass(frozen=True, kw_only=True)
class Levels:
    """How entries grew whose growth was foretold alike: ``knots`` (band, horizon, level) are the mean forecasts of
    the levels, ``below`` (band, horizon, level, len(YS)) says which share grew at most as much as each of ``YS``."""

    knots: Floats
    below: Floats

    def at(self, band: Numbers, horizon: int, foretold: Floats) -> Floats:
        """The shares for each forecast, by straight line between the two nearest levels: (rows, len(YS))."""
        knots, below = self.knots[band, horizon], self.below[band, horizon]
        upper = np.clip((knots < foretold[:, None]).sum(axis=1), 1, knots.shape[1] - 1)
        rows = np.arange(len(upper))
        low, high = knots[rows, upper - 1], knots[rows, upper]
        weight = np.clip((foretold - low) / np.maximum(high - low, 1e-9), 0.0, 1.0)[:, None]
        return np.asarray((1 - weight) * below[rows, upper - 1] + weight * below[rows, upper])


@dataclass(frozen=True, kw_only=True)
class HotModel:
    """One list: the two boosters, the categories it knows, the weights of title wording, levels and calibration."""

    chance: Any
    growth: Any
    categories: Mapping[str, int]
    wording: Floats
    bias: Floats
    shifts: Floats
    levels: Levels
    shape: Shape

    @classmethod
    def read(cls, table: Mapping[str, Any], chance: Any, growth: Any, arrays: Mapping[str, Any]) -> HotModel:
        """From the JSON, the two boosters and the arrays of one list.

        Raises:
            ModelError: the model was trained with other numbers than this code makes.
        """
        if tuple(table["features"]) != ASKED:
            raise ModelError("The hot-list model was trained with other features: train it again or install the package anew.")
        levels = Levels(knots=np.asarray(arrays["knots"], dtype=np.float64), below=np.asarray(arrays["below"], dtype=np.float64))
        return cls(
            chance=chance, growth=growth, categories=table["categories"], wording=np.asarray(arrays["wording"], dtype=np.float64),
            bias=np.array(table["bias"]), shifts=np.array(table["shifts"]), levels=levels, shape=Shape.read(table["shape"]),
        )

    def titles(self, titles: Sequence[str], categories: Sequence[str | None]) -> Floats:
        """The numbers of ``listed.TITLE``, one row an entry."""
        return title_numbers(titles, categories, self.categories, scores(titles, self.wording, self.bias))

    def spreads(self, rows: Floats, views: Views, thresholds: Sequence[Sequence[int]]) -> list[tuple[Spread, Spread]]:
        """Growth from the newest count to 12 h and to 24 h after first sight; ``rows`` are the numbers of ``listed.KNOWN``."""
        owner = np.repeat(np.arange(len(rows)), [len(one) for one in thresholds])
        wanted = np.array([t for one in thresholds for t in one], dtype=np.float64)
        below = [self.below(rows, views, horizon) for horizon in range(len(HORIZONS))]
        chances = [self.chances(rows, views, owner, wanted, end) for end in HORIZONS]
        needed = np.log2(1 + np.maximum(0.0, wanted - views.visits.counts[views.last][owner]))
        cuts = np.searchsorted(owner, np.arange(len(rows) + 1))
        return [
            _pair(below[0][i], below[1][i], needed[a:b], (chances[0][a:b], chances[1][a:b]), views.ages[i] < HORIZONS[0])
            for i, (a, b) in enumerate(pairwise(cuts))
        ]

    def below(self, rows: Floats, views: Views, horizon: int) -> Floats:
        """P(growth to the horizon ≤ y) for each y of ``YS``."""
        left = np.maximum(0.0, HORIZONS[horizon] - views.ages)
        foretold = np.asarray(self.growth.predict(np.column_stack([rows, left]), num_threads=1))
        return self.levels.at(band(views.ages), horizon, foretold)

    def chances(self, rows: Floats, views: Views, owner: Numbers, thresholds: Floats, end: float) -> Floats:
        """P(total at ``end`` hours ≥ threshold), calibrated; ``owner`` is the row that each threshold is asked of."""
        if not len(owner):
            return np.zeros(0)
        asked = Views(visits=views.visits, last=views.last[owner], ages=views.ages[owner])
        numbers = questions(rows[owner], asked, thresholds, np.maximum(0.0, end - asked.ages))
        odds = np.asarray(self.chance.predict(numbers, num_threads=1, raw_score=True)) + self.shifts[band(asked.ages)]
        return np.asarray(1 / (1 + np.exp(-odds)))


def band(ages: Floats) -> Numbers:
    return np.searchsorted(BANDS, ages, side="right")


def title_numbers(titles: Sequence[str], categories: Sequence[str | None], known_as: Mapping[str, int], worded: Floats) -> Floats:
    number = [known_as.get(top_category(one), np.nan) for one in categories]
    lengths = [len(one) or np.nan for one in titles]
    return np.column_stack([number, lengths, worded]) if len(titles) else np.zeros((0, 4))


def top_category(category: str | None) -> str:
    """明星-内地 → 明星."""
    return (category or "").strip().split("-")[0].strip()


def _pair(to_12h: Floats, to_24h: Floats, needed: Floats, chances: tuple[Floats, Floats], open_12h: bool) -> tuple[Spread, Spread]:
    """Both horizons on the same growths; the later is never the smaller."""
    ys, first = pinned(to_12h, needed, chances[0])
    _, second = pinned(to_24h, needed, chances[1])
    if open_12h:
        second = np.minimum(first, second)
    return Spread(ys=ys, levels=first), Spread(ys=ys, levels=second)


def pinned(below: Floats, needed: Floats, chances: Floats) -> tuple[Floats, Floats]:
    """The distribution ``below`` over ``YS`` with P(growth ≥ needed) set in: growths and levels, both never falling."""
    order = np.argsort(needed, kind="stable")
    wanted, falling = needed[order], np.minimum.accumulate(chances[order])
    ys = np.union1d(YS, wanted[wanted > 0])
    levels = np.interp(ys, YS, below)
    for y, chance in zip(wanted[wanted > 0], falling[wanted > 0], strict=True):
        at = np.searchsorted(ys, y)
        levels[:at] = np.minimum(levels[:at], 1 - chance)
        levels[at:] = np.maximum(levels[at:], 1 - chance)
        levels[at] = 1 - chance
    return ys, np.maximum.accumulate(levels)


class HotForecaster:
    """The forecaster of the hot lists; ``models`` by "platform/metric"."""

    def __init__(self, models: Mapping[str, HotModel], *, name: str, cold: bool) -> None:
        self.name = name
        self._models = models
        self._cold = cold

    def predict(self, asked: Sequence[ForecastInput], now: datetime) -> list[Forecast]:
        made: dict[int, Forecast] = {}
        usable: dict[str, list[tuple[int, Seen]]] = {}
        for i, one in enumerate(asked):
            seen = look(one, now)
            if isinstance(seen, Unusable):
                made[i] = abstention(one, seen, now, cold=self._cold, model=self.name)
            else:
                usable.setdefault(f"{one.platform}/{one.metric}", []).append((i, seen))
        for key, pairs in usable.items():
            made.update(self._answers(self._models[key], [(i, asked[i], seen) for i, seen in pairs], now))
        return [made[i] for i in range(len(asked))]

    def _answers(self, model: HotModel, asked: Sequence[tuple[int, ForecastInput, Seen]], now: datetime) -> dict[int, Forecast]:
        inputs = [one for _, one, _ in asked]
        spreads = foretell(model, inputs, [seen for _, _, seen in asked], now)
        return {
            i: forecast(one, seen, Judged(to_12h=first, to_24h=second, shape=model.shape, cold=self._cold, model=self.name,
                                          reasons=_reasons(seen, cold=self._cold)), now)
            for (i, one, seen), (first, second) in zip(asked, spreads, strict=True)
        }


def foretell(model: HotModel, asked: Sequence[ForecastInput], seen: Sequence[Seen], now: datetime) -> list[tuple[Spread, Spread]]:
    """Growth of each input from its newest count to 12 h and to 24 h after first sight."""
    visits = Visits.of([one.first_seen.timestamp() for one in asked], seen)
    ages = np.array([(now - one.first_seen) / timedelta(hours=1) for one in asked])
    views = Views(visits=visits, last=visits.newest, ages=ages)
    titles = model.titles([cleaned(one.text) for one in asked], [one.category for one in asked])
    return model.spreads(known(views, titles), views, [one.thresholds for one in asked])


def _reasons(seen: Seen, *, cold: bool) -> tuple[ForecastReason, ...]:
    found = [ForecastReason(code="listed", values={"hours": round(seen.age, 1), "count": seen.count})]
    ranks = [one["rank"] for one in seen.beside if "rank" in one]
    if len(ranks) > 1 and ranks[-1] != ranks[0]:
        found.append(ForecastReason(code="climbing" if ranks[-1] < ranks[0] else "sinking", values={"rank": round(ranks[-1])}))
    if cold:
        found.append(ForecastReason(code="cold"))
    return tuple(found)

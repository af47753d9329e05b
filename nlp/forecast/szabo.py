"""The log-linear law of Szabo and Huberman (2010, Communications of the ACM 53(8)) on crawl counts.

log2(1 + increment to the horizon) = intercept(age) + slope(age) · log2(1 + count now), with residuals kept per
age for the interval. One line of arithmetic, no author, no text: the baseline that every better model is
measured against.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from incidents.model import Forecast
from nlp.forecast import ForecastInput
from nlp.forecast.answer import Judged, abstention, forecast
from nlp.forecast.reasons import reasons
from nlp.forecast.seen import Bounds, Seen, Unusable, look, not_fitted
from nlp.forecast.shape import Shape
from nlp.forecast.spread import Floats, Spread

NEEDED = 2  # counts: with a single one nothing shows that the post moves at all


@dataclass(frozen=True, kw_only=True)
class Law:
    """Constants to one horizon at a rising grid of ages (hours), and the residuals at each (levels of LEVELS)."""

    horizon: float
    ages: Floats
    intercept: Floats
    slope: Floats
    residuals: Floats

    @classmethod
    def read(cls, horizon: float, table: Mapping[str, Any]) -> Law:
        columns = {name: np.asarray(table[name], dtype=np.float64) for name in ("ages", "intercept", "slope", "residuals")}
        return cls(horizon=horizon, **columns)

    def spread(self, age: float, count: int) -> Spread:
        """Growth from ``count`` at ``age`` hours; between two ages of the grid by log age, at the horizon nothing."""
        if age >= self.horizon:
            return Spread.nothing()
        i = int(np.searchsorted(self.ages, age, side="right"))
        if i == 0:
            return self._at(0, count)
        before, low = self._at(i - 1, count), float(self.ages[i - 1])
        after, high = (Spread.nothing(), self.horizon) if i == len(self.ages) else (self._at(i, count), float(self.ages[i]))
        return before.between(after, math.log(age / low) / math.log(high / low))

    def _at(self, i: int, count: int) -> Spread:
        return Spread.of(self.intercept[i] + self.slope[i] * math.log2(1 + count) + self.residuals[i])


@dataclass(frozen=True, kw_only=True)
class Series:
    """What was fitted on one platform and metric, and the range that was seen while fitting."""

    laws: tuple[Law, Law]
    shape: Shape
    bounds: Bounds

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Series:
        laws = (Law.read(12.0, table["to_12h"]), Law.read(24.0, table["to_24h"]))
        return cls(laws=laws, shape=Shape.read(table["shape"]), bounds=Bounds.read(table))


class SzaboHuberman:
    """The forecaster; ``series`` by "platform/metric"."""

    def __init__(self, series: Mapping[str, Series], *, name: str, cold: bool) -> None:
        self.name = name
        self._series = series
        self._cold = cold

    def predict(self, asked: Sequence[ForecastInput], now: datetime) -> list[Forecast]:
        return [self._one(each, now) for each in asked]

    def _one(self, asked: ForecastInput, now: datetime) -> Forecast:
        found = self._usable(asked, now)
        if isinstance(found, Unusable):
            return abstention(asked, found, now, cold=self._cold, model=self.name)
        series = self._series[f"{asked.platform}/{asked.metric}"]
        to_12h, to_24h = (law.spread(found.age, found.count) for law in series.laws)
        judged = Judged(to_12h=to_12h, to_24h=to_24h.at_least(to_12h), shape=series.shape, cold=self._cold, model=self.name,
                        reasons=reasons(asked, found, series.shape, series.bounds, cold=self._cold))
        return forecast(asked, found, judged, now)

    def _usable(self, asked: ForecastInput, now: datetime) -> Seen | Unusable:
        series = self._series.get(f"{asked.platform}/{asked.metric}")
        if series is None:
            return not_fitted(asked)
        seen = look(asked, now)
        if isinstance(seen, Unusable):
            return seen
        if len(seen.ages) < NEEDED:
            return Unusable(code="one_count", sentence="Only one count is known; two are needed.", observed=seen.count)
        return series.bounds.refuse(seen) or seen

"""The grown model: one age-conditional forest for Weibo reposts, with conformal intervals for each age.

Trained by replaying posts at random ages with thinned, irregular crawls (``nlp/training/forecast_grown.py``);
its figures beside the baselines' are in ``nlp/cards/forecast.md``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from incidents.errors import ModelError
from incidents.model import Forecast
from nlp.forecast import ForecastInput
from nlp.forecast.answer import Judged, abstention, forecast
from nlp.forecast.features import NAMES, Reader
from nlp.forecast.forest import Forest
from nlp.forecast.reasons import reasons
from nlp.forecast.seen import Bounds, Seen, Unusable, look, not_fitted
from nlp.forecast.shape import Shape
from nlp.forecast.spread import Floats, Spread

HORIZONS = (12.0, 24.0)


@dataclass(frozen=True, kw_only=True)
class Residuals:
    """What the forest missed by, on posts it had not seen: levels of LEVELS at a rising grid of ages (hours)."""

    horizon: float
    ages: Floats
    levels: Floats

    def around(self, middle: float, age: float) -> Spread:
        """The distribution of growth when the forest says ``middle`` at ``age``; at the horizon, nothing."""
        if age >= self.horizon:
            return Spread.nothing()
        i = int(np.searchsorted(self.ages, age, side="right"))
        if i == 0:
            return Spread.of(middle + self.levels[0])
        before, low = Spread.of(middle + self.levels[i - 1]), float(self.ages[i - 1])
        if i == len(self.ages):
            return before.between(Spread.nothing(), math.log(age / low) / math.log(self.horizon / low))
        weight = math.log(age / low) / math.log(float(self.ages[i]) / low)
        return before.between(Spread.of(middle + self.levels[i]), weight)


@dataclass(frozen=True, kw_only=True)
class Grown:
    """Everything of one model file."""

    reader: Reader
    forest: Forest
    residuals: tuple[Residuals, Residuals]
    bounds: Bounds

    @classmethod
    def read(cls, table: Mapping[str, Any], arrays: Mapping[str, Any]) -> Grown:
        """From the JSON and the npz of the model.

        Raises:
            ModelError: the model was trained with other features than this code makes.
        """
        if tuple(table["features"]) != NAMES:
            raise ModelError("The forecast model was trained with other features: train it again or install the package anew.")
        ages = np.array(table["ages"], dtype=np.float64)
        residuals = [
            Residuals(horizon=at, ages=ages[ages < at], levels=np.array(table["residuals"][f"{at:.0f}"], dtype=np.float64))
            for at in HORIZONS
        ]
        reader = Reader(shape=Shape.read(table["shape"]), claims=np.asarray(arrays["claims"], np.float64), bias=table["bias"])
        return cls(reader=reader, forest=Forest.read(arrays), residuals=(residuals[0], residuals[1]), bounds=Bounds.read(table))

    def grown(self, asked: Sequence[tuple[ForecastInput, Seen]]) -> Floats:
        """The middle of growth to 12 h and 24 h for each input, on the scale log2(1 + increment)."""
        rows = np.array([self.reader.row(one, seen) for one, seen in asked], dtype=np.float64)
        return self.forest.predict(rows.reshape(len(asked), len(NAMES)))


class GrownForecaster:
    """The forecaster for Weibo reposts; everything else it does not know and says so."""

    def __init__(self, model: Grown, *, name: str, cold: bool) -> None:
        self.name = name
        self._model = model
        self._cold = cold

    def predict(self, asked: Sequence[ForecastInput], now: datetime) -> list[Forecast]:
        looked = [self._look(one, now) for one in asked]
        usable = [(one, seen) for one, seen in zip(asked, looked, strict=True) if isinstance(seen, Seen)]
        middles = iter(self._model.grown(usable))
        return [
            abstention(one, seen, now, cold=self._cold, model=self.name) if isinstance(seen, Unusable)
            else forecast(one, seen, self._judged(one, seen, next(middles)), now)
            for one, seen in zip(asked, looked, strict=True)
        ]

    def _look(self, asked: ForecastInput, now: datetime) -> Seen | Unusable:
        if (asked.platform, asked.metric) != ("weibo", "reposts"):
            return not_fitted(asked)
        seen = look(asked, now)
        return seen if isinstance(seen, Unusable) else self._model.bounds.refuse(seen) or seen

    def _judged(self, asked: ForecastInput, seen: Seen, middles: Floats) -> Judged:
        to_12h, to_24h = (
            residuals.around(float(middle), seen.age) for residuals, middle in zip(self._model.residuals, middles, strict=True)
        )
        shape = self._model.reader.shape
        return Judged(to_12h=to_12h, to_24h=to_24h.at_least(to_12h), shape=shape, cold=self._cold, model=self.name,
                      reasons=reasons(asked, seen, shape, cold=self._cold))

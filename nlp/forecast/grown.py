"""The grown model for Weibo reposts: two kinds of age-conditional trees, and conformal intervals for each age.

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
from numpy.typing import NDArray

from incidents.errors import ModelError
from incidents.model import Forecast
from nlp.forecast import Correction, ForecastInput
from nlp.forecast.answer import Judged, abstention, forecast
from nlp.forecast.features import NAMES, UNKNOWN, Reader
from nlp.forecast.forest import Forest
from nlp.forecast.reasons import reasons
from nlp.forecast.seen import Bounds, Seen, Unusable, look, not_fitted
from nlp.forecast.shape import Shape
from nlp.forecast.spread import Floats, Spread

HORIZONS = (12.0, 24.0)
KNOWN = ("full", "thin")


@dataclass(frozen=True, kw_only=True)
class Residuals:
    """What the trees missed by, on posts it had not seen: levels of LEVELS at a rising grid of ages (hours)."""

    horizon: float
    ages: Floats
    levels: Floats

    def around(self, middle: float, age: float) -> Spread:
        """The distribution of growth when the trees say ``middle`` at ``age``; at the horizon, nothing."""
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


def known_well(rows: Floats) -> NDArray[np.bool_]:
    """Which rows hold all that a crawler can bring: author, text and two counts. What is known less of is missed by
    more, so each kind has residuals of its own (Mondrian conformal prediction: Vovk et al. 2005)."""
    followers, length, visits = (rows[:, NAMES.index(name)] for name in ("followers", "length", "visits"))
    full: NDArray[np.bool_] = (followers != UNKNOWN) & (length != UNKNOWN) & (visits >= 2)
    return full


@dataclass(frozen=True, kw_only=True)
class Trees:
    """A forest of random trees (outputs: 12 h, 24 h) and boosted trees to each horizon; their mean is the answer.

    They err differently: on three forward blocks the mean of the two beats either (``nlp/cards/forecast.md``).
    """

    random: Forest
    boosted: tuple[Forest, Forest]

    @classmethod
    def read(cls, arrays: Mapping[str, Any]) -> Trees:
        boosted = (Forest.read(arrays, "boosted_12"), Forest.read(arrays, "boosted_24"))
        return cls(random=Forest.read(arrays, "random"), boosted=boosted)

    def arrays(self) -> dict[str, Any]:
        to_12h, to_24h = self.boosted
        return {**self.random.arrays("random"), **to_12h.arrays("boosted_12"), **to_24h.arrays("boosted_24")}

    def predict(self, rows: Floats) -> Floats:
        """Middle of growth to 12 h and to 24 h: (rows, 2)."""
        boosted = np.concatenate([one.sum(rows) for one in self.boosted], axis=1)
        return np.asarray(np.maximum(0.0, (self.random.mean(rows) + boosted) / 2))


@dataclass(frozen=True, kw_only=True)
class Grown:
    """Everything of one model file."""

    reader: Reader
    trees: Trees
    residuals: Mapping[str, tuple[Residuals, Residuals]]  # by KNOWN
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
        residuals = {known: _residuals(table["residuals"][known], ages) for known in KNOWN}
        reader = Reader(shape=Shape.read(table["shape"]), claims=np.asarray(arrays["claims"], np.float64), bias=table["bias"])
        return cls(reader=reader, trees=Trees.read(arrays), residuals=residuals, bounds=Bounds.read(table))

    def grown(self, asked: Sequence[tuple[ForecastInput, Seen]]) -> list[tuple[Floats, tuple[Residuals, Residuals]]]:
        """For each input the middle of growth to 12 h and 24 h, on the scale log2(1 + increment), and what such inputs
        are missed by."""
        rows = np.array([self.reader.row(one, seen) for one, seen in asked], dtype=np.float64).reshape(len(asked), len(NAMES))
        full = known_well(rows)
        return [(middles, self.residuals["full" if known else "thin"]) for middles, known in zip(self.trees.predict(rows), full, strict=True)]


def _residuals(table: Mapping[str, Any], ages: Floats) -> tuple[Residuals, Residuals]:
    to_12h, to_24h = (Residuals(horizon=at, ages=ages[ages < at], levels=np.array(table[f"{at:.0f}"], dtype=np.float64)) for at in HORIZONS)
    return to_12h, to_24h


class GrownForecaster:
    """The forecaster for Weibo reposts; everything else it does not know and says so."""

    def __init__(self, model: Grown, *, name: str, cold: bool, correction: Correction | None = None) -> None:
        self._correction = correction or Correction()
        self.name = self._correction.name(name)
        self._model = model
        self._cold = cold

    def predict(self, asked: Sequence[ForecastInput], now: datetime) -> list[Forecast]:
        looked = [self._look(one, now) for one in asked]
        usable = [(one, seen) for one, seen in zip(asked, looked, strict=True) if isinstance(seen, Seen)]
        grown = iter(self._model.grown(usable))
        return [
            abstention(one, seen, now, cold=self._cold, model=self.name) if isinstance(seen, Unusable)
            else forecast(one, seen, self._judged(one, seen, next(grown)), now)
            for one, seen in zip(asked, looked, strict=True)
        ]

    def _look(self, asked: ForecastInput, now: datetime) -> Seen | Unusable:
        if (asked.platform, asked.metric) != ("weibo", "reposts"):
            return not_fitted(asked)
        seen = look(asked, now)
        return seen if isinstance(seen, Unusable) else self._model.bounds.refuse(seen) or seen

    def _own(self, residuals: Residuals, seen: Seen) -> tuple[float, float]:
        """The correction, but none at a horizon that has passed: nothing is uncertain there."""
        return (0.0, 1.0) if seen.age >= residuals.horizon else (self._correction.shift, self._correction.factor)

    def _judged(self, asked: ForecastInput, seen: Seen, grown: tuple[Floats, tuple[Residuals, Residuals]]) -> Judged:
        to_12h, to_24h = (
            residuals.around(float(middle), seen.age).corrected(*self._own(residuals, seen)) for middle, residuals in zip(*grown, strict=True)
        )
        shape = self._model.reader.shape
        return Judged(to_12h=to_12h, to_24h=to_24h.at_least(to_12h), shape=shape, cold=self._cold, model=self.name,
                      reasons=reasons(asked, seen, shape, self._model.bounds, cold=self._cold))

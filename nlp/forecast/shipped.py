"""The model files that come with the product: read once, checked, made into forecasters."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from incidents.errors import ModelError
from incidents.model import Forecast
from nlp.forecast import Correction, Forecaster, ForecastInput
from nlp.forecast.answer import abstention
from nlp.forecast.grown import Grown, GrownForecaster
from nlp.forecast.hot import SERIES, HotForecaster, HotModel
from nlp.forecast.seen import not_fitted
from nlp.forecast.szabo import Series, SzaboHuberman

FOLDER = Path(__file__).parent / "weights"
SZABO = "szabo_huberman.json"
GROWN, GROWN_ARRAYS = "grown.json", "grown.npz"


def forecaster(name: str, *, cold: bool, correction: Correction) -> Forecaster:
    """The forecaster called ``name`` from the shipped files.

    Raises:
        ModelError: a file is missing or is not a model of ours.
    """
    if name == "szabo-huberman":
        return SzaboHuberman(_series(), name=f"szabo-huberman@{read(SZABO)['version']}", cold=cold)
    weibo: dict[str, Callable[[], Forecaster]] = {"weibo/reposts": partial(_weibo, cold=cold, correction=correction)}
    return Shipped({**weibo, **{key: partial(_list, key, cold=cold) for key in SERIES}}, name=f"grown@{read(GROWN)['version']}", cold=cold)


class Shipped:
    """Sends each input to the model of its platform and metric; a model is read when it is first asked for."""

    def __init__(self, models: Mapping[str, Callable[[], Forecaster]], *, name: str, cold: bool) -> None:
        self.name = name
        self._models = models
        self._cold = cold

    def predict(self, asked: Sequence[ForecastInput], now: datetime) -> list[Forecast]:
        made: dict[int, Forecast] = {}
        for key in dict.fromkeys(_key(one) for one in asked):
            chosen = [i for i, one in enumerate(asked) if _key(one) == key]
            made.update(zip(chosen, self._of(key, [asked[i] for i in chosen], now), strict=True))
        return [made[i] for i in range(len(asked))]

    def _of(self, key: str, asked: Sequence[ForecastInput], now: datetime) -> list[Forecast]:
        if key in self._models:
            return self._models[key]().predict(asked, now)
        return [abstention(one, not_fitted(one), now, cold=self._cold, model=self.name) for one in asked]


def _key(asked: ForecastInput) -> str:
    return f"{asked.platform}/{asked.metric}"


@cache
def _weibo(*, cold: bool, correction: Correction) -> Forecaster:
    model = Grown.read(read(GROWN), arrays(GROWN_ARRAYS, read(GROWN)))
    return GrownForecaster(model, name=f"grown@{read(GROWN)['version']}", cold=cold, correction=correction)


@cache
def _list(key: str, *, cold: bool) -> Forecaster:
    import lightgbm  # 1 s to import: only when a hot list is asked for

    name = SERIES[key]
    table = read(f"{name}.json")
    kept = arrays(f"{name}.npz", table)
    chance, growth = (lightgbm.Booster(model_str=kept[part].tobytes().decode("utf-8")) for part in ("chance", "growth"))
    model = HotModel.read(table, chance, growth, kept)
    return HotForecaster({key: model}, name=f"{name}@{table['version']}", cold=cold)


@cache
def _series() -> dict[str, Series]:
    return {key: Series.read(one) for key, one in read(SZABO)["series"].items()}


def arrays(file: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of one model file; it holds numbers only, nothing in it can run."""
    with np.load(io.BytesIO(_bytes(file, table)), allow_pickle=False) as found:
        return dict(found)


def _bytes(file: str, table: Mapping[str, Any]) -> bytes:
    """A file that belongs to ``table``, whose digest must be the one written there when it was trained."""
    try:
        content = (FOLDER / file).read_bytes()
    except OSError as error:
        raise ModelError(f"The model file {file} cannot be read: {error}. Install the package again.") from error
    if hashlib.sha256(content).hexdigest() != table["sha256"].get(file):
        raise ModelError(f"The model file {file} is not the one that was trained. Install the package again.")
    return content


@cache
def read(file: str) -> dict[str, Any]:
    """The JSON of one model file."""
    try:
        table = json.loads((FOLDER / file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"The model file {file} cannot be read: {error}. Install the package again.") from error
    if not isinstance(table, dict) or "version" not in table:
        raise ModelError(f"The model file {file} is not a forecast model.")
    return table

"""The model files that come with the product: read once, checked, made into forecasters."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from incidents.errors import ModelError
from nlp.forecast import Forecaster
from nlp.forecast.grown import Grown, GrownForecaster
from nlp.forecast.szabo import Series, SzaboHuberman

FOLDER = Path(__file__).parent / "weights"
SZABO = "szabo_huberman.json"
GROWN, GROWN_ARRAYS = "grown.json", "grown.npz"


def forecaster(name: str, *, cold: bool) -> Forecaster:
    """The forecaster called ``name`` from the shipped files.

    Raises:
        ModelError: a file is missing or is not a model of ours.
    """
    if name == "szabo-huberman":
        return SzaboHuberman(_series(), name=f"szabo-huberman@{read(SZABO)['version']}", cold=cold)
    return GrownForecaster(_grown(), name=f"grown@{read(GROWN)['version']}", cold=cold)


@cache
def _series() -> dict[str, Series]:
    return {key: Series.read(one) for key, one in read(SZABO)["series"].items()}


@cache
def _grown() -> Grown:
    return Grown.read(read(GROWN), _arrays(GROWN_ARRAYS))


def _arrays(file: str) -> dict[str, Any]:
    try:
        with np.load(FOLDER / file, allow_pickle=False) as found:
            return dict(found)
    except (OSError, ValueError) as error:
        raise ModelError(f"The model file {file} cannot be read: {error}. Install the package again.") from error


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

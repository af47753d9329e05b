"""The model files that come with the product: read once, checked, made into forecasters."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from incidents.errors import ModelError
from nlp.forecast import Forecaster
from nlp.forecast.szabo import Series, SzaboHuberman

FOLDER = Path(__file__).parent / "weights"
SZABO = "szabo_huberman.json"


def forecaster(name: str, *, cold: bool) -> Forecaster:
    """The forecaster called ``name`` from the shipped files.

    Raises:
        ModelError: a file is missing or is not a model of ours.
    """
    table = read(SZABO)
    series = {key: Series.read(one) for key, one in table["series"].items()}
    return SzaboHuberman(series, name=f"szabo-huberman@{table['version']}", cold=cold)


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

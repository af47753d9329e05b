"""The sentences of reasons, for the command line; the dashboard takes them from the same locale file."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from incidents.model import ForecastReason

LOCALE = ("locale", "zh-Hans", "forecast.toml")


def sentence(reason: ForecastReason) -> str:
    """The words of ``reason`` with its values filled in."""
    return str(_sentences()["reason"][reason.code]).format(**reason.values)


@cache
def _sentences() -> dict[str, Any]:
    found = files("incidents").joinpath(*LOCALE)
    forecast: dict[str, Any] = tomllib.loads(found.read_text(encoding="utf-8"))["forecast"]
    return forecast

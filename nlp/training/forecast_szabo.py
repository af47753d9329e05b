"""Fit the Szabo–Huberman constants, their residuals and the activity clock on replayed cascades."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from incidents.now import shanghai
from nlp.forecast.spread import Floats, conformal
from nlp.training.forecast_cascades import Cascade

AGES = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 6, 7.5, 9, 10.5, 11.5, 13, 15, 17, 19, 21, 22.5, 23.5)
LEAST = 10  # posts with fewer are not followed: the figures of the model page are for at least 10 seen
FOLDS = 5


def fit(cascades: Sequence[Cascade]) -> dict[str, Any]:
    """The table of one series, as :class:`nlp.forecast.szabo.Series` reads it."""
    return {
        "to_12h": _law(cascades, 12.0), "to_24h": _law(cascades, 24.0), "shape": shape(cascades),
        "least": LEAST, "most": max(one.count(24.0) for one in cascades), "youngest": AGES[0],
    }


def _law(cascades: Sequence[Cascade], horizon: float) -> dict[str, Any]:
    ages = [age for age in AGES if age < horizon]
    lines = [_line(cascades, age, horizon) for age in ages]
    return {
        "ages": ages, "intercept": [line[0] for line in lines], "slope": [line[1] for line in lines],
        "residuals": [line[2] for line in lines],
    }


def _line(cascades: Sequence[Cascade], age: float, horizon: float) -> tuple[float, float, list[float]]:
    """Least squares, and conformal quantiles of the residuals of lines that did not see the post."""
    counts = np.array([one.count(age) for one in cascades], dtype=np.float64)
    grown = np.array([one.count(horizon) for one in cascades]) - counts
    kept = counts >= LEAST
    x, y = np.log2(1 + counts[kept]), np.log2(1 + grown[kept])
    slope, intercept = np.polyfit(x, y, 1)
    return round(float(intercept), 5), round(float(slope), 5), [round(float(r), 4) for r in conformal(_unseen(x, y))]


def _unseen(x: Floats, y: Floats) -> Floats:
    fold = np.arange(len(x)) * FOLDS // len(x)  # blocks in time, so that a neighbour in time is not seen either
    left = np.empty_like(y)
    for k in range(FOLDS):
        slope, intercept = np.polyfit(x[fold != k], y[fold != k], 1)
        left[fold == k] = y[fold == k] - intercept - slope * x[fold == k]
    return left


def shape(cascades: Sequence[Cascade]) -> dict[str, list[float]]:
    """decay(age) × activity(hour) of reposts; every post weighs the same."""
    edges = np.array([0, 0.25, 0.5, 1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24.0])
    return fitted_shape(*_cells(cascades, edges), edges)


def fitted_shape(reposts: Floats, exposure: Floats, edges: Floats) -> dict[str, list[float]]:
    """decay(age) × activity(hour) by iterative proportional fitting to growth and exposure (age bands × hours)."""
    decay, activity = np.ones(len(edges) - 1), np.ones(24)
    for _ in range(50):
        decay = reposts.sum(axis=1) / np.maximum(exposure @ activity, 1e-9)
        activity = reposts.sum(axis=0) / np.maximum(decay @ exposure, 1e-9)
        activity /= activity.mean()
    return {"edges": edges.tolist(), "decay": decay.round(6).tolist(), "activity": activity.round(4).tolist()}


def _cells(cascades: Sequence[Cascade], edges: Floats) -> tuple[Floats, Floats]:
    """Share of a post's reposts, and hours of exposure, by age band and hour of the day."""
    reposts, exposure = np.zeros((len(edges) - 1, 24)), np.zeros((len(edges) - 1, 24))
    step = 0.125
    grid = np.arange(step / 2, 24, step)
    slots = np.searchsorted(edges, grid, side="right") - 1
    for one in cascades:
        begin = shanghai(one.appeared) - shanghai(one.appeared).replace(hour=0, minute=0, second=0)
        start = begin / timedelta(hours=1)
        np.add.at(exposure, (slots, ((start + grid) % 24).astype(int)), step)
        hours = one.hours[one.hours < 24]
        where = (np.searchsorted(edges, hours, side="right") - 1, ((start + hours) % 24).astype(int))
        np.add.at(reposts, where, 1 / max(1, len(hours)))
    return reposts, exposure

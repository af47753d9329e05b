"""Fit the shape of repost curves and the day-night clock that the drill's posts grow by.

    python -m monitor.drill.fit_growth --cascades FOLDER/weibo_reposts.jsonl.gz

Writes ``growth.json`` beside this file: pointwise quantiles ("paces") of the cumulative repost curve,
as shares of its value at 24 h, in *activity time* (an hour of the busy evening counts more than one of
the night), and the activity of each hour of the day. Only these aggregates leave the cascades.

Method: rate of cascade i at age a and hour of day h = size_i · f(a) · w(h), with f and w found by
iterative proportional fitting; then each cascade's offsets are carried to activity time (the
"operational time" of self-exciting models, e.g. Mishra, Rizoiu & Xie 2016) and the curves compared.
"""

from __future__ import annotations

import argparse
import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEP_S = 600
WINDOW_H = 72
AGES_MIN = (0, 1, 2, 3, 5, 8, 12, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 960, 1200, 1440, 2160, 2880, 4320)
PACES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
SMALLEST = 50  # smaller cascades have curves of a few steps: their quantiles are noise


@dataclass(frozen=True, kw_only=True)
class Cascade:
    """One post of the training file: publication (unix seconds) and its reposts' ages in seconds."""

    published: float
    ages_s: Floats


def read(path: Path) -> list[Cascade]:
    """The cascades with at least ``SMALLEST`` reposts inside the first 24 h."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        found = [_cascade(json.loads(line)) for line in lines]
    return [one for one in found if int((one.ages_s <= 86_400).sum()) >= SMALLEST]


def _cascade(row: dict[str, Any]) -> Cascade:
    ages = np.sort(np.asarray(row["offsets"], dtype=np.float64))
    return Cascade(published=float(row["t0"]), ages_s=ages[ages >= 0])


def activity(cascades: list[Cascade], rounds: int = 30) -> Floats:
    """24 weights with mean 1: how busy each hour of the Shanghai day is, age of the posts accounted for."""
    steps = WINDOW_H * 3600 // STEP_S
    counts = np.stack([np.bincount((one.ages_s[one.ages_s < WINDOW_H * 3600] // STEP_S).astype(int), minlength=steps)
                       for one in cascades]).astype(np.float64)
    starts = np.array([one.published for one in cascades])
    hours = ((starts[:, None] + np.arange(steps) * STEP_S + STEP_S / 2 + 8 * 3600) // 3600 % 24).astype(int)
    sizes = counts.sum(axis=1, keepdims=True)
    weights = np.ones(24)
    for _ in range(rounds):
        by_age = counts.sum(axis=0) / (sizes * weights[hours]).sum(axis=0)
        expected = np.bincount(hours.ravel(), weights=(sizes * by_age).ravel(), minlength=24)
        weights = np.bincount(hours.ravel(), weights=counts.ravel(), minlength=24) / expected
        weights /= weights.mean()
    return weights


def carried(published: float, ages_s: Floats, weights: Floats) -> Floats:
    """Ages in activity seconds."""
    day = np.concatenate([[0.0], np.cumsum(weights * 3600)])

    def clock(at: Floats | float) -> Floats:
        local = np.asarray(at, dtype=np.float64) + 8 * 3600
        return np.asarray(local // 86_400 * day[-1] + np.interp(local % 86_400, np.arange(25) * 3600.0, day))

    return np.asarray(clock(published + ages_s) - clock(published))


def paces(cascades: list[Cascade], weights: Floats) -> Floats:
    """(pace, age): quantiles over the cascades of the share of the 24 h total reached at each activity age."""
    curves = []
    for one in cascades:
        ages = carried(one.published, one.ages_s, weights)
        reached = np.searchsorted(ages, np.array(AGES_MIN) * 60.0, side="right")
        curves.append(reached / max(1, int((ages <= 86_400).sum())))
    shapes = np.quantile(np.stack(curves), PACES, axis=0)
    shapes[:, 0] = 0.0
    return np.asarray(np.maximum.accumulate(shapes, axis=1))


def fit(path: Path) -> dict[str, Any]:
    cascades = read(path)
    weights = activity(cascades)
    shapes = paces(cascades, weights)
    return {
        "cascades": len(cascades),
        "ages_min": list(AGES_MIN),
        "activity": [round(float(w), 4) for w in weights],
        "paces": {f"{pace:g}": [round(float(s), 5) for s in shape] for pace, shape in zip(PACES, shapes, strict=True)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cascades", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("growth.json"))
    arguments = parser.parse_args()
    found = fit(arguments.cascades)
    arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

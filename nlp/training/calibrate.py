"""Calibrate a trained transformer: ``python -m nlp.training.calibrate FOLDER``.

Writes ``yujing.json`` beside the weights: for each domain a temperature and three offsets of the logits
(bias-corrected temperature scaling, Alexandari et al. 2020), and the operating points of the alarm, all on the dev part. The offsets
are needed because the network is not told the domain: what is neutral on weibo is not what is neutral in a forum.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from nlp.sentiment.reading import DOMAINS, Ask
from nlp.sentiment.transformer import CALIBRATION, PIECES, Transformer
from nlp.training.calibration import neutral_shift, operating_point
from nlp.training.floor import MIX, RECALL, REVIEW_NEUTRAL, choices
from nlp.training.labelled import Row, labelled_file, rows
from nlp.training.partial import Floats, loss

PULL = 2.0  # penalty of the offsets, in rows: with three hundred rows of a domain they must earn their place


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m nlp.training.calibrate", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the trained model")
    parser.add_argument("--pieces", type=int, default=PIECES, help="longest text it was trained on")
    asked = parser.parse_args()
    calibrate(asked.folder, asked.pieces, [row for row in rows(labelled_file()) if row.part == "dev"])
    return 0


def calibrate(folder: Path, pieces: int, dev: Sequence[Row]) -> None:
    """Choose temperature, offsets and operating points on ``dev`` rows and write them into ``folder``."""
    (folder / CALIBRATION).unlink(missing_ok=True)
    logits = np.array(Transformer(str(folder)).logits([row.text for row in dev]), np.float32)
    fitted = {domain: _fitted(dev, logits, domain) for domain in (*DOMAINS, "unknown")}
    facts = {
        "pieces": pieces,
        "temperature": {domain: heat for domain, (heat, _) in fitted.items()},
        "offsets": {domain: offsets for domain, (_, offsets) in fitted.items()},
        "alarm": {"unknown": 0.5},
    }
    _write(folder, facts)
    facts["alarm"] = _operating_points(Transformer(str(folder)), dev)
    _write(folder, facts)


def _fitted(dev: Sequence[Row], logits: Floats, domain: str) -> tuple[float, list[float]]:
    mine = [at for at, row in enumerate(dev) if domain in (row.domain, "unknown")]
    if not mine:
        return 1.0, [0.0, 0.0, 0.0]
    chosen = [dev[at] for at in mine]
    heat, offsets = fit(logits[mine], *choices(chosen), weights_of(chosen))
    if domain == "review":
        offsets[1] += neutral_shift((logits[mine] / np.float32(heat) + np.array(offsets, np.float32)), REVIEW_NEUTRAL)
    return round(heat, 4), [round(float(value), 4) for value in offsets]


def fit(logits: Floats, allowed: Floats, targets: Floats, weight: Floats) -> tuple[float, NDArray[np.float64]]:
    """Temperature and offsets (they sum to 0) with the highest likelihood of partial labels."""

    def cost(values: NDArray[np.float64]) -> float:
        moved = (logits / np.exp(values[0]) + _offsets(values)).astype(np.float32)
        return loss(moved, allowed, targets, weight)[0] + PULL * float((values[1:] ** 2).sum())

    found = minimize(cost, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-2})
    return float(np.exp(found.x[0])), _offsets(found.x)


def _offsets(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([values[1], values[2], -values[1] - values[2]])


def weights_of(chosen: Sequence[Row]) -> Floats:
    """Equal rows inside one domain; the shares of the training mix where domains are together."""
    counts = {domain: sum(row.domain == domain for row in chosen) for domain in DOMAINS}
    if sum(count > 0 for count in counts.values()) == 1:
        return np.ones(len(chosen), np.float32)
    return np.array([MIX[row.domain] * len(chosen) / counts[row.domain] for row in chosen], np.float32)


def _operating_points(model: Transformer, dev: Sequence[Row]) -> dict[str, float]:
    """As for the floor: see nlp.training.floor."""
    points = {}
    for domain in ("weibo", "news", "review", "unknown"):
        mine = [row for row in dev if row.domain == domain or (domain == "unknown" and row.domain in ("weibo", "news"))]
        if not any(row.label == "negative" for row in mine):
            continue
        readings = model.read([Ask(text=row.text, domain=None if domain == "unknown" else domain) for row in mine])
        negative = np.array([reading.probabilities[0] for reading in readings])
        labels = np.array([row.label == "negative" for row in mine])
        sources = [row.source if row.scheme != "binary" else "" for row in mine]
        points[domain] = operating_point(negative, labels, sources, RECALL)
    return {**points, "forum": points["weibo"]} if "weibo" in points else points


def _write(folder: Path, facts: object) -> None:
    (folder / CALIBRATION).write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

"""Make the shipped model of a trained transformer: ``python -m nlp.training.blend FOLDER``.

Writes ``nlp/sentiment/student_model``: the weights in 16 bits, and how floor and transformer are pooled. Weights and
offsets of the pool (penalised likelihood of partial labels), the bound ``sure`` of the cascade and the operating
points are chosen on the dev part; the curve of accuracy against the share that the transformer reads is printed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from scipy.optimize import minimize

from nlp.sentiment import files
from nlp.sentiment.blend import FOLDER, LEAST, POOL, pooled
from nlp.sentiment.floor import FOLDER as FLOOR_FOLDER
from nlp.sentiment.floor import Floor
from nlp.sentiment.reading import CLASSES, DOMAINS
from nlp.sentiment.transformer import PIECES, Transformer
from nlp.training.calibrate import weights_of
from nlp.training.calibration import Sample, neutral_shift, operating_point, temperature
from nlp.training.floor import REVIEW_NEUTRAL, choices
from nlp.training.labelled import Row, labelled_file, rows
from nlp.training.partial import among, loss

PULL = 2.0  # penalty of the offsets, in rows
DAY: Mapping[str, float] = {"weibo": 0.5, "news": 0.25, "forum": 0.15, "review": 0.1}  # what sources bring on a working day
BUDGET = 18.0  # pieces that the transformer may read for a mention, in the mean: 300 mentions a second on one core
RECALL = 0.92  # of negatives at the alarm on dev; .90 is promised on texts that nobody has seen
BOUNDS = (0.0, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995, 1.01)
Doubles = NDArray[np.float64]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m nlp.training.blend", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the trained transformer")
    parser.add_argument("--out", type=Path, default=FOLDER)
    asked = parser.parse_args()
    make(asked.folder, asked.out, [row for row in rows(labelled_file()) if row.part == "dev"])
    return 0


def make(folder: Path, out: Path, dev: Sequence[Row]) -> None:
    """Write the model folder ``out`` from a checkpoint, with everything chosen on ``dev``."""
    _copy(folder, out)
    floor, network = Floor(), Transformer(str(out), fast=True)
    logits = np.array(network.logits([row.text for row in dev]))
    told = np.array([floor.probabilities(row.text, row.domain) for row in dev])
    untold = np.array([floor.probabilities(row.text, None) for row in dev])
    domains = {domain: _fitted(dev, told, logits, domain) for domain in DOMAINS}
    domains["forum"] = _between(domains["forum"], domains["weibo"])
    domains["unknown"] = _fitted(dev, untold, logits, "unknown")
    both = np.array([pooled(p, x, domains[row.domain]) for p, x, row in zip(told, logits, dev, strict=True)])
    without = np.array([pooled(p, x, domains["unknown"]) for p, x in zip(untold, logits, strict=True)])
    sure = _sure(dev, told, both)
    facts: dict[str, Any] = {"prior": [0.361, 0.407, 0.232], "pieces": PIECES, "domains": domains, "sure": {**sure, "unknown": sure["weibo"]}}
    facts["sharpen"] = {"forum": _sharpness(dev, told)} if sure["forum"] == 0 else {}
    served = {domain: _cascade(told, both, bound) for domain, bound in sure.items()}
    blind = _cascade(untold, without, facts["sure"]["unknown"])
    facts["alarm"] = _operating_points(dev, served, blind)
    (out / POOL).write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    _sign(out)


def _copy(folder: Path, out: Path) -> None:
    """Weights in 16 bits, configuration and tokenizer."""
    out.mkdir(parents=True, exist_ok=True)
    weights = {name: values.to(torch.float16).contiguous() for name, values in load_file(folder / "model.safetensors").items()}
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(folder / name, out / name)


def _sign(out: Path) -> None:
    names = tuple(sorted(path.name for path in out.iterdir() if path.name != files.MANIFEST))
    files.write(out, {"name": "yujing", "version": "0"}, names)
    digest = files.manifest(out)["files"]
    files.write(out, {"name": "yujing", "version": (digest["model.safetensors"][:4] + digest[POOL][:4])}, names)


def _fitted(dev: Sequence[Row], first: Doubles, logits: Doubles, domain: str) -> Mapping[str, Any]:
    """Weights and offsets with the highest likelihood; offsets sum to 0 and are pulled to it."""
    mine = [at for at, row in enumerate(dev) if domain in (row.domain, "unknown")]
    chosen = [dev[at] for at in mine]
    allowed, targets = choices(chosen)
    logs, weight = np.log(np.maximum(first[mine], LEAST)), weights_of(chosen)

    def cost(values: Doubles) -> float:
        moved = _moved(values, logs, logits[mine]).astype(np.float32)
        return loss(moved, allowed, targets, weight)[0] + PULL * float((values[2:] ** 2).sum())

    found = minimize(cost, np.array([-0.7, -0.7, 0.0, 0.0]), method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-2}).x
    offsets = _offsets(found)
    if domain == "review":
        offsets[1] += neutral_shift(_moved(found, logs, logits[mine]).astype(np.float32), REVIEW_NEUTRAL)
    return {"floor": round(float(np.exp(found[0])), 4), "network": round(float(np.exp(found[1])), 4),
            "offsets": [round(float(value), 4) for value in offsets]}


def _moved(values: Doubles, logs: Doubles, logits: Doubles) -> Doubles:
    moved: Doubles = np.exp(values[0]) * logs + np.exp(values[1]) * logits + _offsets(values)
    return moved


def _offsets(values: Doubles) -> Doubles:
    return np.array([values[2], values[3], -values[2] - values[3]])


def _between(forum: Mapping[str, Any], weibo: Mapping[str, Any]) -> Mapping[str, Any]:
    """The forum set labels aspects and calls 72 % neutral: as for the floor, 40 % of the answer is weibo's."""
    share = 0.6
    offsets = [share * own + (1 - share) * other for own, other in zip(forum["offsets"], weibo["offsets"], strict=True)]
    return {**{name: share * forum[name] + (1 - share) * weibo[name] for name in ("floor", "network")}, "offsets": offsets}


def _cascade(first: Doubles, both: Doubles, bound: float) -> Doubles:
    return np.where(first.max(axis=1, keepdims=True) >= bound, first, both)


def _sure(dev: Sequence[Row], told: Doubles, both: Doubles) -> dict[str, float]:
    """The bounds of the four domains with the highest accuracy and macro-F1 on the mix of a working day, within the
    BUDGET. A bound of 0 leaves a domain to the floor."""
    curves = {domain: _curve(dev, told, both, domain) for domain in DOMAINS}
    for domain, curve in curves.items():
        for point in curve:
            print(f"{domain:8} sure {point.bound:5.3f}  second reading {point.share:5.1%}  accuracy {point.accuracy:6.2%}  macro-F1 {point.macro_f1:6.2%}", flush=True)
    affordable = [points for points in product(*curves.values()) if sum(point.pieces for point in points) <= BUDGET]
    best = max(affordable, key=lambda points: sum(point.gain for point in points))
    return {domain: point.bound for domain, point in zip(curves, best, strict=True)}


@dataclass(frozen=True, kw_only=True)
class Point:
    """A bound of one domain: the share that is read twice, accuracy and macro-F1, and what they come to in the mix."""

    bound: float
    share: float
    accuracy: float
    macro_f1: float
    pieces: float
    gain: float


def _curve(dev: Sequence[Row], told: Doubles, both: Doubles, domain: str) -> list[Point]:
    mine = np.array([row.domain == domain for row in dev])
    part, first, second = [row for row in dev if row.domain == domain], told[mine], both[mine]
    long = np.array([min(len(row.text), PIECES) + 2 for row in part])
    points = []
    for bound in BOUNDS:
        again, served = first.max(axis=1) < bound, _cascade(first, second, bound)
        accuracy, macro = right(part, served), macro_f1(part, served)
        points.append(Point(bound=bound, share=float(again.mean()), accuracy=accuracy, macro_f1=macro,
                            pieces=DAY[domain] * float((long * again).mean()), gain=DAY[domain] * (accuracy + macro)))
    return points


def right(part: Sequence[Row], shares: Doubles) -> float:
    """Accuracy among the classes that the annotators had; of a partial label, P(negative) on the right side of ½."""
    allowed, _ = choices(part)
    chosen = among(np.log(np.maximum(shares, 1e-9)).astype(np.float32), allowed)[0].argmax(axis=1)
    hits = [
        (shares[at, 0] > 0.5) == (row.label == "negative") if row.scheme == "partial" else CLASSES[chosen[at]] == row.label
        for at, row in enumerate(part)
    ]
    return float(np.mean(hits))


def macro_f1(part: Sequence[Row], shares: Doubles) -> float:
    """Mean F1 of the labelled classes, over the rows whose label names one."""
    named = [at for at, row in enumerate(part) if row.scheme != "partial"]
    labels = np.array([CLASSES.index(part[at].label) for at in named])
    allowed, _ = choices([part[at] for at in named])
    said = among(np.log(np.maximum(shares[named], 1e-9)).astype(np.float32), allowed)[0].argmax(axis=1)
    pairs = np.bincount(labels * 3 + said, minlength=9).reshape(3, 3)
    present = pairs.sum(axis=1) > 0
    return float((2 * pairs.diagonal()[present] / (pairs.sum(axis=0) + pairs.sum(axis=1))[present]).mean())


def _sharpness(dev: Sequence[Row], told: Doubles) -> float:
    """The power of the floor's forum answers with the highest likelihood (a temperature, Guo et al. 2017).

    The floor's forum answer is 60 % forum and 40 % weibo, each calibrated alone: a mean of calibrated answers is too unsure
    (Ranjan and Gneiting 2010). A power changes no order of the classes, so no recall.
    """
    mine = [at for at, row in enumerate(dev) if row.domain == "forum"]
    allowed, targets = choices([dev[at] for at in mine])
    logs = np.log(np.maximum(told[mine], LEAST)).astype(np.float32)
    return round(1 / temperature(Sample(logits=logs, allowed=allowed, targets=targets)), 4)


def _operating_points(dev: Sequence[Row], served: Mapping[str, Doubles], blind: Doubles) -> dict[str, float]:
    """The highest threshold that keeps RECALL of a domain's negatives; forums keep the floor's, which takes weibo's and
    is held against the answers before they are sharpened."""
    points = {"forum": files.manifest(FLOOR_FOLDER)["alarm"]["forum"]}
    for domain in ("weibo", "news", "review"):
        mine = np.array([row.domain == domain for row in dev])
        points[domain] = _point([row for row in dev if row.domain == domain], served[domain][mine, 0])
    both = np.array([row.domain in ("weibo", "news") for row in dev])
    points["unknown"] = _point([row for row in dev if row.domain in ("weibo", "news")], blind[both, 0])
    return points


def _point(part: Sequence[Row], negative: Doubles) -> float:
    labels = np.array([row.label == "negative" for row in part])
    return round(operating_point(negative, labels, [""] * len(part), RECALL), 4)


if __name__ == "__main__":
    sys.exit(main())

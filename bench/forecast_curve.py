"""The learning curve of the Weibo forecast: would more posts help, or is it what a count can tell that limits it?

``python bench/forecast_curve.py [--train 0.85] [--until 1.0] [--draws 3] [--out FOLDER]``: the trees are grown on random
quarters, halves, three quarters and the whole of the oldest share of the cascades, and measured on the posts between
the two shares; the smaller shares are drawn ``--draws`` times. Beside them a plain LightGBM for each age, on the
same posts. ``--out`` gets the curve as a PNG. Training data as in bench/forecast.py.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.forecast_baselines import Sample, growth, sample
from nlp.forecast.features import Reader
from nlp.forecast.shape import Shape
from nlp.forecast.spread import Floats
from nlp.training.forecast_cascades import Cascade, read, shared_folder
from nlp.training.forecast_grown import grow, replay, wording_weights
from nlp.training.forecast_szabo import shape

AGES = (1.0, 3.0, 6.0)
SHARES = (0.25, 0.5, 0.75, 1.0)
VISITS, VIRAL = 4, 500
PLAIN = "LightGBM, + text"
Figures = dict[str, list[float]]  # name → one figure for each of AGES


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=shared_folder() / "data")
    parser.add_argument("--train", type=float, default=0.85)
    parser.add_argument("--until", type=float, default=1.0)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(argv)
    cascades = read(asked.data)
    old = cascades[: round(asked.train * len(cascades))]
    new = cascades[round(asked.train * len(cascades)) : round(asked.until * len(cascades))]
    curve = {share: _mean([figures(drawn, new) for drawn in draws(old, share, asked.draws)]) for share in SHARES}
    for share, one in curve.items():
        print(f"{share:4.0%} = {round(share * len(old)):>4} posts  " + "   ".join(f"{name} " + " ".join(f"{value:.3f}" for value in values) for name, values in one.items()), flush=True)
    if asked.out:
        picture(curve, len(old), asked.out)
    return 0


def draws(old: Sequence[Cascade], share: float, count: int) -> list[list[Cascade]]:
    """Random parts of ``old``, in order of time; the whole only once."""
    if share == 1.0:
        return [list(old)]
    rng = np.random.default_rng(round(100 * share))
    return [[old[i] for i in sorted(rng.choice(len(old), round(share * len(old)), replace=False))] for _ in range(count)]


def figures(old: Sequence[Cascade], new: Sequence[Cascade]) -> Figures:
    """MSLE of growth to 24 h at 1, 3 and 6 h of the grown trees and of plain ones, and AP of ≥ 500 of the grown ones."""
    claims, bias, scores = wording_weights([one.text for one in old], np.array([one.debunked for one in old]))
    reader = Reader(shape=Shape.read(shape(old)), claims=claims, bias=bias)
    trees = grow(replay(old, reader, np.random.default_rng(0), scores), seed=0)
    found: Figures = {"MSLE": [], "MSLE plain": [], "AP": []}
    for age in AGES:
        crawls = [age * step / VISITS for step in range(1, VISITS + 1)]
        train, test = (sample(part, reader, crawls) for part in (old, new))
        said = trees.predict(test.rows)[:, 1]
        found["MSLE"].append(_error(said, test))
        found["MSLE plain"].append(_error(growth(train, test)[PLAIN], test))
        short = np.log2(1 + np.maximum(0, VIRAL - test.counted))
        found["AP"].append(float(average_precision_score(test.total >= VIRAL, said - short)))
    return found


def _error(said: Floats, test: Sample) -> float:
    return float(((said - test.grown) ** 2).mean())


def _mean(drawn: Sequence[Figures]) -> Figures:
    return {name: np.mean([one[name] for one in drawn], axis=0).tolist() for name in drawn[0]}


def picture(curve: dict[float, Figures], posts: int, folder: Path) -> None:
    """``learning-curve.png``: error against training posts, on a log axis."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), dpi=120)
    axes = figure.add_subplot()
    for place, age in enumerate(AGES):
        for name, style in (("MSLE", "-o"), ("MSLE plain", "--x")):
            axes.plot([posts * share for share in curve], [one[name][place] for one in curve.values()], style, color=f"C{place}", label=f"{name}, {age:g} h")
    axes.set_xscale("log", base=2)
    axes.set_xticks([posts * share for share in curve], [str(round(posts * share)) for share in curve])
    axes.set_xlabel("posts that the trees were grown on")
    axes.set_ylabel("MSLE of log2 growth to 24 h")
    axes.legend(fontsize=8)
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "learning-curve.png", bbox_inches="tight")


if __name__ == "__main__":
    raise SystemExit(main())

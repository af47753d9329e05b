"""Measure the forecast on the newest part of the cascades, baselines beside it.

``python bench/forecast.py [--train 0.85] [--until 1.0]``: trained on the oldest share of the file, measured on the posts
between the two shares. Everything of the model was chosen on blocks of the oldest 85 %; the newest 15 % are
for this report only. Training data: the folder named by YUJING_SHARED, else ``shared`` beside the repository.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.forecast_baselines import Sample, chance, growth, sample
from nlp.forecast import Forecaster
from nlp.forecast.backtest import Followed, replay, table
from nlp.forecast.grown import Grown, GrownForecaster
from nlp.forecast.spread import Floats
from nlp.forecast.szabo import Series, SzaboHuberman
from nlp.training import forecast_grown, forecast_szabo
from nlp.training.forecast_cascades import Cascade, read, shared_folder

AGES = (0.5, 1.0, 3.0, 6.0, 12.0, 18.0)
VISITS = 4
CRAWLS = (0.17, 0.33, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24)
say = partial(print, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=shared_folder() / "data")
    parser.add_argument("--train", type=float, default=0.85)
    parser.add_argument("--until", type=float, default=1.0)
    asked = parser.parse_args(argv)
    cascades = read(asked.data)
    old = cascades[: round(asked.train * len(cascades))]
    new = cascades[round(asked.train * len(cascades)) : round(asked.until * len(cascades))]
    say(f"trained on {len(old)} posts until {old[-1].appeared:%Y-%m-%d}, measured on {len(new)} until {new[-1].appeared:%Y-%m-%d}")
    table, arrays = forecast_grown.fit(old, say=lambda line: print(line, file=sys.stderr))
    model = Grown.read(table, arrays)
    series = {"weibo/reposts": Series.read(forecast_szabo.fit(old))}
    ours: dict[str, Forecaster] = {
        "grown": GrownForecaster(model, name="grown", cold=False),
        "szabo-huberman": SzaboHuberman(series, name="szabo", cold=False),
    }
    pooled: list[dict[str, float]] = []
    for age in AGES:
        crawls = [age * step / VISITS for step in range(1, VISITS + 1)]
        train, test = (sample(part, model.reader, crawls) for part in (old, new))
        pooled.append(report(age, train, test, ours))
    overall(pooled)
    lead(new, ours["grown"])
    return 0


def report(age: float, train: Sample, test: Sample, ours: dict[str, Forecaster]) -> dict[str, float]:
    """One age: errors, probabilities, coverage. Returns by post: squared error of ours less that of the plain trees."""
    over = test.total >= 500
    say(f"\n## {age:g} h: {len(over)} posts with ≥ 10 seen, base rate of ≥ 500: {over.mean():.3f}")
    errors = {name: (said - test.grown) ** 2 for name, said in growth(train, test).items()}
    for name, score in chance(train, test).items():
        say(f"AP {average_precision_score(over, score):.3f}  {name}")
    for name, forecaster in ours.items():
        errors[name] = judged(name, age, test, forecaster)
    for name, squared in errors.items():
        say(f"MSLE {squared.mean():.3f} ± {squared.std() / np.sqrt(len(squared)):.3f}  {name}")
    return dict(zip(test.names, (errors["grown"] - errors["LightGBM, + text"]).tolist(), strict=True))


def judged(name: str, age: float, test: Sample, forecaster: Forecaster) -> Floats:
    """Prints what the forecaster's own answers are worth; the error is that of the median it names."""
    made = [forecaster.predict([one], one.first_seen + timedelta(hours=age))[0].h24 for one in test.asked]
    assert all(made)
    q = {level: np.array([one.q[level] for one in made if one]) for level in ("05", "10", "50", "90", "95")}
    p, over = np.array([one.p_over[500] for one in made if one]), test.total >= 500
    eighty, ninety = (((q[low] <= test.total) & (test.total <= q[high])).mean() for low, high in (("10", "90"), ("05", "95")))
    width = np.median(np.log2(1 + q["90"]) - np.log2(1 + q["10"]))
    say(f"AP {average_precision_score(over, p):.3f}  {name}: Brier {((p - over) ** 2).mean():.3f}, mean p / base {p.mean() / over.mean():.2f}, "
        f"80 % covers {eighty:.3f}, 90 % covers {ninety:.3f}, width of the 80 % {width:.2f} log2")
    return (np.log2(1 + q["50"] - test.counted) - test.grown) ** 2


def lead(new: Sequence[Cascade], forecaster: Forecaster) -> None:
    """Every crawl of every new post through the forecaster: what alerting at a probability would have cost."""
    history = [Followed(name=one.id, asked=one.seen(CRAWLS)) for one in new]
    days = (new[-1].appeared - new[0].appeared) / timedelta(days=1)
    say("\n## crawls at " + ", ".join(f"{age:g}" for age in CRAWLS) + " h; threshold 500; lead from the first alert to the crossing")
    say(table(replay(history, forecaster, 500), days))


def overall(pooled: Sequence[dict[str, float]]) -> None:
    """Bootstrap of the mean difference, ages pooled. Whole posts are drawn: one post at six ages is no six posts."""
    names = sorted({name for at_age in pooled for name in at_age})
    sums = np.array([sum(at_age.get(name, 0.0) for at_age in pooled) for name in names])
    counts = np.array([sum(name in at_age for at_age in pooled) for name in names])
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(names), len(names)) for _ in range(4000)]
    low, high = np.quantile([sums[some].sum() / counts[some].sum() for some in drawn], [0.025, 0.975])
    say(f"\nages pooled: MSLE of grown less that of LightGBM + text {sums.sum() / counts.sum():.3f}, 95 % [{low:.3f}, {high:.3f}]")


if __name__ == "__main__":
    raise SystemExit(main())

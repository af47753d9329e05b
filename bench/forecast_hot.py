"""Measure the hot-list models on the newest 15 % of the entries, baselines beside them.

``python bench/forecast_hot.py hot_weibo|hot_zhihu``: P(the list shows T within 24 h of first sight), of the entries that
had not reached T at the age and were still listed within the last two hours.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import lightgbm as lgb
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from nlp.forecast import CountAt, ForecastInput
from nlp.forecast.hot import BESIDE, NAMES, HotModel, Title, row
from nlp.forecast.seen import Seen, look
from nlp.forecast.spread import Floats, Spread
from nlp.training.forecast_cascades import shared_folder
from nlp.training.forecast_hot import THRESHOLDS, fit
from nlp.training.forecast_lists import LISTS, Entry, read

AGES = (0.0, 1.1, 3.1)  # an hourly crawl is a few minutes late
STALE = 2.0
SAMPLE = 1500  # entries whose whole distribution is asked for: coverage to about one point
TREES = {"objective": "binary", "num_leaves": 31, "learning_rate": 0.05, "min_data_in_leaf": 50, "verbose": -1, "num_threads": 1, "seed": 0}
LOGISTIC = ("count", "added", "pace", "rank", "heat", "visits")
say = partial(print, flush=True)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Entries at one age that had not reached the threshold: rows without title wording, and whether they will."""

    entries: tuple[Entry, ...]
    rows: Floats
    reached: Floats


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=tuple(LISTS))
    parser.add_argument("--data", type=Path, default=shared_folder() / "data")
    parser.add_argument("--train", type=float, default=0.85)
    parser.add_argument("--until", type=float, default=1.0)
    asked = parser.parse_args(argv)
    entries = read(asked.data, asked.name)
    old, new = entries[: round(asked.train * len(entries))], entries[round(asked.train * len(entries)) : round(asked.until * len(entries))]
    say(f"{asked.name}: trained on {len(old)} until {old[-1].first_seen:%Y-%m-%d}, measured on {len(new)} until {new[-1].first_seen:%Y-%m-%d}")
    table, text, wording = fit(asked.name, old, say=lambda line: print(line, file=sys.stderr))
    model = HotModel.read(table, lgb.Booster(model_str=text), wording)
    for age in AGES:
        report(age, listed(old, age, THRESHOLDS[asked.name]), listed(new, age, THRESHOLDS[asked.name]), model, THRESHOLDS[asked.name])
    return 0


def listed(entries: Sequence[Entry], age: float, threshold: int) -> Listed:
    kept = [one for one in entries if one.final(age) < threshold and age - one.visits(age).ages[-1] < STALE]
    blank = Title(category=-1, length=0, wording=0.0)
    rows = np.array([row(one.visits(age), blank, one.first_seen, age) for one in kept])
    return Listed(entries=tuple(kept), rows=rows, reached=np.array([one.final(24.0) >= threshold for one in kept]))


def report(age: float, train: Listed, test: Listed, model: HotModel, threshold: int) -> None:
    say(f"\n## {age:g} h: {len(test.reached)} entries, base rate {test.reached.mean():.4f}")
    chosen = [NAMES.index(name) for name in LOGISTIC]
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(train.rows[:, chosen], train.reached)
    trees = lgb.train(TREES, lgb.Dataset(train.rows, train.reached.astype(float)), 200)
    counts = np.array([one.final(age) for one in test.entries])
    ours = chance(test, age, model, threshold)
    some = np.random.default_rng(0).permutation(len(test.entries))[:SAMPLE]
    spreads = [spread(test.entries[i], age, model, threshold) for i in some]
    finals = np.log2(1 + np.array([test.entries[i].final(24.0) for i in some]) - counts[some])
    scores = {"bare count": counts, "logistic on counts": logistic.predict_proba(test.rows[:, chosen])[:, 1],
              "LightGBM, counts and list": np.asarray(trees.predict(test.rows)), "hot-list model": ours}
    for name, score in scores.items():
        say(f"AP {average_precision_score(test.reached, score):.3f}  {name}")
    say(f"hot-list model: Brier {((ours - test.reached) ** 2).mean():.4f}, mean p / base {ours.mean() / test.reached.mean():.2f}, "
        + ", ".join(f"{wide:.0%} covers {coverage(spreads, finals, wide):.3f}" for wide in (0.8, 0.9)) + f" (on {len(some)})")


def spread(entry: Entry, age: float, model: HotModel, threshold: int) -> Spread:
    asked, seen = question(entry, age, threshold)
    return model.spreads(asked, seen, entry.first_seen + timedelta(hours=age))[1]


def question(entry: Entry, age: float, threshold: int) -> tuple[ForecastInput, Seen]:
    n = len(entry.visits(age).ages)
    counts = tuple(
        CountAt(at=entry.first_seen + timedelta(hours=float(entry.ages[i])), value=int(entry.counts[i]),
                beside={name: float(value) for name, value in zip(BESIDE, entry.beside[i], strict=True) if value >= 0})
        for i in range(n)
    )
    asked = ForecastInput(platform="", metric="", first_seen=entry.first_seen, snapshots=counts, thresholds=(threshold,),
                          text=entry.title, category=entry.category)
    seen = look(asked, entry.first_seen + timedelta(hours=age))
    assert isinstance(seen, Seen)
    return asked, seen


def chance(test: Listed, age: float, model: HotModel, threshold: int) -> Floats:
    """P(threshold within 24 h), all entries in one call; the same rows that ``HotModel.spreads`` asks for."""
    rows = [
        [*row(one.visits(age), model.title(question(one, age, threshold)[0]), one.first_seen, age), 24.0 - age, np.log2(1 + threshold - one.final(age))]
        for one in test.entries
    ]
    return np.asarray(model.booster.predict(np.array(rows), num_threads=1))


def coverage(spreads: Sequence[Spread], finals: Floats, wide: float) -> float:
    low, high = (np.array([each.y(level) for each in spreads]) for level in ((1 - wide) / 2, (1 + wide) / 2))
    return float(((low <= finals + 1e-9) & (finals <= high + 1e-9)).mean())


if __name__ == "__main__":
    raise SystemExit(main())

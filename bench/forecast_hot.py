"""Measure the hot-list models on the newest 15 % of the entries, baselines beside them.

``python bench/forecast_hot.py hot_weibo|hot_zhihu``: P(the list shows T within 24 h of first sight), of the entries that
had not reached T. Two ways to count: *listed* takes each entry at its first visit at about the age (0.6–1.6 h, 2.5–3.6 h),
so entries that have left are not asked about; *all* asks at 1.1 h and 3.1 h about every entry seen within the last two
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from nlp.forecast.hot import HotModel
from nlp.forecast.listed import KNOWN, TITLE, Numbers, Views, Visits, known
from nlp.forecast.spread import Floats
from nlp.forecast.titles import cleaned
from nlp.training.forecast_cascades import shared_folder
from nlp.training.forecast_hot import THRESHOLDS, fit
from nlp.training.forecast_lists import LISTS, Entry, flat, read

LISTED = {"first sight": (0.0, 1e-6), "1 h": (0.6, 1.6), "3 h": (2.5, 3.6)}
ALL = {"1.1 h": 1.1, "3.1 h": 3.1}  # an hourly crawl is a few minutes late
STALE = 2.0
TREES = {"objective": "binary", "num_leaves": 31, "learning_rate": 0.05, "min_data_in_leaf": 50, "verbose": -1, "num_threads": 1, "seed": 0}
LOGISTIC = ("count", "added", "pace", "rank", "heat", "visits")
RESAMPLES = 300
say = partial(print, flush=True)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Entries that had not reached the threshold, at one age: numbers without title wording, and whether they will."""

    views: Views
    rows: Floats
    reached: NDArray[np.bool_]
    grown: Floats


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=tuple(LISTS))
    parser.add_argument("--data", type=Path, default=shared_folder() / "data")
    parser.add_argument("--train", type=float, default=0.85)
    parser.add_argument("--until", type=float, default=1.0)
    parser.add_argument("--save", type=Path, help="write the chances there (npz), to compare two versions on the same rows")
    asked = parser.parse_args(argv)
    entries = read(asked.data, asked.name)
    old, new = entries[: round(asked.train * len(entries))], entries[round(asked.train * len(entries)) : round(asked.until * len(entries))]
    say(f"{asked.name}: trained on {len(old)} until {old[-1].first_seen:%Y-%m-%d}, measured on {len(new)} until {new[-1].first_seen:%Y-%m-%d}")
    table, boosters, arrays = fit(asked.name, old, say=lambda line: print(line, file=sys.stderr, flush=True))
    model = HotModel.read(table, lgb.Booster(model_str=boosters["chance"]), lgb.Booster(model_str=boosters["growth"]), arrays)
    threshold = THRESHOLDS[asked.name]
    trained, tested = flat(old), flat(new)
    kept: dict[str, Any] = {}
    for name in (*LISTED, *ALL):
        kept[name] = report(name, pose(trained, name, threshold), pose(tested, name, threshold), new, model, threshold)
    if asked.save:
        np.savez(asked.save, **kept)
    return 0


def pose(visits: Visits, name: str, threshold: int) -> Asked:
    """The question ``name`` (of ``LISTED`` or ``ALL``) about every entry that it is about."""
    last, ages = _listed(visits, *LISTED[name]) if name in LISTED else _all(visits, ALL[name])
    small = visits.counts[last] < threshold
    views = Views(visits=visits, last=last[small], ages=ages[small])
    final = visits.counts[visits.newest][visits.owner[views.last]]
    blank = np.full((len(views.last), len(TITLE)), np.nan)
    return Asked(views=views, rows=known(views, blank), reached=final >= threshold, grown=np.log2(1 + final - visits.counts[views.last]))


def _listed(visits: Visits, youngest: float, oldest: float) -> tuple[Numbers, Floats]:
    within = np.flatnonzero((visits.ages >= youngest) & (visits.ages < oldest))
    _, first = np.unique(visits.owner[within], return_index=True)
    return within[first], visits.ages[within[first]]


def _all(visits: Visits, age: float) -> tuple[Numbers, Floats]:
    last = visits.starts + np.bincount(visits.owner, weights=visits.ages <= age).astype(np.int64) - 1
    last = last[age - visits.ages[last] < STALE]
    return last, np.full(len(last), age)


def report(name: str, train: Asked, test: Asked, entries: Sequence[Entry], model: HotModel, threshold: int) -> Floats:
    reached = test.reached
    say(f"\n## {name}: {len(reached)} entries, base rate {reached.mean():.4f}")
    chosen = [KNOWN.index(one) for one in LOGISTIC]
    filled, asked = np.nan_to_num(train.rows[:, chosen]), np.nan_to_num(test.rows[:, chosen])
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(filled, train.reached)
    trees = np.asarray(lgb.train(TREES, lgb.Dataset(train.rows, train.reached.astype(float)), 200).predict(test.rows))
    ours, spreads = foretold(test, entries, model, threshold)
    scores = {"bare count": test.views.visits.counts[test.views.last], "logistic on counts": logistic.predict_proba(asked)[:, 1],
              "plain LightGBM, no title wording": trees, "hot-list model": ours}
    for label, score in scores.items():
        say(f"AP {average_precision_score(reached, score):.3f}  {label}")
    middle, low, high = difference(reached, ours, trees)
    say(f"hot-list model − plain LightGBM: {middle:+.3f} [{low:+.3f}, {high:+.3f}]; Brier {((ours - reached) ** 2).mean():.4f}, "
        f"mean p / base {ours.mean() / reached.mean():.2f}")
    for wide in (0.8, 0.9):
        say(f"{wide:.0%} interval: " + coverage(spreads, test.grown, wide))
    return ours


def foretold(test: Asked, entries: Sequence[Entry], model: HotModel, threshold: int) -> tuple[Floats, list[tuple[Floats, Floats]]]:
    """P(threshold within 24 h) and the distribution of growth (growths, levels) of each."""
    about = [entries[i] for i in test.views.visits.owner[test.views.last]]
    titles = model.titles([cleaned(one.title) for one in about], [one.category for one in about])
    rows = np.concatenate([test.rows[:, : -len(TITLE)], titles], axis=1)
    spreads = [second for _, second in model.spreads(rows, test.views, [(threshold,)] * len(rows))]
    needed = np.log2(1 + threshold - test.views.visits.counts[test.views.last])
    return np.array([one.tail(float(y)) for one, y in zip(spreads, needed, strict=True)]), [(one.ys, one.levels) for one in spreads]


def coverage(spreads: Sequence[tuple[Floats, Floats]], grown: Floats, wide: float) -> str:
    """What is covered, what lies above, and what is covered of those whose lower end is not "no growth at all"."""
    low, high = (np.array([np.interp(level, levels, ys) for ys, levels in spreads]) for level in ((1 - wide) / 2, (1 + wide) / 2))
    inside = (low <= grown + 1e-9) & (grown <= high + 1e-9)
    free = low > 0
    return (f"covers {inside.mean():.3f}, above {(grown > high + 1e-9).mean():.3f}, below {(grown < low - 1e-9).mean():.3f}; "
            f"of the {free.mean():.0%} with a lower end above no growth {inside[free].mean() if free.any() else np.nan:.3f}")


def difference(reached: NDArray[np.bool_], ours: Floats, others: Floats) -> tuple[float, float, float]:
    """AP of ours less that of the others: the figure and its 95 % interval, entries drawn with replacement, paired."""
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(reached), len(reached)) for _ in range(RESAMPLES)]
    both = [average_precision_score(reached[i], ours[i]) - average_precision_score(reached[i], others[i]) for i in drawn]
    low, high = np.quantile(both, [0.025, 0.975])
    return float(average_precision_score(reached, ours) - average_precision_score(reached, others)), float(low), float(high)


if __name__ == "__main__":
    raise SystemExit(main())

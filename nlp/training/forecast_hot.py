"""Train the hot-list models: replay entries at random ages, ask whether they grew as much as needed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from incidents.now import shanghai
from nlp.forecast.hot import HORIZONS, NAMES, Title, row
from nlp.forecast.spread import Floats
from nlp.training.forecast_grown import wording_weights
from nlp.training.forecast_lists import Entry
from nlp.training.forecast_szabo import fitted_shape

THRESHOLDS = {"hot_weibo": 20_000, "hot_zhihu": 500}
CATEGORIES = 30
USUAL_AGES = (0.0, 1.05, 3.05)  # the figures' ages, with the few minutes by which an hourly crawl is late
AT_THRESHOLD = 0.4  # share of questions that ask for the list's own threshold; the rest for any growth
LARGEST_GROWTH = {"hot_weibo": 18.0, "hot_zhihu": 12.0}  # log2
ROUNDS = 400
SETTINGS = {
    "objective": "binary", "num_leaves": 31, "learning_rate": 0.06, "min_data_in_leaf": 200, "feature_fraction": 0.7,
    "bagging_fraction": 0.7, "bagging_freq": 1, "verbose": -1, "num_threads": 1, "seed": 0, "deterministic": True,
    "monotone_constraints": [0] * (len(NAMES) - 2) + [1, -1],  # more hours left → likelier; more needed → less likely
}
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Titles:
    """Categories and title wording, with a number for each training entry that did not come from itself."""

    categories: dict[str, int]
    weights: Floats
    bias: float
    scores: Floats

    def of(self, number: int, entry: Entry) -> Title:
        wording = float(self.scores[number]) if entry.title else self.bias
        return Title(category=self.categories.get(entry.category, -1), length=len(entry.title), wording=wording)


def fit(name: str, entries: Sequence[Entry], seed: int = 0, say: Say = print) -> tuple[dict[str, Any], str, Floats]:
    """The table (JSON), the booster (LightGBM's text) and the wording weights of one list."""
    rng = np.random.default_rng(seed)
    titles = learn_titles(entries, THRESHOLDS[name])
    say(f"{name}: {len(entries)} entries, {len(titles.categories)} categories")
    rows, grew = questions(name, entries, titles, rng)
    say(f"{name}: {len(rows)} questions, {grew.mean():.3f} answered yes")
    booster = lgb.train(SETTINGS, lgb.Dataset(rows, grew, feature_name=list(NAMES)), ROUNDS, callbacks=[_progress(name, say)])
    table = {"features": list(NAMES), "categories": titles.categories, "bias": titles.bias, "shape": shape(entries), "entries": len(entries)}
    return table, str(booster.model_to_string()), titles.weights


def _progress(name: str, say: Say) -> Callable[[Any], None]:
    def told(env: Any) -> None:
        if (env.iteration + 1) % 50 == 0:
            say(f"{name}: tree {env.iteration + 1}/{ROUNDS}")

    return told


def learn_titles(entries: Sequence[Entry], threshold: int) -> Titles:
    """Wording weights for "reaches ``threshold``", from entries that had not reached it at first sight."""
    common = Counter(one.category for one in entries if one.category).most_common(CATEGORIES)
    large = np.array([one.final(24.0) >= threshold for one in entries])
    weights, bias, scores = wording_weights([one.title for one in entries], large)
    return Titles(categories={name: i for i, (name, _) in enumerate(common)}, weights=weights, bias=bias, scores=scores)


def questions(name: str, entries: Sequence[Entry], titles: Titles, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Rows of ``NAMES`` and whether the entry grew as much as was asked."""
    rows, grew = [], []
    for number, entry in enumerate(entries):
        title = titles.of(number, entry)
        late = float(np.exp(rng.uniform(math.log(0.5), math.log(20))))
        for age in (*USUAL_AGES, late):
            known, seen = row(entry.visits(age), title, entry.first_seen, age), entry.final(age)
            horizon = HORIZONS[int(rng.random() < 0.75 or age >= HORIZONS[0])]
            needed = _needed(name, seen, rng)
            rows.append([*known, horizon - age, needed])
            grew.append(math.log2(1 + entry.final(horizon) - seen) >= needed)
    return np.array(rows, dtype=np.float32), np.array(grew)


def _needed(name: str, seen: float, rng: np.random.Generator) -> float:
    if seen < THRESHOLDS[name] and rng.random() < AT_THRESHOLD:
        return math.log2(1 + THRESHOLDS[name] - seen)
    return float(rng.uniform(0.3, LARGEST_GROWTH[name]))


def shape(entries: Sequence[Entry], most: int = 20_000) -> dict[str, list[float]]:
    """decay(age) × activity(hour) of growth on the list; each of the newest ``most`` entries weighs the same."""
    edges = np.array([0, 1, 2, 3, 4, 6, 8, 12, 16, 20, 24.0])
    grown, exposure = np.zeros((len(edges) - 1, 24)), np.zeros((len(edges) - 1, 24))
    middles = np.arange(0.25, 24, 0.5)
    slots = np.searchsorted(edges, middles, side="right") - 1
    for one in entries[-most:]:
        begin = shanghai(one.first_seen)
        hours = ((begin.hour + begin.minute / 60 + middles) % 24).astype(int)
        steps = np.diff(np.interp(np.arange(0, 24.01, 0.5), one.ages, one.counts))
        np.add.at(exposure, (slots, hours), 0.5)
        np.add.at(grown, (slots, hours), steps / max(1.0, steps.sum()))
    return fitted_shape(grown, exposure, edges)

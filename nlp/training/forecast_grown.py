"""Train the grown model: replay cascades at random ages with thinned crawls, grow trees, keep their residuals."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression

from nlp.forecast import ForecastInput
from nlp.forecast.features import NAMES, Reader
from nlp.forecast.forest import LEAF, Forest
from nlp.forecast.grown import KNOWN, Trees, known_well
from nlp.forecast.seen import Seen, look
from nlp.forecast.shape import Shape
from nlp.forecast.spread import LEVELS, Floats, conformal
from nlp.forecast.wording import BUCKETS, grams
from nlp.training.forecast_cascades import Cascade, crawl_ages
from nlp.training.forecast_szabo import AGES, LEAST, shape

HORIZONS = (12.0, 24.0)
REPLAYS = 16  # ages a post; 24 gave nothing more on the forward blocks
# Both kinds of trees, and their mean, were chosen on forward blocks within the oldest 85 % of the file.
TREES, LEAF_ROWS, FEATURE_SHARE = 60, 14, 0.7
ROUNDS = 350
BOOSTING = {
    "objective": "l2", "num_leaves": 15, "learning_rate": 0.02, "min_data_in_leaf": 130, "feature_fraction": 0.4,
    "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 5.0, "verbose": -1, "num_threads": 1, "deterministic": True,
}
FOLDS = 5
UNKNOWN_AUTHOR, UNKNOWN_TEXT = 0.1, 0.1  # shares of replays in which the crawler brought no author, no text
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Packed:
    """One tree as the arrays of :class:`Forest`, nodes numbered from 0."""

    feature: NDArray[np.int8]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    values: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Replay:
    """Rows of features and growth log2(1 + increment) to 12 h and 24 h (nan when past); ``owner`` is the cascade."""

    rows: Floats
    grown: Floats
    owner: NDArray[np.int64]

    def only(self, chosen: NDArray[np.bool_]) -> Replay:
        return Replay(rows=self.rows[chosen], grown=self.grown[chosen], owner=self.owner[chosen])

    @property
    def weights(self) -> Floats:
        """Every cascade weighs the same, however often it could be replayed."""
        each = np.bincount(self.owner)[self.owner]
        return np.asarray(len(self.owner) / len(np.unique(self.owner)) / each, dtype=np.float64)


def fit(cascades: Sequence[Cascade], seed: int = 0, say: Say = print) -> tuple[dict[str, Any], dict[str, NDArray[np.generic]]]:
    """The table (JSON) and the arrays (npz) of the grown model."""
    clock = Shape.read(shape(cascades))
    claims, bias, scores = wording_weights([one.text for one in cascades], np.array([one.debunked for one in cascades]))
    reader = Reader(shape=clock, claims=claims, bias=bias)
    rng = np.random.default_rng(seed)
    replayed = replay(cascades, reader, rng, scores)
    say(f"grown: {len(replayed.rows)} replays of {len(cascades)} cascades")
    residuals = _residuals(cascades, reader, replayed, rng, scores, say)
    trees = grow(replayed, seed)
    say(f"grown: {len(trees.random.feature)} nodes of random trees, {sum(len(one.feature) for one in trees.boosted)} of boosted ones")
    table = {
        "features": list(NAMES), "bias": bias, "shape": shape(cascades), "ages": list(AGES), "least": LEAST,
        "most": max(one.count(24.0) for one in cascades), "youngest": AGES[0], "residuals": residuals,
    }
    return table, {**trees.arrays(), "claims": claims.astype(np.float16)}


def wording_weights(texts: Sequence[str], labels: NDArray[np.bool_]) -> tuple[Floats, float, Floats]:
    """Weights, bias, and for each text the score of a model that did not see it."""
    rows = _sparse(texts)
    fold = np.arange(len(texts)) * FOLDS // len(texts)
    scores = np.zeros(len(texts))
    for k in range(FOLDS):
        scores[fold == k] = _logistic(rows[fold != k], labels[fold != k]).decision_function(rows[fold == k])
    model = _logistic(rows, labels)
    return model.coef_[0], float(model.intercept_[0]), scores


def _logistic(rows: Any, labels: Any) -> Any:
    return LogisticRegression(C=3.0, max_iter=500).fit(rows, labels)


def _sparse(texts: Sequence[str]) -> Any:
    from scipy.sparse import csr_matrix

    counted = [grams(text) for text in texts]
    columns = [bucket for one in counted for bucket in one]
    numbers = [i for i, one in enumerate(counted) for _ in one]
    values = [weight for one in counted for weight in one.values()]
    return csr_matrix((values, (numbers, columns)), shape=(len(texts), BUCKETS))


def replay(cascades: Sequence[Cascade], reader: Reader, rng: np.random.Generator, scores: Floats | None = None,
           ages: Sequence[float] | None = None) -> Replay:
    """Rows at random ages (or at the given ``ages``); posts with fewer than LEAST counted are left out."""
    rows, grown, owner = [], [], []
    for number, one in enumerate(cascades):
        for age in ages or _random_ages(rng):
            asked = _forgetful(one.seen(crawl_ages(rng, age)), rng)
            seen = look(asked, asked.snapshots[-1].at)
            if not isinstance(seen, Seen) or seen.count < LEAST:
                continue
            row = reader.row(asked, seen)
            if scores is not None and asked.text:
                row[NAMES.index("claim")] = float(scores[number])
            rows.append(row)
            grown.append([_growth(one, age, horizon) for horizon in HORIZONS])
            owner.append(number)
    return Replay(rows=np.array(rows, dtype=np.float64), grown=np.array(grown), owner=np.array(owner))


def _random_ages(rng: np.random.Generator) -> list[float]:
    return [float(age) for age in np.exp(rng.uniform(math.log(AGES[0]), math.log(AGES[-1]), REPLAYS))]


def _growth(one: Cascade, age: float, horizon: float) -> float:
    return math.log2(1 + one.count(horizon) - one.count(age)) if age < horizon else math.nan


def _forgetful(asked: ForecastInput, rng: np.random.Generator) -> ForecastInput:
    """What a crawler often does not bring is left out now and then."""
    if rng.random() < UNKNOWN_AUTHOR:
        asked = replace(asked, followers=None, friends=None, posts=None, verified=None)
    return replace(asked, text=None) if rng.random() < UNKNOWN_TEXT else asked


def grow(replayed: Replay, seed: int) -> Trees:
    boosted = [_boosted(replayed, k, seed) for k in range(len(HORIZONS))]
    return Trees(random=_random(replayed, seed), boosted=(boosted[0], boosted[1]))


def _boosted(replayed: Replay, k: int, seed: int) -> Forest:
    known = ~np.isnan(replayed.grown[:, k])
    rows = lgb.Dataset(replayed.rows[known], replayed.grown[known, k], weight=replayed.weights[known])
    model = lgb.train(BOOSTING | {"seed": seed}, rows, ROUNDS).dump_model()
    return joined([_dumped(tree["tree_structure"]) for tree in model["tree_info"]])


def _dumped(root: dict[str, Any]) -> Packed:
    """LightGBM's nodes, breadth first, so that a right child follows its left one."""
    order, feature, threshold, left, value = [root], [], [], [], []
    for node in order:  # grows while it is walked
        inner = "split_feature" in node
        feature.append(node["split_feature"] if inner else LEAF)
        threshold.append(node["threshold"] if inner else 0.0)
        left.append(len(order) if inner else 0)
        value.append(0.0 if inner else node["leaf_value"])
        order += [node["left_child"], node["right_child"]] if inner else []
    return Packed(feature=np.array(feature, np.int8), threshold=np.array(threshold, np.float32), left=np.array(left, np.int32),
                  values=np.array(value, np.float32)[:, None])


def joined(trees: Sequence[Packed]) -> Forest:
    """One row of nodes from many trees. ``depth`` counts the steps of the longest way down."""
    starts = np.cumsum([0, *(len(tree.feature) for tree in trees)])
    return Forest(
        roots=starts[:-1].astype(np.int32), feature=np.concatenate([tree.feature for tree in trees]),
        threshold=np.concatenate([tree.threshold for tree in trees]), depth=max(_depth(tree) for tree in trees),
        left=np.concatenate([tree.left + start for tree, start in zip(trees, starts, strict=False)]).astype(np.int32),
        values=np.concatenate([tree.values for tree in trees]),
    )


def _depth(tree: Packed) -> int:
    depth = np.zeros(len(tree.feature), dtype=int)
    for i in np.flatnonzero(tree.feature != LEAF):
        depth[tree.left[i] : tree.left[i] + 2] = depth[i] + 1
    return int(depth.max())


def _random(replayed: Replay, seed: int) -> Forest:
    """Trees grown on growth to 24 h; their leaves say growth to 12 h and to 24 h. One structure for both
    lost nothing at 12 h, and growing it on both lost .03 of MSLE at 24 h."""
    trees = ExtraTreesRegressor(TREES, min_samples_leaf=LEAF_ROWS, max_features=FEATURE_SHARE, n_jobs=1, random_state=seed)
    trees.fit(replayed.rows.astype(np.float32), replayed.grown[:, 1], sample_weight=replayed.weights)
    forest = joined([_packed(one.tree_) for one in trees.estimators_])
    return replace(forest, values=_leaf_means(forest, replayed))


def _packed(tree: Any) -> Packed:
    """scikit-learn's nodes, numbered anew so that a right child follows its left one."""
    order, place = [0], 0
    while place < len(order):
        node = order[place]
        if tree.children_left[node] != -1:
            order += [tree.children_left[node], tree.children_right[node]]
        place += 1
    number = np.empty(len(order), dtype=np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    inner = tree.children_left[order] != -1
    feature = np.where(inner, tree.feature[order], LEAF).astype(np.int8)
    left = np.where(inner, number[tree.children_left[order]], 0).astype(np.int32)
    values = np.zeros((len(order), len(HORIZONS)), dtype=np.float32)
    return Packed(feature=feature, threshold=tree.threshold[order].astype(np.float32), left=left, values=values)


def _leaf_means(forest: Forest, replayed: Replay) -> NDArray[np.float32]:
    """What the training rows of a leaf grew by; a leaf with nothing to say of 12 h says what it says of 24 h."""
    leaves, weights = forest.leaves(replayed.rows), replayed.weights
    values = np.zeros_like(forest.values)
    for k in (1, 0):
        known = ~np.isnan(replayed.grown[:, k])
        heads = np.broadcast_to(weights[known, None], leaves[known].shape)
        total = np.bincount(leaves[known].ravel(), heads.ravel(), len(values))
        grown = np.bincount(leaves[known].ravel(), (heads * replayed.grown[known, k, None]).ravel(), len(values))
        values[:, k] = np.where(total > 0, grown / np.maximum(total, 1e-9), values[:, 1])
    return values


def _residuals(cascades: Sequence[Cascade], reader: Reader, replayed: Replay, rng: np.random.Generator, scores: Floats,
               say: Say) -> dict[str, dict[str, list[list[float]]]]:
    """Conformal levels of what trees that had not seen the post missed, for each kind of knowledge (``KNOWN``),
    horizon and age of the grid."""
    fold = np.arange(len(cascades)) * FOLDS // len(cascades)
    missed: dict[tuple[str, int, float], list[Floats]] = {}
    for k in range(FOLDS):
        began = time.monotonic()
        trees = grow(replayed.only(fold[replayed.owner] != k), seed=k)
        unseen = [one for one, part in zip(cascades, fold, strict=True) if part == k]
        for age in AGES:
            held = replay(unseen, reader, rng, scores[fold == k], [age])
            left, full = held.grown - trees.predict(held.rows), known_well(held.rows)
            for h in range(len(HORIZONS)):
                missed.setdefault(("full", h, age), []).append(left[full, h])
                missed.setdefault(("thin", h, age), []).append(left[~full, h])
        say(f"grown: residuals {k + 1}/{FOLDS}, {time.monotonic() - began:.0f} s")
    return {
        known: {f"{horizon:.0f}": [centred(conformal(np.concatenate(missed[known, h, age]))).round(4).tolist() for age in AGES if age < horizon]
                for h, horizon in enumerate(HORIZONS)}
        for known in KNOWN
    }


def centred(levels: Floats) -> Floats:
    """The same quantiles with the trees' own middle as the median, as far as its neighbours leave room: the median of the
    residuals is mostly chance, and on three forward blocks it made the error larger and split the posts no better in half."""
    at = int(np.flatnonzero(LEVELS == 0.5)[0])
    centre = levels.copy()
    centre[at] = np.clip(0.0, levels[at - 1], levels[at + 1])
    return centre

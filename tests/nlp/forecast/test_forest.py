from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from nlp.forecast.forest import LEAF, Forest
from nlp.training.forecast_grown import Replay, _packed, _random, joined


@pytest.fixture
def rows():
    return np.random.default_rng(1).normal(size=(400, 6))


def test_packed_trees_say_what_scikit_learns_say(rows):
    y = rows[:, 0] * 2 + np.sin(rows[:, 1])
    theirs = ExtraTreesRegressor(7, min_samples_leaf=5, random_state=0).fit(rows.astype(np.float32), y)
    forest = joined([_packed(tree.tree_) for tree in theirs.estimators_])
    assert (forest.feature[forest.leaves(rows)] == LEAF).all()
    reached = [len(np.unique(column)) for column in forest.leaves(rows).T]
    assert reached == [tree.get_n_leaves() for tree in theirs.estimators_]


def test_leaves_say_the_mean_of_their_rows_and_a_file_keeps_them(rows):
    y = rows[:, 0]
    replayed = Replay(rows=rows, grown=np.stack([np.where(rows[:, 1] > 0, np.nan, y / 2), y], axis=1), owner=np.arange(len(rows)))
    forest = _random(replayed, seed=0)
    assert np.corrcoef(forest.mean(rows)[:, 1], y)[0, 1] > 0.9
    assert np.isfinite(forest.values).all()
    again = Forest.read(forest.arrays("random"), "random")
    assert np.allclose(again.mean(rows), forest.mean(rows), atol=2e-3)  # kept in half precision


def test_nothing_asked_is_nothing_answered(rows):
    replayed = Replay(rows=rows, grown=np.stack([rows[:, 0], rows[:, 0]], axis=1), owner=np.arange(len(rows)))
    assert _random(replayed, seed=0).mean(rows[:0]).shape == (0, 2)

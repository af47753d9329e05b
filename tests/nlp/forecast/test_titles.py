from __future__ import annotations

import numpy as np

from nlp.forecast.titles import BUCKETS, cleaned, grams, scores


def test_a_title_has_its_grams_of_one_two_and_three_characters():
    buckets, owner = grams(["致歉信", "", "价"])
    assert np.bincount(owner, minlength=3).tolist() == [6, 0, 1]
    assert (buckets < BUCKETS).all()


def test_grams_do_not_reach_across_titles_and_keep_their_order():
    together, owner = grams(["致歉信", "信歉致"])
    alone = [set(grams([one])[0].tolist()) for one in ("致歉信", "信歉致")]
    assert [set(together[owner == i].tolist()) for i in range(2)] == alone
    assert len(alone[0] & alone[1]) == 3  # the single characters


def test_a_number_is_the_mean_weight_of_the_grams_by_root_of_length():
    weights = np.stack([np.ones(BUCKETS), np.zeros(BUCKETS)])
    made = scores(["致歉信", ""], weights, np.array([1.0, 2.0]))
    assert np.allclose(made[0], [6 / np.sqrt(6) + 1, 2.0])
    assert np.isnan(made[1]).all()


def test_the_marks_of_a_title_and_broken_characters_do_no_harm():
    assert (cleaned(" #某品牌致歉# "), cleaned(None)) == ("某品牌致歉", "")
    assert np.isfinite(scores(["\ud800某"], np.ones((2, BUCKETS)), np.zeros(2))).all()


def test_no_title_at_all():
    assert scores([], np.ones((2, BUCKETS)), np.zeros(2)).shape == (0, 2)

from __future__ import annotations

import gzip
import json
import lzma

import numpy as np
import pytest

from nlp.forecast.features import NAMES, Reader
from nlp.forecast.listed import ASKED, TITLE
from nlp.forecast.shape import Shape
from nlp.forecast.szabo import Series
from nlp.training import forecast_grown, forecast_hot, forecast_lists, forecast_szabo
from nlp.training.forecast_cascades import crawl_ages, read, split


@pytest.fixture
def folder(tmp_path):
    """Forty posts with about as many reposts as their number times four, half of them in the first two hours."""
    rng = np.random.default_rng(0)
    (tmp_path / "cascades").mkdir()
    with gzip.open(tmp_path / "cascades" / "weibo_reposts.jsonl.gz", "wt", encoding="utf-8") as lines:
        for number in range(10, 50):
            offsets = [*rng.exponential(3600, 2 * number), *rng.uniform(0, 100_000, 2 * number)]
            lines.write(json.dumps({
                "id": str(number), "t0": 1_350_000_000 + 90_000 * (60 - number), "followers": 1000 * number, "friends": None, "posts": 5,
                "verified": number % 2 == 0, "rumor": number % 2, "text": f"第{number}条", "offsets": offsets,
            }) + "\n")
    return tmp_path


def test_cascades_are_read_oldest_first_and_cut_in_order_of_time(folder):
    cascades = read(folder)
    old, new = split(cascades, 0.75)
    assert (len(old), len(new)) == (30, 10)
    assert max(one.appeared for one in old) < min(one.appeared for one in new)


def test_a_replayed_crawl_sees_only_what_was_there(folder):
    one = read(folder)[0]
    asked = one.seen([0.5, 2.0])
    assert [count.value for count in asked.snapshots] == [one.count(0.5), one.count(2.0)]
    assert one.count(2.0) == int((one.hours <= 2.0).sum())


def test_crawls_are_irregular_and_end_at_the_age():
    rng = np.random.default_rng(1)
    crawls = [crawl_ages(rng, 3.0, at_most=4) for _ in range(200)]
    assert {len(ages) for ages in crawls} == {1, 2, 3, 4}
    assert all(ages == sorted(ages) and ages[-1] == 3.0 and ages[0] > 0 for ages in crawls)


def test_the_law_that_is_fitted_can_be_read(folder):
    series = Series.read(forecast_szabo.fit(read(folder)))
    assert series.bounds.most == max(one.count(24.0) for one in read(folder))
    assert series.laws[1].spread(2.0, 60).y(0.5) > series.laws[1].spread(20.0, 60).y(0.5)
    assert series.shape.activity.mean() == pytest.approx(1.0, abs=0.01)


def test_replays_hold_growth_as_it_came_and_weigh_every_post_the_same(folder):
    cascades = read(folder)
    reader = Reader(shape=Shape.read(forecast_szabo.shape(cascades)), claims=np.zeros(1 << 14), bias=0.0)
    made = forecast_grown.replay(cascades, reader, np.random.default_rng(0), ages=[1.0, 13.0])
    assert made.rows.shape[1] == len(NAMES) and np.isfinite(made.rows).all()
    assert np.isnan(made.grown[1::2, 0]).sum() >= 30  # at 13 h the 12 h have passed
    totals = np.bincount(made.owner, made.weights)
    assert np.allclose(totals[totals > 0], totals[totals > 0][0])


def test_the_same_data_gives_the_same_trees(folder):
    cascades = read(folder)
    reader = Reader(shape=Shape.read(forecast_szabo.shape(cascades)), claims=np.zeros(1 << 14), bias=0.0)
    made = forecast_grown.replay(cascades, reader, np.random.default_rng(0))
    first, second = (forecast_grown.grow(made, seed=0).predict(made.rows) for _ in range(2))
    assert (first == second).all()
    assert np.corrcoef(first[:, 1], made.grown[:, 1])[0, 1] > 0.8


@pytest.fixture
def lists(tmp_path):
    """Two entries; the first is on the list since the file begins, so nobody knows for how long."""
    (tmp_path / "hot").mkdir()
    day = 86_400
    seen = ["ts,qid,rank,heat,answers", "0,0,1,900,10", f"{2 * day},1,9,500,30", f"{2 * day + 3600},1,4,900,90", f"{2 * day + 7200},1,6,800,80"]
    for name, lines in (("zhihu_snapshots", seen), ("zhihu_topics", ["qid,id,title", "0,Q_1,旧", "1,Q_2,如何看待某品牌致歉？"])):
        with lzma.open(tmp_path / "hot" / f"{name}.csv.xz", "wt", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
    return tmp_path


def test_entries_of_the_first_day_are_left_out_and_counts_never_fall(lists):
    (entry,) = forecast_lists.read(lists, "hot_zhihu")
    assert entry.title == "如何看待某品牌致歉？"
    assert entry.counts.tolist() == [30, 90, 90]
    assert (entry.final(0), entry.final(1), entry.final(24)) == (30, 90, 90)
    assert forecast_lists.flat([entry]).rank.tolist() == [9, 4, 6]


def test_a_question_to_the_list_model_is_answered_by_what_came(lists):
    visits = forecast_lists.flat(forecast_lists.read(lists, "hot_zhihu") * 50)
    made = forecast_hot.ask(visits, np.zeros((50, len(TITLE))), 80, np.random.default_rng(0))
    assert made.rows.shape == (200, len(ASKED))  # 50 first visits and 150 of any, each below or at its threshold
    first = made.rows[:, ASKED.index("visits")] == 1
    needed = made.rows[first, ASKED.index("needed")]
    assert (made.reached[first] == (needed <= np.log2(1 + 60) + 1e-4)).all()
    assert made.reached[made.own].all()  # 80 was reached: 90 at the second visit


def test_odds_are_shifted_until_the_mean_chance_is_what_came():
    odds, reached = np.full(400, -1.0), np.arange(400) < 40
    assert forecast_hot._shift(odds, reached) == pytest.approx(np.log(0.1 / 0.9) + 1, abs=1e-3)
    assert forecast_hot._shift(odds, np.arange(400) < 5) == 0.0  # too few to tell


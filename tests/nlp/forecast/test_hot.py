from __future__ import annotations

import numpy as np
import pytest

from nlp.forecast import CountAt, ForecastInput, load
from nlp.forecast.hot import BANDS, YS, HotModel, Levels, foretell, pinned, top_category
from nlp.forecast.listed import ASKED, KNOWN, TITLE, Views, Visits, known, questions
from nlp.forecast.seen import look
from nlp.forecast.shape import Shape
from nlp.forecast.titles import BUCKETS


@pytest.fixture
def listed(after):
    """A hot-list entry: discussions, rank and heat at hours after first sight."""

    def build(visits: dict[float, tuple[int, int, int]], platform="weibo-hot", metric="discussions", thresholds=(20_000,), **changes):
        seen = tuple(
            CountAt(at=after(hours), value=count, beside={"rank": rank, "heat": heat, "reads": 90 * count})
            for hours, (count, rank, heat) in visits.items()
        )
        usual = {"platform": platform, "metric": metric, "first_seen": after(0), "snapshots": seen, "thresholds": thresholds,
                 "text": "某品牌致歉", "category": "社会"}
        return ForecastInput(**(usual | changes))

    return build


class Steps:
    """A booster whose log odds fall by one with each doubling that is needed, a little less with more hours left."""

    def predict(self, rows, num_threads, raw_score=False):
        left, needed = (rows[:, ASKED.index(name)] for name in ("hours_left", "needed"))
        return 10 - needed + left / 1000


class Count:
    """Foretells as much growth as there is already."""

    def predict(self, rows, num_threads):
        return rows[:, KNOWN.index("count")]


@pytest.fixture
def model():
    bands = len(BANDS) + 1
    knots = np.tile([0.0, 20.0], (bands, 2, 1))
    below = np.tile(np.stack([YS >= 0, np.clip(YS / 20, 0, 1)]), (bands, 2, 1, 1))  # none grows; growth spread evenly to 20
    shape = Shape(edges=np.array([0.0, 24]), decay=np.ones(1), activity=np.ones(24))
    return HotModel(chance=Steps(), growth=Count(), categories={"社会": 0}, wording=np.zeros((2, BUCKETS)), bias=np.zeros(2),
                    shifts=np.zeros(bands), levels=Levels(knots=knots, below=below), shape=shape)


def seen_rows(asked, now):
    visits = Visits.of([one.first_seen.timestamp() for one in asked], [look(one, now) for one in asked])
    ages = np.array([(now - one.first_seen).total_seconds() / 3600 for one in asked])
    views = Views(visits=visits, last=visits.newest, ages=ages)
    return known(views, np.zeros((len(asked), len(TITLE)))), views


def test_a_row_has_a_number_for_every_name(listed, after):
    rows, views = seen_rows([listed({0: (900, 30, 10_000), 1: (4_000, 12, 90_000)})], after(1))
    made = dict(zip(ASKED, questions(rows, views, np.array([20_000.0]), np.array([23.0]))[0], strict=True))
    assert (made["rank"], made["rank_first"], made["rank_won"], made["stale"], made["visits"]) == (12, 30, 18, 0, 2)
    assert made["pace"] == pytest.approx(np.log2(1 + 3_100))
    assert made["needed"] == pytest.approx(np.log2(1 + 16_000))


def test_many_entries_at_once_are_read_as_each_alone(listed, after):
    asked = [listed({0: (900, 30, 10_000), 1: (4_000, 12, 90_000)}), listed({0: (5, 1, 7)}), listed({0: (5, 1, 7), 0.5: (6, 2, 9), 1.5: (9, 1, 1)})]
    together, _ = seen_rows(asked, after(2))
    alone = np.concatenate([seen_rows([one], after(2))[0] for one in asked])
    assert np.array_equal(together, alone, equal_nan=True)


def test_what_was_not_brought_is_unknown_and_not_zero(listed, after):
    rows, _ = seen_rows([listed({0: (900, 30, 10_000)})], after(0))
    made = dict(zip(KNOWN, rows[0], strict=True))
    assert np.isnan([made["originals"], made["pace"], made["doubled_hour"]]).all()
    assert made["reads"] == pytest.approx(np.log2(1 + 81_000))


def test_a_long_history_is_read_by_its_first_and_newest_visits(listed, after):
    rows, _ = seen_rows([listed({minute / 60: (100 + minute, 5, 10) for minute in range(600)})], after(10))
    made = dict(zip(KNOWN, rows[0], strict=True))
    assert made["first"] == pytest.approx(np.log2(101)) and made["count"] == pytest.approx(np.log2(700))


def test_the_chance_that_was_asked_for_stands_in_the_distribution(model, listed, after):
    asked = listed({0: (900, 30, 10_000)}, thresholds=(1_500, 20_000, 500))
    ((to_12h, to_24h),) = foretell(model, [asked], [look(asked, after(0))], after(0))
    for threshold in (1_500, 20_000):
        needed = float(np.log2(1 + threshold - 900))
        assert to_24h.tail(needed) == pytest.approx(1 / (1 + np.exp(needed - 10 - 0.024)))
        assert to_12h.tail(needed) < to_24h.tail(needed)
    assert (np.diff(to_24h.levels) >= 0).all() and (to_24h.levels <= to_12h.levels).all()


def test_without_thresholds_the_distribution_is_that_of_its_level(model, listed, after):
    asked = listed({0: (1023, 30, 10_000)}, thresholds=())
    ((_, to_24h),) = foretell(model, [asked], [look(asked, after(0))], after(0))
    assert to_24h.y(0.25) == 0.0  # half of it is the level of which nothing grows
    assert to_24h.y(0.75) == pytest.approx(10.0)


def test_a_pin_moves_only_what_contradicts_it():
    ys, levels = pinned(np.clip(YS / 20, 0, 1), np.array([10.1, 5.0]), np.array([0.2, 0.9]))
    assert np.interp([5.0, 10.1], ys, levels) == pytest.approx([0.1, 0.8])
    assert np.interp([2.0, 18.0], ys, levels) == pytest.approx([0.1, 0.9])
    assert (np.diff(levels) >= 0).all()


def test_after_twelve_hours_the_passed_horizon_says_nothing_of_the_other(model, listed, after):
    asked = listed({0: (900, 30, 10_000), 13: (1_000, 40, 5_000)})
    ((_, to_24h),) = foretell(model, [asked], [look(asked, after(13))], after(13))
    needed = float(np.log2(1 + 19_000))
    assert to_24h.tail(needed) == pytest.approx(1 / (1 + np.exp(needed - 10 - 0.011)))


def test_categories_are_known_by_their_first_part():
    assert (top_category("明星-内地 "), top_category("社会 - 民生"), top_category(None)) == ("明星", "社会", "")


@pytest.mark.parametrize(("platform", "metric"), [("weibo-hot", "discussions"), ("zhihu-hot", "answers")])
def test_the_shipped_lists_answer(listed, after, platform, metric):
    asked = listed({0: (90, 30, 10_000), 1: (400, 12, 90_000), 2: (450, 11, 99_000)}, platform, metric, (500, 20_000))
    made = load().predict([asked], after(2))[0]
    assert made.abstains is None and made.h24 and made.h12
    assert made.h24.p_over[500] >= made.h24.p_over[20_000] >= 0
    quantiles = list(made.h24.q.values())
    assert quantiles == sorted(quantiles) and quantiles[0] >= 450
    assert all(later >= sooner for later, sooner in zip(quantiles, made.h12.q.values(), strict=True))
    assert {reason.code for reason in made.reasons} == {"listed", "climbing", "cold"}


@pytest.mark.parametrize(("platform", "metric"), [("weibo-hot", "discussions"), ("zhihu-hot", "answers")])
def test_a_batch_is_answered_as_each_alone(listed, after, platform, metric):
    asked = [listed({0: (90, 30, 10_000), 1: (400, 12, 90_000)}, platform, metric), listed({0: (90, 3, 10)}, platform, metric, (500, 100), text=None),
             listed({0: (900, 3, 10), 2: (5, 3, 10)}, platform, metric), listed({0: (90, 3, 10)}, platform, metric, (), category=None)]
    together = load().predict(asked, after(2))
    assert together == [load().predict([one], after(2))[0] for one in asked]
    assert together[2].abstains and together[2].abstains.startswith("fell")


def test_bare_counts_are_enough(listed, after):
    """No title, no category, no column beside the count: the interval is wider, but there is one."""
    bare = listed({}, text=None, category=None, snapshots=(CountAt(at=after(0), value=900), CountAt(at=after(1), value=900)))
    made = load().predict([bare], after(1))[0]
    assert made.h24 and made.h24.q["05"] == 900 and 0 < made.h24.p_over[20_000] < 0.5

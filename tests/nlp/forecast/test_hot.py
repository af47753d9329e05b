from __future__ import annotations

import numpy as np
import pytest

from nlp.forecast import CountAt, ForecastInput, load
from nlp.forecast.hot import NAMES, HotModel, Title, Visits, grid, row, top_category
from nlp.forecast.seen import look
from nlp.forecast.shape import Shape


@pytest.fixture
def listed(after):
    """A hot-list entry: discussions, rank and heat at hours after first sight."""

    def build(visits: dict[float, tuple[int, int, int]], platform="weibo-hot", metric="discussions", thresholds=(20_000,)):
        seen = tuple(
            CountAt(at=after(hours), value=count, beside={"rank": rank, "heat": heat, "reads": 90 * count})
            for hours, (count, rank, heat) in visits.items()
        )
        return ForecastInput(platform=platform, metric=metric, first_seen=after(0), snapshots=seen, thresholds=thresholds,
                             text="某品牌致歉", category="社会")

    return build


class Steps:
    """A booster whose chance falls by a tenth with each doubling that is needed, a little less with more hours."""

    def predict(self, rows, num_threads):
        return np.clip(1 - rows[:, -1] / 10 - (24 - rows[:, -2]) / 1000, 0, 1)


@pytest.fixture
def model():
    shape = Shape(edges=np.array([0.0, 24]), decay=np.ones(1), activity=np.ones(24))
    return HotModel(booster=Steps(), categories={"社会": 0}, wording=np.zeros(1 << 14), bias=0.0, shape=shape)


def test_a_row_has_a_number_for_every_name_but_what_is_asked(listed, after):
    seen = look(listed({0: (900, 30, 10_000), 1: (4_000, 12, 90_000)}), after(1))
    made = dict(zip(NAMES, row(Visits.of(seen), Title(category=0, length=5, wording=0.0), after(0), 1.0), strict=False))
    assert len(made) == len(NAMES) - 2
    assert (made["rank"], made["rank_first"], made["rank_won"], made["stale"]) == (12, 30, 18, 0)


def test_what_a_threshold_needs_is_asked_for_exactly():
    assert np.isclose(grid(900, (20_000, 500)), np.log2(1 + 19_100)).any()
    assert (np.diff(grid(900, (20_000, 20_000))) > 0).all()


def test_the_distribution_is_what_the_booster_says(model, listed, after):
    asked = listed({0: (900, 30, 10_000)})
    to_12h, to_24h = model.spreads(asked, look(asked, after(0)), after(0))
    needed = float(np.log2(1 + 19_100))
    assert to_24h.tail(needed) == pytest.approx(max(0.0, 1 - needed / 10), abs=0.01)
    assert to_24h.tail(4.25) == pytest.approx(1 - 0.425)
    assert to_12h.tail(4.25) < to_24h.tail(4.25)
    assert to_24h.y(0.02) == 0.0  # the chance of no growth at all


def test_after_twelve_hours_the_passed_horizon_says_nothing_of_the_other(model, listed, after):
    asked = listed({0: (900, 30, 10_000), 13: (1_000, 40, 5_000)})
    _, to_24h = model.spreads(asked, look(asked, after(13)), after(13))
    assert to_24h.tail(4.25) == pytest.approx(1 - 0.425 - 13 / 1000)


def test_categories_are_known_by_their_first_part():
    assert (top_category("明星-内地 "), top_category(None)) == ("明星", "")


@pytest.mark.parametrize(("platform", "metric"), [("weibo-hot", "discussions"), ("zhihu-hot", "answers")])
def test_the_shipped_lists_answer(listed, after, platform, metric):
    asked = listed({0: (90, 30, 10_000), 1: (400, 12, 90_000), 2: (450, 11, 99_000)}, platform, metric, (500, 20_000))
    made = load().predict([asked], after(2))[0]
    assert made.abstains is None and made.h24 and made.h12
    assert made.h24.p_over[500] >= made.h24.p_over[20_000] >= 0
    quantiles = list(made.h24.q.values())
    assert quantiles == sorted(quantiles) and quantiles[0] >= 450
    assert {reason.code for reason in made.reasons} == {"listed", "climbing", "cold"}

"""预测战绩: what it says full, young and empty; the budget picks a line to write; misses lead to their rooms."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import record_charts
from dashboard.charts import LIGHT
from dashboard.desk import Desk
from tests.dashboard import followed
from tests.dashboard.conftest import words_of

Page = Callable[..., AppTest]
VIEW = "views/record.py"


def test_the_page_says_coverage_with_its_interval_and_names_the_misses(page: Page, place: Desk) -> None:
    body = followed.keep(place.ledger, place.settings, "lanye")
    said = words_of(page("lin", VIEW))
    covered = body["ages"][0]["covered_80"]
    assert f"{100 * covered['hits'] / covered['count']:.0f}%（" in said
    assert body["missed_count"] > 0 and f"{body['missed_count']} 条" in said and "区间没有漂移" in said
    assert '<a href="/incident?n=2026-1122-0' in said  # a miss of this morning leads to its room
    assert "规模已超过模型见过的范围" in said  # and what was crossed without a forecast says why


def test_a_drift_is_said_in_words(page: Page, place: Desk) -> None:
    body = followed.keep(place.ledger, place.settings, "lanye", scale=3.0)
    assert body["drift"] and "区间偏窄" in words_of(page("lin", VIEW))


@pytest.mark.parametrize(("count", "wanted", "unwanted"), [(12, "冷启动：自己的样本", "区间没有漂移"), (0, "还没有到期的预测", "漏报")])
def test_a_young_track_draws_no_conclusion_and_an_empty_one_says_what_is_needed(page: Page, place: Desk, count: int, wanted: str, unwanted: str) -> None:
    followed.keep(place.ledger, place.settings, "lanye", count=count)
    said = words_of(page("lin", VIEW))
    assert wanted in said and unwanted not in said and "30 条" in said


def test_before_the_first_reckoning_it_waits(page: Page) -> None:
    test = page("lin", VIEW)
    assert not test.exception and "正在等第一次计算" in words_of(test)


def test_fewer_alerts_a_day_give_a_higher_probability_and_the_line_to_write(page: Page, place: Desk) -> None:
    body = followed.keep(place.ledger, place.settings, "lanye")
    test = page("lin", VIEW)
    before = test.code[0].value
    test.number_input(key="most_a_day").set_value(0.5).run()
    chosen = record_charts.keeping(body["levels"], 0.5)
    assert chosen is not None and test.code[0].value == f"alert_at = {{ yellow = {chosen['at']:g}, orange = {max(chosen['at'], 0.6):g} }}" != before
    assert f"其中 {100 * chosen['precision']:.0f}% 真的越线" in words_of(test)


def test_a_budget_that_nothing_keeps_to_is_said(page: Page, place: Desk) -> None:
    body = followed.keep(place.ledger, place.settings, "lanye")
    strict = [{**line, "a_day": line["a_day"] + 9} for line in body["levels"]]
    assert record_charts.keeping(strict, 2.0) is None and record_charts.keeping(body["levels"], 200.0) == body["levels"][0]


def test_another_brand_has_a_track_of_its_own(page: Page, place: Desk) -> None:
    followed.keep(place.ledger, place.settings, "lanye")
    followed.keep(place.ledger, place.settings, "xiaozhu", count=12)
    test = page("lin", VIEW)
    test.selectbox(key="brand").set_value("xiaozhu").run()
    assert "冷启动" in words_of(test)


def test_a_band_of_one_forecast_is_not_drawn_and_a_dot_grows_with_its_count() -> None:
    bands = [dict(said=0.05, came=0.0, count=400), dict(said=0.6, came=1.0, count=1)]
    (_, line) = record_charts.reliability([{"age": 1.0, "bands": bands}], LIGHT)["series"]
    assert [dot["value"] for dot in line["data"]] == [[5.0, 0.0]]
    assert record_charts.size(1) < record_charts.size(100) <= record_charts.size(4000) == 20

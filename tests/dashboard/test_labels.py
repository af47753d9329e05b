"""标注: one click keeps a label and brings the next; accuracy only from random ones; who may not look only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.desk import Desk
from dashboard.reads.labels import FEW, accuracy, by_week, fallen, shift
from incidents.store.labels import Drawn, Label
from tests.dashboard.conftest import words_of
from tests.dashboard.world import NOON

Page = Callable[..., AppTest]
VIEW = "views/labels.py"


def label(value: str = "negative", *, weeks_ago: int = 0, drawn: Drawn = "random") -> Label:
    return Label(mention_id=1, brand="lanye", field="sentiment", value=value, said="negative", probabilities=(0.8, 0.1, 0.1), model="m@1", drawn=drawn,
                 dated=NOON - timedelta(weeks=weeks_ago), made_by="lin", made_at=NOON)


def test_one_click_keeps_who_and_when_and_brings_the_next(page: Page, place: Desk) -> None:
    test = page("lin", VIEW)
    assert not test.exception and "这条是什么" in words_of(test)
    first = place.ledger.labels.draw("lanye", NOON)
    test.button(key="label_negative").click().run()
    kept = {one.field: one for one in place.ledger.labels.all("lanye")}
    assert first is not None and kept["sentiment"].mention_id == first.mention_id
    assert (kept["sentiment"].value, kept["relevance"].value, kept["sentiment"].made_by, kept["sentiment"].drawn) == ("negative", "about", "lin", "random")
    following = place.ledger.labels.draw("lanye", NOON)
    assert following is not None and following.mention_id != first.mention_id and "随机抽查了 1 条" in words_of(test)


def test_not_about_the_brand_says_nothing_of_its_tone(page: Page, place: Desk) -> None:
    page("gu", VIEW).button(key="label_not").click().run()
    one, = place.ledger.labels.all("lanye")
    assert (one.field, one.value, one.made_by) == ("relevance", "not", "gu")


def test_another_class_is_kept_with_the_click(page: Page, place: Desk) -> None:
    test = page("lin", VIEW)
    test.selectbox[1].set_value("data_leak").run()
    test.button(key="label_neutral").click().run()
    assert {one.field: one.value for one in place.ledger.labels.all("lanye")} == {"relevance": "about", "sentiment": "neutral", "issue": "data_leak"}


def test_who_may_only_look_finds_no_button(page: Page) -> None:
    test = page("he", VIEW)
    assert "只能查看" in words_of(test) and not [one for one in test.button if str(one.key).startswith("label_")]


@pytest.mark.parametrize(("right", "count", "low", "high"), [(0, 0, 0.0, 1.0), (45, 50, 0.786, 0.957), (20, 20, 0.839, 1.0)])
def test_accuracy_has_wilsons_interval(right: int, count: int, low: float, high: float) -> None:
    one = accuracy([label() for _ in range(right)] + [label("positive") for _ in range(count - right)])
    assert (one.right, one.count) == (right, count)
    assert (one.low, one.high) == pytest.approx((low, high), abs=1e-3)


def test_a_week_that_is_clearly_worse_is_said() -> None:
    before = [label(weeks_ago=1)] * 3 * FEW
    assert fallen(by_week(before + [label("positive")] * FEW))
    assert not fallen(by_week(before + [label()] * FEW)) and not fallen(by_week(before + [label("positive")] * 3))


def test_tones_that_moved_are_measured() -> None:
    assert shift({"negative": 10}, {"negative": 99}) is None
    steady, moved = shift({"negative": 50, "neutral": 50}, {"negative": 60, "neutral": 60}), shift({"negative": 90, "neutral": 10}, {"negative": 30, "neutral": 70})
    assert steady is not None and moved is not None and steady.index < 0.05 < 0.25 < moved.index

"""The room says how far it goes: the sentence, the crossing, the whole story, what a statement changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import actions, charts, published, reads, spread
from dashboard.charts import Fan
from dashboard.desk import Desk
from dashboard.reads import Foreseen
from dashboard.reads.record import reactions
from incidents import now as times
from incidents.errors import Refused
from incidents.model import Forecast, Incident
from tests.dashboard import spreading, world
from tests.dashboard.conftest import words_of
from tests.dashboard.world import HOUR, MINUTE, NOON

Page = Callable[..., AppTest]
BRAKES = "2026-1122-01"
FIRST = NOON - 5 * HOUR


def made(final: float = 4000, observed: int = 900, **changes: object) -> Forecast:
    return replace(world.foresee(FIRST, NOON, observed, final, 5000), **changes)  # type: ignore[arg-type]


def said(place: Desk, one: Forecast | None) -> str:
    return spread.sentence(None if one is None else Foreseen(forecast=one, mention_id=1), place.settings, "lanye", NOON)


def test_the_sentence_has_size_range_threshold_time_and_probability(place: Desk) -> None:
    one = made()
    assert one.h12 is not None
    sentence = said(place, one)
    assert "次转发，80% 可能在" in sentence and f"16:42 前超过阈值 5,000 的概率 <b>{round(100 * one.h12.p_over[5000])}%</b>" in sentence
    assert "24 小时" in sentence  # both windows are told


@pytest.mark.parametrize(("final", "crosses", "wanted"), [
    (9000, {5000: NOON + 3 * HOUR}, "按中位估计，12:42 越过阈值"), (3500, {5000: None}, "走势偏高时最早"), (1000, {5000: None}, "80% 的走势在 24 小时内都不越过阈值")])
def test_when_it_crosses_is_said(place: Desk, final: float, crosses: dict[int, datetime | None], wanted: str) -> None:
    assert wanted in said(place, made(final, crosses_at=crosses))


def test_what_is_crossed_is_no_longer_a_probability(place: Desk) -> None:
    sentence = said(place, made(9000, observed=6000, crosses_at={5000: NOON - HOUR}))
    assert "概率" not in sentence and "08:42 已越过阈值 5,000" in sentence


def test_an_abstention_says_why_in_the_readers_words(place: Desk) -> None:
    assert said(place, made(abstains="too_few: Fewer than 10 were counted.")) == "不作预测：互动数还太少，没有传播迹象，暂不作预测。"
    assert "还没有预测" in said(place, None)


def fan(one: Forecast) -> Fan:
    return Fan(metric="reposts", first=FIRST, now=NOON, points=((FIRST, 0), (NOON, 900)), forecast=one, threshold=5000)


def test_the_crossing_is_marked_on_the_line_at_its_time() -> None:
    at = NOON + 3 * HOUR
    cross = charts.option(fan(made(9000, crosses_at={5000: at})), charts.LIGHT)["series"][-2]
    assert cross["data"] == [[charts.minute(at), 5000]] and cross["label"]["formatter"] == "12:42 越线"
    assert charts.option(fan(made(3500, crosses_at={5000: None})), charts.LIGHT)["series"][-2]["data"] == []


def test_the_upper_end_of_the_band_is_followed_between_its_points() -> None:
    path = made(4000).path
    at = charts.reaches(path, 5000)
    assert at is not None and path[0].at < at < path[-1].at
    assert charts.reaches(path, 10**9) is None


def test_the_room_shows_the_heat_with_its_parts(page: Page, place: Desk) -> None:
    spreading.heat(place.ledger, incident(place))
    shown = words_of(page("lin", "views/room.py", n=BRAKES))
    assert "热度 <b>5,230</b> ＝ 转发 3,151 × 1 ＋ 评论 1,049 × 1 ＋ 点赞 5,152 × 0.2" in shown
    assert "每条再引出 0.45 条" in shown and "这个平台还没有模型 1 条" in shown and "没有读到：浏览" in shown


def test_a_story_that_was_not_reckoned_yet_says_so(page: Page) -> None:
    assert "还没有算过整个话题" in words_of(page("lin", "views/room.py", n=BRAKES))


# -- a statement -------------------------------------------------------------------------------------------------


def incident(place: Desk) -> Incident:
    found = place.ledger.incidents.by_number(BRAKES)
    assert found is not None
    return found


def test_a_statement_is_held_against_the_forecast_made_before_it(place: Desk, page: Page) -> None:
    spreading.statement(place.ledger, place.settings, incident(place))
    (one,) = reactions(incident(place).id, incident(place).story_id)
    assert one.refused is None and {effect.at > one.event.happened_at for effect in one.effects} == {True}
    shown = words_of(page("lin", "views/room.py", n=BRAKES))
    assert "声明前的预测是" in shown and "相差不等于因果" in shown and "声明发布" in shown


@pytest.mark.parametrize(("hours", "code"), [(0.1, "too_few"), (0.5, "too_short"), (7.2, "after")])
def test_it_refuses_while_there_is_too_little_to_see(place: Desk, hours: float, code: str) -> None:
    with place.ledger.engine.begin() as c:
        c.exec_driver_sql(f"DELETE FROM forecasts WHERE made_at > {round((NOON - 3 * HOUR).timestamp() * 1000)}")
    spreading.statement(place.ledger, place.settings, incident(place), hours)
    (one,) = reactions(incident(place).id, incident(place).story_id)
    assert (one.refused, one.effects) == (code, ())
    assert published.line(one, NOON).startswith(times.shanghai(NOON - hours * HOUR).strftime("%H:%M") + " 发布")


def test_it_is_recorded_in_the_room_once_and_audited(page: Page, place: Desk) -> None:
    test = page("lin", "views/room.py", n=BRAKES)
    test.text_input(key="published_at").set_value("09:05")
    test.text_input(key="published_link").set_value("https://weibo.example/s/1")
    test.text_input(key="published_title").set_value("第三份说明")
    for _ in range(2):
        test.button(key="publish").click().run()
    events = [event for event in place.ledger.incidents.events(incident(place).id) if event.kind == "statement_published"]
    assert [(event.by, event.happened_at, event.values["title"]) for event in events] == [("lin", NOON - 37 * MINUTE, "第三份说明")]
    with place.ledger.engine.connect() as c:
        assert c.exec_driver_sql("SELECT count(*) FROM audit WHERE what = 'statement_published' AND who = 'lin'").scalar() == 1


@pytest.mark.parametrize(("at", "link"), [(NOON + HOUR, "https://a.example/"), (NOON - 99 * HOUR, "https://a.example/"), (NOON - HOUR, "javascript:alert(1)"), (NOON - HOUR, "")])
def test_what_cannot_be_is_refused(place: Desk, at: datetime, link: str) -> None:
    person = place.ledger.people.one("lin")
    assert person is not None
    with pytest.raises(Refused):
        actions.publish(person, BRAKES, at, link, "x", NOON)


def test_a_viewer_may_not_record(place: Desk) -> None:
    person = place.ledger.people.one("he")
    assert person is not None
    with pytest.raises(Refused):
        actions.publish(person, BRAKES, NOON - HOUR, "https://a.example/", "x", NOON)
    reads.forget()


@pytest.mark.parametrize(("text", "wanted"), [("09:05", NOON - 37 * MINUTE), (" 23：10 ", NOON - timedelta(hours=10, minutes=32)), ("11-21 09:42", NOON - timedelta(days=1)), ("12-31 09:42", NOON - timedelta(days=326))])
def test_a_time_is_read_on_the_readers_clock(text: str, wanted: datetime) -> None:
    assert published.typed(text, NOON) == wanted


@pytest.mark.parametrize("text", ["", "soon", "25:00", "02-30 10:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        published.typed(text, NOON)


def test_the_chart_reaches_as_far_as_the_sentence() -> None:
    """The largest post is younger than the incident: its 24 h end later."""
    one = made(9000)
    older = replace(fan(one), first=FIRST - 11 * HOUR)
    assert charts.until(older) == one.path[-1].at > older.first + 24 * HOUR
    assert charts.until(replace(older, forecast=None)) == older.first + 24 * HOUR

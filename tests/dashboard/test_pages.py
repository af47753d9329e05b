"""Pages as people see them: what stands there, what a click does."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from dashboard.desk import Desk
from dashboard.reads import standing
from incidents import now
from incidents.store import tables as t
from incidents.store.faults import Fault
from tests.dashboard import world
from tests.dashboard.conftest import words_of

Page = Callable[..., AppTest]
BRAKES = "2026-1122-01"


def test_the_overview_says_what_burns_and_what_i_do_first(page: Page) -> None:
    test = page("lin")
    assert not test.exception
    said = words_of(test)
    assert "一件橙色仍在涨，一件黄色没人接" in said
    assert "约 3,400" in said and "80%：" in said
    assert "2 个信源看不见" in said


def test_a_monitor_that_stands_still_is_said_above_the_calm(page: Page, place: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that begins, fails and begins again leaves its sources seen and its mentions unread."""
    monkeypatch.setattr(standing, "SETTLING_S", 0.0)
    with place.ledger.engine.begin() as c:
        c.execute(sa.update(t.mentions).values(saved_at=now.machine() - timedelta(minutes=9)))
        c.execute(sa.insert(t.work).values(kind="judge", mention_id=1, brand="lanye"))
    assert re.search(r"判读落后 .+：\d+ 项在等，现在的平静不可信", words_of(page("lin")))
    assert "判读落后" in words_of(page("lin", "views/watch.py"))


def test_taking_over_on_the_overview_stops_the_escalation(page: Page, place: Desk) -> None:
    test = page("lin")
    alone = next(one for one in place.ledger.incidents.open() if one.acked_by is None and one.grade == 2)
    test.button(key=f"take_{alone.id}").click().run()
    taken = place.ledger.incidents.one(alone.id)
    assert taken is not None and taken.acked_by == "lin" and taken.next_step_at is None
    assert "没人接" not in words_of(test)


def test_a_viewer_sees_no_button_to_take_over(page: Page) -> None:
    test = page("he")
    assert not [button for button in test.button if button.key and button.key.startswith("take_")]


def test_new_incidents_wait_behind_a_button(page: Page, place: Desk) -> None:
    test = page("lin")
    fresh = world.story(place.ledger, place.settings, (world.FRESH,), at=world.NOON)
    number = world.grow(place.ledger, place.settings, fresh, world.Grade.ORANGE, ("harm",), at=world.NOON, final=90, observed=30)
    place.kept.clear()
    test.run()
    assert f"row_{number}" not in str(test.main)
    assert "新到 1 件" in test.button(key="show_fresh").label
    test.button(key="show_fresh").click().run()
    assert number in test.session_state["order"]


def test_the_guide_goes_when_it_is_dismissed(page: Page, place: Desk) -> None:
    test = page("lin")
    test.button(key="guide_close").click().run()
    assert place.ledger.people.preference("lin", "guide") == "seen"
    assert "写上证据打勾" not in words_of(test)


def test_the_room_shows_why_who_and_every_line(page: Page) -> None:
    test = page("lin", "views/room.py", n=BRAKES)
    assert not test.exception
    said = words_of(test)
    for wanted in ("为什么是橙", "为什么不更高", "接手有效到", "首次回应", "权威证实", "没有证据不能打勾"):
        assert wanted in said, wanted


@pytest.mark.parametrize(("tab", "wanted"), [("代表帖", "<mark>刹车踩下去是硬的，一脚到底没反应</mark>"), ("时间线", "由黄升橙"), ("已告知", "已送达")])
def test_each_tab_shows_what_its_name_says(page: Page, tab: str, wanted: str) -> None:
    test = page("lin", "views/room.py", n=BRAKES, tab=tab)
    assert not test.exception and wanted in words_of(test)


def open_line(test: AppTest, place: Desk) -> int:
    incident = place.ledger.incidents.by_number(BRAKES)
    assert incident is not None
    task = next(task for task in place.ledger.incidents.tasks(incident) if task.done_at is None)
    test.button(key=f"opener_{task.id}").click().run()
    return task.id


def task_now(place: Desk, task_id: int) -> object:
    incident = place.ledger.incidents.by_number(BRAKES)
    assert incident is not None
    return next(task for task in place.ledger.incidents.tasks(incident) if task.id == task_id)


def test_a_line_is_ticked_with_its_evidence_only(page: Page, place: Desk) -> None:
    test = page("lin", "views/room.py", n=BRAKES)
    task_id = open_line(test, place)
    submit(test, f"tick_{task_id}").click().run()
    assert "写上证据才能打勾" in words_of(test)
    test.text_area(key=f"proof_{task_id}").set_value("回执 12 号，09:40")
    submit(test, f"tick_{task_id}").click().run()
    assert task_now(place, task_id).done_by == "lin"  # type: ignore[attr-defined]
    assert "回执 12 号" in words_of(test)


def submit(test: AppTest, form: str) -> object:
    return next(button for button in test.get("form_submit_button") if button.proto.form_id == form)


def test_two_people_on_one_line_the_second_sees_what_the_first_did(page: Page, place: Desk) -> None:
    test = page("lin", "views/room.py", n=BRAKES)
    task_id = open_line(test, place)
    place.ledger.incidents.finish_task(task_id, task_now(place, task_id).version, person="shen", evidence={"text": "沈禾先做了"}, waived=None, world=now.world())  # type: ignore[attr-defined]
    test.text_area(key=f"proof_{task_id}").set_value("我也做了")
    submit(test, f"tick_{task_id}").click().run()
    said = words_of(test)
    assert "刚才有别人改过" in said and "沈禾先做了" in said
    assert task_now(place, task_id).done_by == "shen"  # type: ignore[attr-defined]


def test_a_tick_can_be_taken_back(page: Page, place: Desk) -> None:
    test = page("lin", "views/room.py", n=BRAKES)
    incident = place.ledger.incidents.by_number(BRAKES)
    assert incident is not None
    done = next(task for task in place.ledger.incidents.tasks(incident) if task.done_at is not None)
    test.button(key=f"opener_{done.id}").click().run()
    test.button(key=f"undo_{done.id}").click().run()
    assert task_now(place, done.id).done_at is None  # type: ignore[attr-defined]


def test_a_line_may_be_waived_by_whoever_may_sign_for_it(page: Page, place: Desk) -> None:
    assert not [one for one in page("lu", "views/room.py", n=BRAKES).text_input if str(one.key).startswith("waiver_")]
    test = page("lin", "views/room.py", n=BRAKES)
    task_id = open_line(test, place)
    test.text_input(key=f"waiver_{task_id}").set_value("当事人已书面表示不需要")
    submit(test, f"waive_{task_id}").click().run()
    assert task_now(place, task_id).waived == "当事人已书面表示不需要"  # type: ignore[attr-defined]


def test_an_unknown_incident_is_said_not_thrown(page: Page) -> None:
    test = page("lin", "views/room.py", n="<script>")
    assert not test.exception and "没有编号为 &lt;script&gt; 的事件" in words_of(test)


def test_search_finds_by_phrase_and_marks(page: Page) -> None:
    test = page("lin", "views/search.py")
    test.text_input(key="q").set_value("刹车 没反应").run()
    said = words_of(test)
    assert not test.exception and "找到 1 条" in said and "山路慢慢开" in said


def test_alerts_are_rated(page: Page, place: Desk) -> None:
    test = page("lin", "views/telling.py")
    sent = next(one for one in place.ledger.outbox.newest() if one.sent_at is not None)
    test.button(key=f"right_{sent.id}").click().run()
    assert next(one for one in place.ledger.outbox.newest() if one.id == sent.id).rating == "right"
    assert "已评对" in words_of(test)


def test_sources_say_since_when_they_are_blind(page: Page) -> None:
    said = words_of(page("lin", "views/watch.py"))
    assert "429 Too Many Requests" in said and "09:12" in said and "被拦截" in said


def test_an_ended_session_shows_nothing_but_the_way_in(page: Page, place: Desk) -> None:
    test = page("lin")
    with place.ledger.engine.begin() as c:
        c.exec_driver_sql("UPDATE sessions SET revoked_at = 1")
    test.run()
    said = words_of(test)
    assert "会话已结束" in said and "岚野" not in said


def test_calm_is_said_and_proved(place: Desk, page: Page) -> None:
    with place.ledger.engine.begin() as c:
        c.exec_driver_sql("DELETE FROM incidents")
    said = words_of(page("lin"))
    assert "现在一切平常" in said or "没有事件" in said
    assert "四个等级怎么用" in said and "示例，不是真事" in said


def test_sources_say_what_is_wrong_with_the_search_index(page: Page, place: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "检索库" not in words_of(page("lin", "views/watch.py"))
    place.kept.clear()
    monkeypatch.setattr(type(place.archive()), "faults", lambda _: [Fault(code="blocked", values={"index": "yujing-mentions-2026.11-g1"})])
    said = words_of(page("lin", "views/watch.py"))
    assert "yujing-mentions-2026.11-g1 被设为只读" in said and "请腾出空间" in said

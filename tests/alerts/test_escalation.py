from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.blindness import told_of
from alerts.escalation import check, telling, weak_points
from alerts.quiet import hush
from incidents.model import Grade, Health, Reason
from incidents.settings import Settings
from incidents.store.sources import SourceState
from tests.alerts.builders import HOUR, MINUTE, PEOPLE, T0, settings_in


def people(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": row["login"], **row} for row in rows]


def test_roles_become_people_at_every_step(tmp_path: Path) -> None:
    chains = telling(settings_in(tmp_path)).chains
    assert [step.people for step in chains[Grade.ORANGE]] == [("lin",), ("shen",), ("zhou",)]
    assert [step.people for step in chains[Grade.RED]] == [("lin", "shen"), ("zhou",), ("lin", "gu", "shen", "zhou")]
    assert [step.after for step in chains[Grade.YELLOW]] == [timedelta(0), HOUR]


def test_a_role_that_nobody_holds_falls_to_coordinator_admin_anybody(tmp_path: Path) -> None:
    def first(*rows: dict[str, Any]) -> tuple[str, ...]:
        return telling(settings_in(tmp_path, people=people(*rows))).chains[Grade.BLUE][0].people

    mute = {"login": "mute", "roles": ["duty"], "channels": []}  # has the role, but no channel
    assert first(mute, {"login": "a", "roles": ["admin"], "channels": ["ding"]}, {"login": "c", "roles": ["coordinator"], "channels": ["ding"]}) == ("c",)
    assert first(mute, {"login": "a", "roles": ["admin"], "channels": ["ding"]}) == ("a",)
    assert first(mute, {"login": "v", "roles": ["viewer"], "channels": ["ding"]}, {"login": "w", "channels": ["ding"]}) == ("v",)
    assert first(mute) == ()


def test_orange_rings_on_every_channel_yellow_on_the_best(tmp_path: Path) -> None:
    who = telling(settings_in(tmp_path))
    assert [one.channel for one in who.to(["lin"], Grade.ORANGE)] == ["ding", "hook"]
    assert [(one.channel, one.mobile) for one in who.to(["lin", "lin"], Grade.YELLOW)] == [("ding", "13800000001")]
    assert who.keepers == ("lin",)


@pytest.mark.parametrize(("changes", "word"), [
    (dict(channels=[], people=[]), "没有设置任何渠道"), (dict(people=[]), "没有设置任何人"), (dict(people=people({"login": "x", "roles": ["duty"]})), "没有人在值班"),
    (dict(channels=[{"id": "ding", "kind": "pigeon"}, {"id": "hook", "kind": "webhook", "url": "http://h.example/"}]), "没有 pigeon 这种渠道"),
    (dict(channels=[{"id": "ding", "kind": "dingtalk"}, {"id": "hook", "kind": "console"}]), "必须写 url"),
    (dict(channels=[{"id": "ding", "kind": "console"}, {"id": "hook", "kind": "webhook", "url": "secret:not_there"}]), "YUJING_SECRET_NOT_THERE"),
])
def test_what_would_keep_alerts_from_anybody_is_named(tmp_path: Path, changes: dict[str, Any], word: str) -> None:
    assert [line for line in check(settings_in(tmp_path, **changes)) if word in line]


def test_a_working_set_up_has_no_problem_but_its_weak_points_are_said(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    assert check(settings) == []
    said = weak_points(settings)
    assert any("shen" in line and "只有一个渠道" in line for line in said) and any("zhou 没有手机号" in line for line in said)
    assert any("lead" in line and "lin" in line for line in weak_points(settings_in(tmp_path, people=[row for row in PEOPLE if row["login"] != "gu"])))


def at(clock: str, day: int = 20) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


@pytest.mark.parametrize(("clock", "until"), [("21:59", None), ("22:00", at("07:30", 21)), ("23:59", at("07:30", 21)), ("00:00", at("07:30")), ("07:29", at("07:30")), ("07:30", None), ("12:00", None)])
def test_blue_and_yellow_wait_for_the_morning(tmp_path: Path, clock: str, until: datetime | None) -> None:
    settings = settings_in(tmp_path)
    for grade in (Grade.BLUE, Grade.YELLOW):
        held = hush(grade, settings, at(clock))
        assert (held.until if held else None) == until and (held is None or held.why == "quiet_hours")
    assert hush(Grade.ORANGE, settings, at(clock)) is None and hush(Grade.RED, settings, at(clock)) is None


def test_quiet_hours_within_one_day_and_none_at_all(tmp_path: Path) -> None:
    noon = settings_in(tmp_path, quiet={"begin": "12:00", "end": "14:00"})
    held = hush(Grade.BLUE, noon, at("13:00"))
    assert held is not None and held.until == at("14:00") and hush(Grade.BLUE, noon, at("23:00")) is None
    assert hush(Grade.BLUE, settings_in(tmp_path, quiet={"begin": "08:00", "end": "08:00"}), at("08:00")) is None


def source(health: Health = Health.BLOCKED, since: datetime | None = T0) -> SourceState:
    return SourceState(id="f", name="茶友论坛", kind="discuz", platform="forum", tier="online", url="http://f.example/", health=health, health_reason="403", health_since=since,
                       fetched_at=None, good_at=None, newest_at=None, next_try_at=None, failures=1, interval_s=None, requests_today=0, day=None, validators={})


def test_a_blind_source_is_told_once_to_those_who_mend_it(tmp_path: Path) -> None:
    settings: Settings = settings_in(tmp_path)
    first, later = (list(told_of([source()], telling(settings), T0 + after)) for after in (5 * MINUTE, 9 * HOUR))
    assert [(one["receiver"].person, one["reason"], one["receiver"].channel) for one in first] == [("lin", Reason.BLIND, "ding")]
    assert [one["key"] for one in first] == [one["key"] for one in later]
    assert list(told_of([source()], telling(settings), T0 + MINUTE)) == []  # a hiccup
    assert list(told_of([source(Health.FINE), source(Health.NEW), source(since=None)], telling(settings), T0 + HOUR)) == []

"""A monitor that stands still is told once, by those who still run, and rings at night."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from alerts.escalation import telling
from alerts.standing import told_of
from alerts.templates import render
from incidents.i18n import speak
from incidents.model import Grade, Reason
from incidents.store.standing import Standstill
from tests.alerts.builders import T0, row, settings_in


def stood(role: str, minutes: int = 7) -> Standstill:
    return Standstill(role=role, age=timedelta(minutes=minutes), waiting=44, mark="17")


def test_looking_again_tells_nothing_new_and_another_standstill_is_told_anew(tmp_path: Path) -> None:
    who = telling(settings_in(tmp_path))
    first, again = ([one["key"] for one in told_of([stood("judge", minutes)], who, T0)] for minutes in (4, 40))
    assert first == again != [] and [one["key"] for one in told_of([stood("crawl")], who, T0)] != first


def test_it_goes_to_those_who_keep_the_monitor_as_an_orange_alert(tmp_path: Path) -> None:
    who = telling(settings_in(tmp_path))
    made = list(told_of([stood("judge")], who, T0))
    assert {one["receiver"].person for one in made} == set(who.keepers) and {one["grade"] for one in made} == {Grade.ORANGE}


def test_nobody_is_told_by_those_who_do_not_tell(tmp_path: Path) -> None:
    assert not list(told_of([stood("tell")], telling(settings_in(tmp_path)), T0))


@pytest.mark.parametrize("role", ["judge", "crawl"])
@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "en"])
def test_the_message_says_since_when_and_how_many_wait(tmp_path: Path, role: str, language: str) -> None:
    (made, *_) = told_of([stood(role)], telling(settings_in(tmp_path)), T0)
    speak(language)
    try:
        said = render(row(reason=Reason.STANDSTILL, grade=Grade.ORANGE, body=made["body"], incident_id=None), None, settings_in(tmp_path), T0)
    finally:
        speak(None)
    assert "44" in said.markdown and "yujing doctor" in said.markdown and "{" not in said.markdown + said.title
    assert said.mention == row().receiver.mobile

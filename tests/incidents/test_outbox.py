from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from incidents.model import Grade, Reason, Receiver
from tests.incidents.builders import T0, ledger_in


def test_no_minute_sees_more_than_the_provider_allows(tmp_path: Path) -> None:
    ledger, at, taken = ledger_in(tmp_path), T0, []
    while at < T0 + timedelta(minutes=5):
        wait = ledger.outbox.take_token("ding", 20, at)
        if not wait:
            taken.append(at)
        at += max(wait, timedelta(milliseconds=50))
    busiest = max(sum(start <= other < start + timedelta(minutes=1) for other in taken) for start in taken)
    assert busiest <= 20 and len(taken) >= 70


def test_a_banned_robot_is_left_alone(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    ledger.outbox.ban("ding", T0 + timedelta(minutes=10))
    assert ledger.outbox.take_token("ding", 20, T0) == timedelta(minutes=10)


def test_red_first_and_of_a_grade_what_is_new_before_reminders(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    for grade, reason in ((Grade.YELLOW, Reason.CLOCK), (Grade.YELLOW, Reason.FIRST), (Grade.ORANGE, Reason.REPEAT), (Grade.ORANGE, Reason.STEP)):
        ledger.outbox.add(incident_id=None, grade=grade, reason=reason, receiver=Receiver(person="lin", channel="ding", mobile=None), body={}, due_at=T0, world=T0, key=reason.value)
    claimed = [ledger.outbox.claim("t", world=T0, machine=T0, lasts=timedelta(minutes=1), limit=1)[0].reason for _ in range(4)]
    assert claimed == [Reason.STEP, Reason.REPEAT, Reason.FIRST, Reason.CLOCK]

"""What stands still is told from a backlog, from a slow provider and from a machine that just woke up."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from incidents import now
from incidents.codes import Grade, Reason
from incidents.model import Receiver
from incidents.store import standing
from incidents.store import tables as t
from incidents.store.ledger import Ledger
from tests.incidents.builders import T0, ledger_in, mention, save, score

MINUTE = timedelta(minutes=1)


def roles(ledger: Ledger) -> dict[str, int]:
    return {one.role: one.waiting for one in standing.look(ledger.engine, world=T0, machine=now.machine())}


def aged(ledger: Ledger, age: timedelta) -> None:
    with ledger.engine.begin() as c:
        c.execute(sa.update(t.mentions).values(saved_at=now.machine() - age))


def test_mentions_that_nobody_judges_are_a_standstill_after_a_while(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"), mention("2"))
    assert roles(ledger) == {}
    aged(ledger, 4 * MINUTE)
    assert roles(ledger) == {"judge": 2}


def test_a_backlog_that_somebody_works_on_is_none(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"), mention("2"))
    aged(ledger, 4 * MINUTE)
    ledger.work.claim("judge", "j", machine=now.machine(), lasts=MINUTE, limit=1)
    assert "judge" not in roles(ledger)
    aged(ledger, 7 * MINUTE)
    assert "judge" in roles(ledger)  # whoever holds it does not end it


def test_a_story_that_nobody_decides_is_one(tmp_path: Path) -> None:
    """The forecaster cannot be read: mentions are judged and placed, and no incident ever opens."""
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    ledger.work.save_scores([score(1)], T0)
    ledger.stories.place(ledger.work.claim("place", "j", machine=now.machine(), lasts=MINUTE), T0)
    assert roles(ledger) == {}
    with ledger.engine.begin() as c:
        c.execute(sa.update(t.stories).values(stirred_saved_at=now.machine() - 9 * MINUTE))
    assert roles(ledger) == {"judge": 1}


def test_what_was_set_aside_makes_none(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    aged(ledger, 60 * MINUTE)
    ledger.work.set_aside("judge", 1, "wudao", "9 MB")
    assert "judge" not in roles(ledger)


def test_clocks_that_nobody_leads_are_one_though_nothing_waits(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    ledger.lead("timetable", "j", now.machine() - 10 * MINUTE, MINUTE)
    assert roles(ledger) == {"judge": 0}
    ledger.lead("timetable", "j", now.machine(), MINUTE)
    assert roles(ledger) == {}


def test_alerts_that_nobody_sends_are_one_and_a_provider_that_asked_to_wait_is_not(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    ledger.outbox.add(incident_id=None, grade=Grade.RED, reason=Reason.BLIND, receiver=Receiver(person="lin", channel="ding"), body={}, due_at=T0 - 5 * MINUTE, world=T0, key="k")
    assert roles(ledger) == {"tell": 1}
    with ledger.engine.begin() as c:
        c.execute(sa.update(t.outbox).values(not_before=now.machine() + MINUTE))
    assert roles(ledger) == {}

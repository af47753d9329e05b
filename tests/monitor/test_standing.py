"""The process that sends watches those that judge and crawl: one standstill is one alert a receiver, told at the second look."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from incidents import now
from incidents.store import tables as t
from incidents.store.ledger import Ledger
from monitor import processes
from monitor.processes import Stop
from tests.incidents.builders import ledger_in, mention, save, settings_in


def told(ledger: Ledger) -> list[tuple[str, str]]:
    """Reason and role of every alert."""
    with ledger.engine.connect() as c:
        return [(row.reason, row.body["role"]) for row in c.execute(sa.select(t.outbox.c.reason, t.outbox.c.body))]


def test_a_judge_that_never_comes_up_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STANDING_EVERY", 0.02)
    ledger, stop = ledger_in(tmp_path), Stop(event=threading.Event())
    save(ledger, mention("1"))
    with ledger.engine.begin() as c:
        c.execute(sa.update(t.mentions).values(saved_at=now.machine() - timedelta(minutes=5)))
    watching = threading.Thread(target=processes._watch_the_watchers, args=(settings_in(tmp_path), ledger, stop))
    watching.start()
    deadline = time.monotonic() + 5
    while len(told(ledger)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)  # a dozen more looks
    stop.event.set()
    watching.join(timeout=5)
    assert sorted(told(ledger)) == [("standstill", "crawl"), ("standstill", "judge")]  # nobody crawls here either

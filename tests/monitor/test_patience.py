"""No process ends because the ledger is busy or full; each ends, to be begun anew, when the disk or the file is at fault."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from incidents.errors import LedgerBusy, LedgerDamaged, LedgerError, LedgerFailed, LedgerFull
from monitor import processes
from monitor.processes import Stop, patiently, repeat
from monitor.supervisor import Supervisor
from tests.incidents.builders import ledger_in, settings_in


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PAUSE_AFTER_FAULT", 0.01)
    monkeypatch.setattr(processes, "PAUSE", 0.01)


def failing(stop: Stop, *faults: Exception) -> Callable[[], int]:
    """A step that fails so often, then succeeds and tells to stop."""
    left = list(faults)

    def one() -> int:
        if left:
            raise left.pop(0)
        stop.event.set()
        return 1

    return one


def test_a_loop_survives_a_busy_and_a_full_ledger_and_faults_of_ours() -> None:
    stop = Stop(event=threading.Event())
    repeat("t", failing(stop, LedgerBusy("b"), LedgerFull("f"), ValueError("ours")), stop)
    assert stop


@pytest.mark.parametrize("fault", [LedgerFailed("eio"), LedgerDamaged("page")])
def test_a_loop_ends_when_the_disk_or_the_file_is_at_fault(fault: Exception) -> None:
    stop = Stop(event=threading.Event())
    with pytest.raises(type(fault)):
        repeat("t", failing(stop, fault), stop)


def test_opening_waits_while_it_is_busy_but_not_for_what_time_does_not_mend() -> None:
    stop = Stop(event=threading.Event())
    assert patiently("t", failing(stop, LedgerBusy("b"), LedgerFull("f")), stop) == 1
    with pytest.raises(LedgerError):
        patiently("t", failing(stop, LedgerError("newer")), Stop(event=threading.Event()))
    assert patiently("t", failing(stop, LedgerError("wrong version")), Stop(event=threading.Event()), forever=True) == 1


def test_the_supervisor_survives_a_busy_ledger(tmp_path: Path) -> None:
    ledger_in(tmp_path).close()
    supervisor = Supervisor(settings=settings_in(tmp_path), settings_path=tmp_path / "yujing.toml")

    def busy() -> None:
        raise LedgerBusy("another writer")

    supervisor._try(busy)

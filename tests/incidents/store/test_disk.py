"""No room, a disk that fails, a writer that does not end."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from incidents.errors import LedgerBusy, LedgerDamaged, LedgerError, LedgerFailed, LedgerFull
from incidents.model import Grade, OutboxState, Reason, Receiver
from incidents.store import engine as engines
from incidents.store.ledger import Ledger, file_of, open_ledger
from incidents.store.reserve import Reserve
from tests.incidents.builders import MINUTE, T0, ledger_in, mention, save, settings_in

ROOT = Path(__file__).parents[3]
LING = Receiver(person="lin", channel="ding")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MiB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be mounted by root only")
    ledger_in(folder).close()
    open_ledger(settings_in(folder), thorough=True).close()  # as the supervisor does: the reserve is made
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def alert(ledger: Ledger, key: str) -> None:
    ledger.outbox.add(incident_id=None, grade=Grade.RED, reason=Reason.FIRST, receiver=LING, body={"text": "雾岛茶" * 300}, due_at=T0, world=T0, key=key)


def told(ledger: Ledger) -> int:
    """What a sender does: claim, send, record."""
    rows = ledger.outbox.claim("t", world=T0, machine=T0, lasts=MINUTE, limit=100)
    for row in rows:
        ledger.outbox.settle(row, OutboxState.SENT, answer="ok", text="雾岛茶" * 300, world=T0, machine=T0)
    return len(rows)


def fill(folder: Path, leave: int = 0) -> Path:
    """What another program does to the disk."""
    junk = folder / "junk"
    with junk.open("ab") as out:
        while (free := shutil.disk_usage(folder).free) > leave:
            try:
                out.write(b"x" * min(65536, free - leave))
                out.flush()
            except OSError:
                break
    return junk


def test_what_comes_in_waits_while_alerts_go_on_and_all_resumes(small_disk: Path) -> None:
    ledger, stored = ledger_in(small_disk), 0
    fill(small_disk, leave=8 * 2**20)
    with pytest.raises(LedgerFull, match="alerts go on"):
        for number in range(10_000):
            stored += save(ledger, mention(str(number), "雾岛茶" + "好" * 20_000)).stored
    assert stored > 20
    junk = fill(small_disk)
    for number in range(100):
        alert(ledger, f"a{number}")
    assert told(ledger) == 100
    with pytest.raises(LedgerFull):
        save(ledger, mention("late"))
    junk.unlink()
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    assert save(ledger, mention("late")).stored == 1 and Reserve(file_of(ledger.engine)).there()  # type: ignore[arg-type]
    assert len(ledger.door.known([mention(str(n)).key for n in range(stored)])) == stored


def test_a_write_that_meets_the_end_of_the_disk_is_not_acknowledged_and_the_next_has_the_reserve(small_disk: Path) -> None:
    ledger = ledger_in(small_disk)
    reserve = Reserve(file_of(ledger.engine))  # type: ignore[arg-type]
    fill(small_disk, leave=reserve.size() // 3)  # more than the mark at which it is given back before a write
    with pytest.raises(LedgerFull), engines.writing(ledger.engine) as c:
        for number in range(200):
            c.exec_driver_sql("INSERT INTO meta VALUES (?, ?)", (f"n{number}", "x" * 100_000))
    assert not reserve.there()
    alert(ledger, "a")
    assert told(ledger) == 1


def test_a_full_disk_at_start_is_said_and_alerts_are_still_told(small_disk: Path) -> None:
    ledger = ledger_in(small_disk)
    alert(ledger, "a")
    ledger.close()
    fill(small_disk)
    again = open_ledger(settings_in(small_disk))
    assert told(again) == 1


class Shrinking(Reserve):
    """A reserve on a disk whose free bytes the test sets."""

    left = 0

    def free(self) -> int:
        return self.left

    def size(self) -> int:
        return 4096


def test_the_reserve_is_made_given_back_and_made_again(tmp_path: Path) -> None:
    reserve = Shrinking(tmp_path / "ledger.sqlite")
    for left, there in ((8191, False), (8192, True), (1024, True), (1023, False), (8191, False), (8192, True)):
        reserve.left = left
        reserve.before_write()
        assert reserve.keep() is there or left < 4096
        assert reserve.there() is there, left


@pytest.mark.parametrize(("code", "ours"), [
    ("SQLITE_BUSY", LedgerBusy), ("SQLITE_BUSY_SNAPSHOT", LedgerBusy), ("SQLITE_LOCKED", LedgerBusy), ("SQLITE_FULL", LedgerFull), ("SQLITE_CORRUPT", LedgerDamaged),
    ("SQLITE_NOTADB", LedgerDamaged), ("SQLITE_IOERR_FSYNC", LedgerFailed), ("SQLITE_CANTOPEN", LedgerError), ("SQLITE_ERROR", LedgerError)])
def test_every_fault_of_the_file_is_one_of_ours(tmp_path: Path, code: str, ours: type[Exception]) -> None:
    fault = sqlite3.OperationalError("said by sqlite")
    fault.sqlite_errorname = code
    found = engines._named(engines.open_engine(f"sqlite:///{tmp_path}/x"), OperationalError("INSERT", {}, fault))
    assert type(found) is ours


def test_after_the_disk_failed_this_process_acknowledges_nothing_more(tmp_path: Path) -> None:
    ledger, fault = ledger_in(tmp_path), sqlite3.OperationalError("disk I/O error")
    fault.sqlite_errorname = "SQLITE_IOERR_FSYNC"
    with pytest.raises(LedgerFailed), engines.writing(ledger.engine):
        raise OperationalError("COMMIT", {}, fault)
    with pytest.raises(LedgerFailed, match="writes nothing more"):
        save(ledger, mention("1"))
    assert save(ledger_in(tmp_path), mention("1")).stored == 1  # opened anew, as by a new process


def test_a_long_writer_is_waited_for_within_bounds_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_MS", 300)
    ledger = ledger_in(tmp_path)
    with sqlite3.connect(file_of(ledger.engine), isolation_level=None) as other:  # type: ignore[arg-type]
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        with pytest.raises(LedgerBusy):
            save(ledger, mention("1"))
        assert 0.2 < time.monotonic() - begun < 3
        assert ledger.work.waiting() == {} and open_ledger(settings_in(tmp_path)).outbox.newest() == []  # readers and new processes do not wait
        other.execute("COMMIT")
    assert save(ledger, mention("1")).stored == 1


def test_a_writer_that_ends_in_time_delays_only(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    with sqlite3.connect(file_of(ledger.engine), isolation_level=None, check_same_thread=False) as other:  # type: ignore[arg-type]
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.4, lambda: other.execute("COMMIT")).start()
        assert save(ledger, mention("1")).stored == 1


def test_what_became_of_an_alert_is_recorded_even_behind_a_long_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_MS", 100)
    ledger = ledger_in(tmp_path)
    alert(ledger, "a")
    (row,) = ledger.outbox.claim("t", world=T0, machine=T0, lasts=MINUTE)
    with sqlite3.connect(file_of(ledger.engine), isolation_level=None, check_same_thread=False) as other:  # type: ignore[arg-type]
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.5, lambda: other.execute("COMMIT")).start()
        ledger.outbox.settle(row, OutboxState.SENT, answer="ok", world=T0, machine=T0)
    assert ledger.outbox.newest()[0].state == OutboxState.SENT


ACKNOWLEDGES = """
    import sys
    from pathlib import Path
    from incidents.errors import YujingError
    from tests.incidents.builders import ledger_in, mention, save
    ledger = ledger_in(Path(sys.argv[1]))
    print("begun", flush=True)
    for number in range(200):
        try:
            save(ledger, mention(str(number)))
            print("ack", number, flush=True)
        except YujingError as error:
            print(type(error).__name__, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("when", ["90", "90+"])
def test_nothing_is_acknowledged_after_an_fsync_error(tmp_path: Path, when: str) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    traced = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"inject=fdatasync,fsync:error=EIO:when={when}", sys.executable, "-c", textwrap.dedent(ACKNOWLEDGES), str(tmp_path)]
    said = subprocess.run(traced, cwd=ROOT, capture_output=True, text=True, check=False).stdout.splitlines()
    if "begun" not in said:
        pytest.skip("strace may not trace here")
    fault = said.index("LedgerFailed")
    assert said.count("LedgerFailed") == len(said) - fault and fault > 5
    acknowledged = {mention(line.split()[1]).key for line in said if line.startswith("ack")}
    assert acknowledged <= set(open_ledger(settings_in(tmp_path)).door.known(acknowledged))

from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path

import pytest

from incidents.errors import LedgerDamaged, LedgerError
from incidents.store import damage
from incidents.store.ledger import open_ledger
from tests.incidents.builders import ledger_in, mention, save, settings_in
from tests.incidents.store import children


def file_in(folder: Path) -> Path:
    return settings_in(folder).data / "ledger.sqlite"


def closed(folder: Path, mentions: int = 200) -> Path:
    ledger = ledger_in(folder)
    save(ledger, *(mention(str(n), f"雾岛茶第 {n} 杯" + "好" * 300) for n in range(mentions)))
    ledger.close()
    return file_in(folder)


def killed(folder: Path) -> Path:
    """A ledger whose last commits are in the write-ahead log only."""
    def work() -> None:
        ledger = ledger_in(folder)
        for number in range(20):
            save(ledger, mention(str(number)))
        children.die()

    assert children.run(work) == -signal.SIGKILL
    return file_in(folder)


def refused(folder: Path, match: str) -> None:
    with pytest.raises(LedgerDamaged, match=match) as caught:
        open_ledger(settings_in(folder))
    assert "yujing restore FILE" in str(caught.value)


def test_a_ledger_that_is_gone_or_empty_is_never_begun_anew(tmp_path: Path) -> None:
    file = closed(tmp_path)
    file.write_bytes(b"")
    refused(tmp_path, "is gone, and there was one")
    file.unlink()
    refused(tmp_path, "is gone, and there was one")
    assert not file.exists()
    damage.mark_of(file).unlink()  # the way that the sentence names
    assert open_ledger(settings_in(tmp_path)).engine


def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    file = closed(tmp_path)
    file.write_bytes(b"\0" * 4096 + file.read_bytes()[4096:])
    refused(tmp_path, "first bytes")


def test_a_database_of_another_program_is_not_taken_over(tmp_path: Path) -> None:
    file_in(tmp_path).parent.mkdir(parents=True)
    with sqlite3.connect(file_in(tmp_path)) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    with pytest.raises(LedgerError, match="another program"):
        open_ledger(settings_in(tmp_path))


def test_a_ledger_cut_short_is_seen(tmp_path: Path) -> None:
    file = closed(tmp_path)
    os.truncate(file, file.stat().st_size // 2)
    refused(tmp_path, "lost its end")


@pytest.mark.parametrize("page", [2, 11, 30])
def test_a_corrupt_page_is_seen_at_start(tmp_path: Path, page: int) -> None:
    file = closed(tmp_path)
    with file.open("r+b") as out:
        out.seek((page - 1) * 4096)
        out.write(os.urandom(4096))
    refused(tmp_path, "damaged")


def test_after_a_kill_nothing_is_missed(tmp_path: Path) -> None:
    killed(tmp_path)
    assert len(open_ledger(settings_in(tmp_path)).door.known([mention(str(n)).key for n in range(20)])) == 20


@pytest.mark.parametrize(("harm", "said"), [("cut", "cut short"), ("gone", "gone or empty"), ("empty", "gone or empty"), ("bit", "damaged at frame")])
def test_a_log_that_lost_what_was_acknowledged_is_seen(tmp_path: Path, harm: str, said: str) -> None:
    file = killed(tmp_path)
    wal = file.with_name("ledger.sqlite-wal")
    if harm == "cut":
        os.truncate(wal, wal.stat().st_size - 5000)
    elif harm == "gone":
        wal.unlink()
    elif harm == "empty":
        os.truncate(wal, 0)
    else:
        with wal.open("r+b") as out:
            out.seek(wal.stat().st_size - 2000)
            out.write(b"\xff\xfe\xfd")
    refused(tmp_path, said)


def test_a_live_ledger_is_never_called_damaged(tmp_path: Path) -> None:
    ledger_in(tmp_path).close()

    def write() -> None:
        ledger = ledger_in(tmp_path)
        for number in range(100):
            save(ledger, mention(str(number)))

    child = children.begin(write)
    for _ in range(15):
        open_ledger(settings_in(tmp_path)).close()
    assert children.end_of(child) == 0
    assert len(open_ledger(settings_in(tmp_path)).door.known([mention(str(n)).key for n in range(100)])) == 100


def test_looking_again_drops_no_lock_of_a_process_that_works(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))

    def others_see_it() -> bool:
        return children.run(lambda: os._exit(7 if damage.in_use(file_in(tmp_path)) else 0)) == 7

    assert others_see_it()
    open_ledger(settings_in(tmp_path)).close()
    assert others_see_it()

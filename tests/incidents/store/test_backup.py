from __future__ import annotations

import fcntl
import json
import sqlite3
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from incidents.errors import BackupRefused
from incidents.model import OutboxState
from incidents.store import backup as backups
from incidents.store import erasure
from incidents.store import tables as t
from incidents.store.backup import FORMAT, NOTE_BYTES, Note, read_note
from incidents.store.ledger import Ledger, open_ledger
from incidents.store.restore import Restored, restore
from tests.incidents.builders import HOUR, T0, ledger_in, mention, save, settings_in
from tests.incidents.store.test_retention import incident_on

LATER = T0 + 5 * HOUR


def back_up(ledger: Ledger, file: Path) -> Note:
    return backups.backup(ledger.engine, file, machine=T0, world=T0)


def bring_back(folder: Path, file: Path) -> tuple[Ledger, Restored]:
    done = restore(settings_in(folder), file, machine=LATER)
    return open_ledger(settings_in(folder)), done


def keys(ledger: Ledger) -> set[str]:
    with ledger.engine.connect() as c:
        return set(c.execute(sa.select(t.mentions.c.key)).scalars())


def test_what_was_there_comes_back_and_the_old_ledger_is_kept(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    note = back_up(ledger, tmp_path / "b.yujing")
    save(ledger, mention("2"))
    ledger.close()
    again, done = bring_back(tmp_path, tmp_path / "b.yujing")
    assert keys(again) == {"weibo:m.example:1"} and (note.mentions, note.schema) == (1, read_note(tmp_path / "b.yujing").schema)
    assert done.kept is not None
    with sqlite3.connect(done.kept) as old:
        assert old.execute("SELECT count(*) FROM mentions").fetchone() == (2,)


def test_a_backup_under_write_load_is_of_one_moment(tmp_path: Path) -> None:
    ledger, stop = ledger_in(tmp_path), threading.Event()

    def write() -> None:
        number = 0
        while not stop.wait(0.005):
            save(ledger, mention(f"w{number}"), mention(f"v{number}"))  # two in one transaction: both or neither
            number += 1

    save(ledger, *(mention(str(n), "雾岛茶" * 700) for n in range(60)))
    writer = threading.Thread(target=write)
    writer.start()
    steps: list[int] = []
    note = backups.backup(ledger.engine, tmp_path / "b", machine=T0, world=T0, progress=lambda what, done, of: steps.append(done))
    stop.set()
    writer.join()
    ledger.close()
    again, _ = bring_back(tmp_path, tmp_path / "b")
    found = keys(again)
    assert len(found) == note.mentions and len(found & {f"weibo:m.example:{n}" for n in range(60)}) == 60 and steps
    assert {k.replace(":w", ":v") for k in found if ":w" in k} == {k for k in found if ":v" in k}


@pytest.mark.parametrize(("harm", "said"), [
    (lambda b: b[: len(b) // 2], "cut short"),
    (lambda b: b[:-1], "cut short"),
    (lambda b: b[:5000] + bytes([b[5000] ^ 1]) + b[5001:], "altered"),
    (lambda b: b + b"x", "altered"),
    (lambda b: b[:200] + b"9" + b[201:], "note"),
    (lambda b: b[:100], "altered or cut short"),
    (lambda b: b"", "not a backup"),
    (lambda b: b"SQLite format 3\0" + b[16:], "not a backup"),
    (lambda b: b"YUJING-BACKUP 2\n" + b[16:], "newer"),
])
def test_a_file_that_is_not_whole_is_refused_and_nothing_changes(tmp_path: Path, harm, said: str) -> None:  # type: ignore[no-untyped-def]
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    back_up(ledger, tmp_path / "b")
    save(ledger, mention("2"))
    ledger.close()
    (tmp_path / "bad").write_bytes(harm((tmp_path / "b").read_bytes()))
    with pytest.raises(BackupRefused, match=said):
        restore(settings_in(tmp_path), tmp_path / "bad", machine=LATER)
    assert len(keys(open_ledger(settings_in(tmp_path)))) == 2
    assert not list(tmp_path.rglob("*restor*"))


def test_a_backup_of_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    back_up(ledger, tmp_path / "b")
    raw = (tmp_path / "b").read_bytes()
    note = read_note(tmp_path / "b")
    newer = backups._note_bytes(Note(**{**vars(note), "schema": 999}))
    (tmp_path / "n").write_bytes(FORMAT + newer + raw[len(FORMAT) + NOTE_BYTES :])
    with pytest.raises(BackupRefused, match="schema 999"):
        read_note(tmp_path / "n")


def test_it_is_refused_while_yujing_runs(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    back_up(ledger, tmp_path / "b")
    ledger.close()
    data = settings_in(tmp_path).data
    with (data / "supervisor.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BackupRefused, match="stop it"):
            restore(settings_in(tmp_path), tmp_path / "b", machine=LATER)


def test_it_is_refused_while_a_worker_started_by_hand_has_the_ledger(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    back_up(ledger, tmp_path / "b")
    ledger.close()
    code = f"import sqlite3; c = sqlite3.connect({str(settings_in(tmp_path).data / 'ledger.sqlite')!r}); c.execute('SELECT 1 FROM meta').fetchall(); print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None and worker.stdout.readline()
        with pytest.raises(BackupRefused, match="Another process"):
            restore(settings_in(tmp_path), tmp_path / "b", machine=LATER)
        worker.communicate(b"\n")


def test_restored_alerts_are_not_sent_again(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    number = incident_on(ledger)
    waiting = ledger.outbox.of_incident(number)
    assert waiting and all(row.state == OutboxState.PENDING for row in waiting)
    back_up(ledger, tmp_path / "b")
    ledger.close()
    again, done = bring_back(tmp_path, tmp_path / "b")
    assert done.expired == len(waiting)
    assert again.outbox.claim("t", world=LATER + 100 * HOUR, machine=LATER, lasts=HOUR) == []
    events = {event.kind: event.values for event in again.incidents.events(number)}
    assert events["alerts_expired"]["alerts"] == len(waiting) and "restored" in events


def test_an_open_incident_rings_again_only_after_people_had_their_time(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    incident_on(ledger)
    back_up(ledger, tmp_path / "b")
    ledger.close()
    again, done = bring_back(tmp_path, tmp_path / "b")
    assert done.incidents == 1 and again.incidents.overdue(LATER) == []
    assert again.incidents.overdue(LATER + timedelta(minutes=15)) != []


def test_what_was_erased_since_the_backup_stays_erased(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    back_up(ledger, tmp_path / "b")
    erasure.begin(ledger.engine, ledger.door.secret, erasure.meant(ledger.engine, ledger.door.secret, "weibo:u1"), "zhou", T0)
    while erasure.step(ledger.engine, T0):
        pass
    ledger.close()
    again, done = bring_back(tmp_path, tmp_path / "b")
    assert done.erased == 1 and done.erasures_known and keys(again) == {"erased:1"}
    assert save(again, mention("1")).stored == 0


def test_leases_and_sessions_of_the_past_are_void(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    ledger.fetches.lease("a", world=T0, machine=LATER, lasts=HOUR)
    secret = ledger.people.begin_session("lin", LATER)
    back_up(ledger, tmp_path / "b")
    ledger.close()
    again, _ = bring_back(tmp_path, tmp_path / "b")
    assert again.people.in_session(secret, LATER) is None
    assert len(again.fetches.lease("b", world=T0, machine=LATER, lasts=HOUR)) == 1


def test_a_damaged_ledger_is_replaced_and_kept(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    back_up(ledger, tmp_path / "b")
    ledger.close()
    file = settings_in(tmp_path).data / "ledger.sqlite"
    file.write_bytes(b"not a database at all" * 1000)
    again, done = bring_back(tmp_path, tmp_path / "b")
    assert len(keys(again)) == 1 and not done.erasures_known and done.kept is not None and done.kept.read_bytes().startswith(b"not a")


def test_a_backup_overwrites_nothing_is_private_and_is_remembered(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    note = back_up(ledger, tmp_path / "deep" / "b")
    assert (tmp_path / "deep" / "b").stat().st_mode & 0o777 == 0o600
    with pytest.raises(BackupRefused, match="overwrites nothing"):
        back_up(ledger, tmp_path / "deep" / "b")
    assert backups.last_backup(ledger.engine) == (tmp_path / "deep" / "b", T0)
    assert json.loads(json.dumps(vars(note)))["mentions"] == 0 and [p.name for p in (tmp_path / "deep").iterdir()] == ["b"]

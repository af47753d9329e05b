"""``yujing restore FILE``: the ledger as a backup holds it, in place of the one that is there.

Never over a running Yujing. The old ledger is kept beside the new one. What must not come back does not:
alerts that waited when the backup was made are expired (they may have been told since; an event on their
incident says so), leases and sessions are void, and erasures that were asked for since then are done again.
The caller then holds the archive against it (``reconcile``): it knows mentions that the restored ledger does not.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from incidents import now
from incidents.errors import BackupRefused, LedgerDamaged
from incidents.lifecycle import NewEvent
from incidents.model import Grade, OutboxState
from incidents.settings import Settings
from incidents.store import damage, erasure, migrations
from incidents.store import tables as t
from incidents.store.backup import Note, Progress, quiet, sync_folder, unpack
from incidents.store.engine import open_engine, reading, writing
from incidents.store.incidents import add_event

LOCK = "supervisor.lock"
ENDS = ("", "-wal", "-shm")
GRACE = timedelta(hours=1)  # where a grade has no time to acknowledge
WAITING = (OutboxState.PENDING.value, OutboxState.LEASED.value)


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What a restore did. ``kept`` is the ledger that was replaced, None where there was none."""

    note: Note
    expired: int  # alerts that waited when the backup was made
    incidents: int  # open incidents whose next ring was put off
    erased: int  # mentions that the backup brought back and that had been erased
    erasures_known: bool  # False: the replaced ledger could not be read, so what was erased since the backup is back
    kept: Path | None


def restore(settings: Settings, file: Path, *, machine: datetime, progress: Progress = quiet) -> Restored:
    """Put the ledger of a backup in place. Until the last step, a rename, nothing of the old one is touched.

    Raises:
        BackupRefused: Yujing runs here, or the file is no whole, unaltered backup that this version can read.
    """
    ledger = ledger_file(settings)
    ledger.parent.mkdir(parents=True, exist_ok=True)
    new = ledger.with_name(f"{ledger.name}.restoring")
    with alone(settings, ledger):
        for end in ENDS:
            new.with_name(new.name + end).unlink(missing_ok=True)
        try:
            note, erasures = unpack(file, new, progress), _tombstones(ledger)
            done = _calm(settings, new, note, erasures or [], machine)
            kept = _swap(ledger, new, machine)
            return Restored(note=note, kept=kept, erasures_known=erasures is not None, **done)
        finally:
            for end in ENDS:
                new.with_name(new.name + end).unlink(missing_ok=True)


def ledger_file(settings: Settings) -> Path:
    url = sa.engine.make_url(settings.ledger_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise BackupRefused("Only an SQLite ledger is backed up and restored here; for PostgreSQL use its own tools (pg_dump, pg_restore).")
    return Path(url.database)


@contextmanager
def alone(settings: Settings, ledger: Path) -> Iterator[None]:
    """Hold the supervisor's place, so that nothing starts meanwhile.

    Raises:
        BackupRefused: a supervisor runs in the folder, or another process has the ledger open.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    with (settings.data / LOCK).open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise BackupRefused(f"Yujing runs on {settings.data} (process {lock.read().strip() or '?'}): stop it, then restore.") from error
        if ledger.exists() and damage.in_use(ledger):
            raise BackupRefused(f"Another process has {ledger} open (a worker started by hand, or a database tool): end it, then restore.")
        yield


def _tombstones(ledger: Path) -> list[tuple[str, str]] | None:
    """What was erased by the word of the ledger that is replaced; None where it cannot be read."""
    if not ledger.exists():
        return []
    try:
        with closing(sqlite3.connect(ledger, isolation_level=None)) as db:
            db.execute("PRAGMA query_only=ON")
            return [(kind, digest) for kind, digest in db.execute("SELECT kind, digest FROM tombstones")]
    except sqlite3.DatabaseError:
        return None


def _calm(settings: Settings, new: Path, note: Note, kept: list[tuple[str, str]], machine: datetime) -> dict[str, int]:
    """Make the unpacked ledger fit to go on with: schema, alerts, leases, sessions, erasures."""
    engine = open_engine(f"sqlite:///{new}")
    try:
        damage.check_pages(engine)
        migrations.migrate(engine)
        world = _world(engine, settings, machine)
        with writing(engine) as c:
            expired = _expire_alerts(c, note, world)
            put_off = _put_off(c, settings, world)
            _void(c)
            c.execute(sa.insert(t.audit).values(at=world, who="yujing", what="restored", values={"made_at": note.made_at, "expired": expired}))
            secret = bytes.fromhex(c.execute(sa.select(t.meta.c.value).where(t.meta.c.name == "author_secret")).scalar_one())
        erased = erasure.carry_over(engine, secret, kept, world)
        erasure.finish(engine)
        return dict(expired=expired, incidents=put_off, erased=erased)
    except LedgerDamaged as error:
        raise BackupRefused("The ledger in this backup is damaged; nothing was changed. Use another backup.") from error
    finally:
        engine.dispose()


def _world(engine: Engine, settings: Settings, machine: datetime) -> datetime:
    """World time of the restored ledger: a drill's world goes on from where the backup left it."""
    with reading(engine) as c:
        row = c.execute(sa.select(t.clock)).mappings().first()
    real = settings.clock.origin is None and settings.clock.speed == 1.0
    return machine if row is None or real else row["reserved_until"]


def _expire_alerts(c: Connection, note: Note, world: datetime) -> int:
    """Alerts that waited at the time of the backup: told since, for all we know. They are not sent; their incidents say so."""
    o = t.outbox.c
    waiting = c.execute(sa.select(o.incident_id, sa.func.count()).where(o.state.in_(WAITING)).group_by(o.incident_id)).all()
    for incident_id, number in waiting:
        if incident_id is not None:
            add_event(c, incident_id, NewEvent(kind="alerts_expired", by="yujing", happened_at=world, values={"alerts": number, "backup": note.made_at}), world)
    c.execute(sa.update(t.outbox).where(o.state.in_(WAITING)).values(state=OutboxState.EXPIRED.value, lease_by=None, lease_until=None, answer=f"restored from the backup of {note.made_at}"))
    return sum(number for _, number in waiting)


def _put_off(c: Connection, settings: Settings, world: datetime) -> int:
    """Rings of open incidents that fell due since the backup wait for as long as the grade gives people to take over."""
    i, changed = t.incidents.c, 0
    for row in c.execute(sa.select(t.incidents).where(i.closed_at.is_(None))).mappings().all():
        later = world + (settings.grades.of(Grade(row["grade"]).code).acknowledge_within or GRACE)
        values = _later(row, world, later)
        add_event(c, row["id"], NewEvent(kind="restored", by="yujing", happened_at=world, values={"put_off": sorted(values)}), world)
        c.execute(sa.update(t.incidents).where(i.id == row["id"]).values(version=i.version + 1, **values))
        changed += bool(values)
    return changed


def _later(row: Mapping[Any, Any], world: datetime, later: datetime) -> dict[str, datetime]:
    return {name: later for name in ("next_step_at", "next_repeat_at", "ack_until") if row[name] is not None and row[name] <= world}


def _void(c: Connection) -> None:
    """Nobody holds a lease or a session of the past; a clock that ran stands until the supervisor runs it."""
    for table in (t.fetch_jobs, t.work, t.stories):
        c.execute(sa.update(table).where(table.c.lease_until.isnot(None)).values(lease_by=None, lease_until=None, token=table.c.token + 1))
    for table in (t.leases, t.sessions, t.login_links):
        c.execute(sa.delete(table))
    c.execute(sa.update(t.clock).where(t.clock.c.machine.isnot(None)).values(world=t.clock.c.reserved_until, machine=None))


def _swap(ledger: Path, new: Path, machine: datetime) -> Path | None:
    """The old ledger aside, the new one in its place: renames. A kill in between leaves none, which the mark beside it tells."""
    if any(new.with_name(new.name + end).exists() for end in ENDS[1:]):
        raise BackupRefused("The restored ledger could not be closed whole; nothing was changed. Try again.")
    kept = ledger.with_name(f"{ledger.stem}.before-restore-{now.shanghai(machine):%Y%m%d-%H%M%S}{ledger.suffix}") if ledger.exists() else None
    for end in (*ENDS[1:], ""):
        part = ledger.with_name(ledger.name + end)
        if part.exists() and kept is not None:
            part.replace(kept.with_name(kept.name + end))
        part.unlink(missing_ok=True)
    new.replace(ledger)
    sync_folder(ledger.parent)
    return kept

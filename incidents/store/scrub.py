"""After an erasure: its words leave the archive's segments, the free pages and the write-ahead logs, a bounded step at a time.

FTS5 does not take a deleted term out of the segment it stands in; it writes beside it that it is gone, and both
disappear when all segments are merged into one (sqlite.org/fts5.html, "The 'merge' Command": a negative number once,
then positive ones until nothing changes). What deletes and merges free is overwritten with zeros as it goes, since the
archive and this step write with ``secure_delete`` (sqlite.org/pragma.html#pragma_secure_delete). A file of up to ``LARGEST``
bytes is written anew as well (VACUUM). See docs/decisions/0005-sqlite-version.md.

Elasticsearch is not touched here: its deleted documents go with its own segment merges.
"""

from __future__ import annotations

import logging
import sqlite3
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Engine

from incidents import now
from incidents.store import erasure
from incidents.store import tables as t
from incidents.store.engine import reading, writing

log = logging.getLogger(__name__)

PAGES = 500  # of one merge: some 30 ms of the archive's writer
LARGEST = 2**29  # bytes of an archive that is written anew; a larger one would keep its writer waiting for minutes
TIMEOUT_S = 5
BEGUN, DONE = "scrub_begun", "scrub_done"


def step(engine: Engine, archive_url: str, budget: timedelta = timedelta(seconds=2)) -> bool:
    """Go on until all is out of the files or ``budget`` (machine time) is spent; True when that was reached now. Twice is harmless."""
    mark = _wanted(engine)
    if mark is None:
        return False
    if archive_url.startswith("sqlite:///") and (path := Path(archive_url.removeprefix("sqlite:///"))).exists():
        try:
            if not _archive(engine, path, mark, budget):
                return False
        except sqlite3.Error as error:
            log.warning("scrub: the archive is in use (%s); tried again", error)
            return False
    if not erasure.finish(engine):
        return False
    _keep(engine, DONE, mark)
    return True


def _wanted(engine: Engine) -> str | None:
    """A mark of all erasures that have ended; None when there is nothing new, or the archive has still to hear of one."""
    s = t.tombstones.c
    with reading(engine) as c:
        number, erased, newest, open_ = c.execute(sa.select(sa.func.count(), sa.func.sum(s.erased), sa.func.max(s.done_at), sa.func.sum(s.done_at.is_(None)))).one()
        if not number or open_:
            return None
        mark = f"{number} {erased} {newest.isoformat()}"
        if _kept(c, DONE) == mark:
            return None
    return mark if erasure.report(engine).waiting == 0 else None


def _kept(c: sa.Connection, name: str) -> str | None:
    return c.execute(sa.select(t.meta.c.value).where(t.meta.c.name == name)).scalar()


def _keep(engine: Engine, name: str, mark: str) -> None:
    with writing(engine) as c:
        c.execute(sqlite_insert(t.meta).values(name=name, value=mark).on_conflict_do_update(index_elements=["name"], set_=dict(value=mark)))


def _archive(engine: Engine, path: Path, mark: str, budget: timedelta) -> bool:
    """Merge, write anew, empty the log; False when there is more to do."""
    ends = now.monotonic() + budget.total_seconds()
    db = sqlite3.connect(path, timeout=TIMEOUT_S, isolation_level=None)
    try:
        db.execute("PRAGMA secure_delete=ON")
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%fts5%'")]
        with reading(engine) as c:
            begun = _kept(c, BEGUN) == mark
        if not begun:
            for table in tables:
                _merge(db, table, -PAGES)
            _keep(engine, BEGUN, mark)
        for table in tables:
            while _merge(db, table, PAGES):
                if now.monotonic() > ends:
                    return False
        return _write_anew(db, path)
    finally:
        db.close()


def _merge(db: sqlite3.Connection, table: str, pages: int) -> bool:
    """One portion; False when nothing was left to merge ("less than two": the statement itself counts as a change)."""
    before = db.total_changes
    db.execute(f"INSERT INTO {table}({table}, rank) VALUES ('merge', ?)", (pages,))  # noqa: S608 - a name from the file's own schema
    return db.total_changes - before >= 2


def _write_anew(db: sqlite3.Connection, path: Path) -> bool:
    if path.stat().st_size <= LARGEST:
        db.execute("VACUUM")
    return not db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]

"""How the ledger is opened: SQLite with WAL and ``synchronous=FULL``, one writer at a time.

A write begins with BEGIN IMMEDIATE, so that two writers queue at the door instead of failing
in the middle; readers see a snapshot and never wait. Every fault of the file becomes one of our errors:
busy, full, failed, damaged.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from incidents import now
from incidents.errors import LedgerBusy, LedgerDamaged, LedgerError, LedgerFailed, LedgerFull
from incidents.store.reserve import reserve_of

BUSY_TIMEOUT_MS = 15_000
ASKS_EVERY = 0.01  # seconds between two tries for the writer's place
ASKS_EAGERLY = 0.002
_failed: set[str] = set()  # files whose disk reported an error to this process


def open_engine(url: str) -> Engine:
    """Make the engine for ``url``. For SQLite the folder is created."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        raise LedgerError(f"The ledger cannot be {parsed.get_backend_name()!r} yet: use sqlite:///FILE.")
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(
        url,
        json_serializer=lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    _failed.discard(str(engine.url))
    return engine


def _on_connect(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON",
                   "temp_store=MEMORY", "cache_size=-8000", "mmap_size=0", "journal_size_limit=67108864"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    pause = connection.get_execution_options().get("asks_every", None)
    if pause is None:
        connection.exec_driver_sql("BEGIN")
    else:
        _take_place(connection, pause)


def _take_place(connection: Connection, pause: float) -> None:
    """Wait for the writer's place, asking every ``pause`` seconds.

    SQLite's own wait asks after up to 100 ms, in which others come and go: between two busy writers a third waited
    2.6 s at worst. Who asks most often has the place when its present holder ends.
    """
    ends = now.monotonic() + BUSY_TIMEOUT_MS / 1000
    connection.exec_driver_sql("PRAGMA busy_timeout=0")
    try:
        while not _begun(connection, last=now.monotonic() >= ends):
            time.sleep(pause)
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


def _begun(connection: Connection, *, last: bool) -> bool:
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as error:
        if last or getattr(error.orig, "sqlite_errorname", "") != "SQLITE_BUSY":
            raise
        return False
    return True


@contextmanager
def writing(engine: Engine, *, eager: bool = False) -> Iterator[Connection]:
    """One transaction that writes; committed at the end, rolled back on any error.

    ``eager`` is for the way of an alert: short transactions that do not queue behind what comes in.

    Raises:
        LedgerBusy: another writer held the ledger for longer than 15 s.
        LedgerFull: no room; the reserve has been given back, so the next try has some.
        LedgerFailed: the disk reported an error, now or before: nothing is acknowledged until the process is new.
        LedgerDamaged: the file is not whole.
    """
    if str(engine.url) in _failed:
        raise LedgerFailed("The disk reported an error while the ledger was written; this process writes nothing more.")
    reserve = reserve_of(engine)
    if reserve is not None:
        reserve.before_write()
    try:
        with engine.connect().execution_options(asks_every=ASKS_EAGERLY if eager else ASKS_EVERY) as connection, connection.begin():
            yield connection
    except DBAPIError as error:
        raise _named(engine, error) from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent look at the ledger. Raises what ``writing`` raises."""
    try:
        with engine.connect() as connection, connection.begin():
            yield connection
    except DBAPIError as error:
        raise _named(engine, error) from error


def _named(engine: Engine, error: DBAPIError) -> Exception:
    """Our error for SQLite's, by its code (sqlite.org/rescode.html); what breaks a constraint stays what it is: a fault of ours."""
    code = str(getattr(error.orig, "sqlite_errorname", ""))
    reserve = reserve_of(engine)
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LedgerBusy("Another writer holds the ledger; this step will be tried again.")
    if code == "SQLITE_FULL" or (code.startswith("SQLITE_IOERR") and reserve is not None and reserve.free() < 2**20):
        if reserve is not None:
            reserve.give_back()
        return LedgerFull("There is no room on the disk of the ledger: make room; work goes on by itself.")
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return LedgerDamaged(f"The ledger file {engine.url.database} is damaged ({error.orig}): stop Yujing and run `yujing restore FILE` with the last backup.")
    if code.startswith("SQLITE_IOERR"):
        _failed.add(str(engine.url))
        return LedgerFailed(f"The disk reported an error while the ledger was used ({code}): look at the disk (dmesg); the process begins anew.")
    if code.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
        return LedgerError(f"The ledger file {engine.url.database} cannot be opened for writing ({error.orig}): look at its folder's owner and mode.")
    return LedgerError(f"The ledger cannot be used ({error.orig}).") if isinstance(error, OperationalError) else error


def new_id(made: sa.CursorResult[Any]) -> int:
    """The primary key of the row just inserted."""
    key = made.inserted_primary_key
    assert key is not None
    return int(key[0])

"""How the ledger is opened: SQLite with WAL and ``synchronous=FULL``, one writer at a time.

A write begins with BEGIN IMMEDIATE, so that two writers queue at the door instead of failing
in the middle; readers see a snapshot and never wait.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DatabaseError, OperationalError

from incidents.errors import LedgerBusy, LedgerError

BUSY_TIMEOUT_MS = 15_000


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
    return engine


def _on_connect(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}",
                   "temp_store=MEMORY", "cache_size=-32000", "mmap_size=0"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes; committed at the end, rolled back on any error.

    Raises:
        LedgerBusy: another writer held the ledger for longer than 15 s.
        LedgerError: the disk or the file failed; the sentence says how.
    """
    try:
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection
    except OperationalError as error:
        raise _named(error) from error
    except DatabaseError as error:
        if "malformed" in str(error.orig) or "not a database" in str(error.orig):
            raise LedgerError(f"The ledger file is damaged ({error.orig}): restore the last backup.") from error
        raise


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent look at the ledger."""
    with engine.connect() as connection, connection.begin():
        yield connection


def _named(error: OperationalError) -> LedgerError:
    said = str(error.orig)
    if "locked" in said or "busy" in said:
        return LedgerBusy("Another writer holds the ledger; this step will be tried again.")
    return LedgerError(f"The ledger cannot be written ({said}). If the disk is full, make room: work goes on by itself.")


def new_id(made: sa.CursorResult[Any]) -> int:
    """The primary key of the row just inserted."""
    key = made.inserted_primary_key
    assert key is not None
    return int(key[0])

"""Numbered steps from one schema to the next, each in one transaction with its own record.

A step is a file ``NNNN_name.sql`` of statements separated by lines of ``--``.
A ledger from a newer version is refused; a kill leaves the old or the new schema, never a half.
"""

from __future__ import annotations

from importlib.resources import files

from sqlalchemy.engine import Engine

from incidents.errors import LedgerError
from incidents.store.engine import reading, writing


def steps() -> dict[int, str]:
    """Number → SQL, in order."""
    folder = files(__package__)
    found = {int(file.name[:4]): file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(".sql")}
    return dict(sorted(found.items()))


def version(engine: Engine) -> int:
    """The schema version of the ledger; 0 is an empty one."""
    with reading(engine) as c:
        there = c.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").first()
        return 0 if there is None else int(c.exec_driver_sql("SELECT max(version) FROM schema_version").scalar() or 0)


def migrate(engine: Engine) -> int:
    """Bring the ledger to the newest schema; returns the number of steps taken.

    Raises:
        LedgerError: the ledger was written by a newer version of Yujing.
    """
    known, have = steps(), version(engine)
    if have > max(known):
        raise LedgerError(f"This ledger has schema {have}; this Yujing knows up to {max(known)}. Install the newer Yujing again, or restore an older backup.")
    taken = 0
    for number, sql in known.items():
        if number > have:
            taken += _take(engine, number, sql)
    return taken


def _take(engine: Engine, number: int, sql: str) -> int:
    with writing(engine) as c:
        c.exec_driver_sql("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)")
        if c.exec_driver_sql("SELECT 1 FROM schema_version WHERE version = ?", (number,)).first():
            return 0  # another process was faster
        for statement in sql.split("\n--\n"):
            if statement.strip():
                c.exec_driver_sql(statement)
        c.exec_driver_sql("INSERT INTO schema_version (version) VALUES (?)", (number,))
    return 1

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
    named = sorted(file.name for file in files(__package__).iterdir() if file.name.endswith(".sql"))
    numbers = [int(name[:4]) for name in named]
    if len(set(numbers)) < len(numbers):
        raise LedgerError(f"Two steps of the ledger's schema have the same number: {', '.join(named)}.")
    return {number: files(__package__).joinpath(name).read_text(encoding="utf-8") for number, name in zip(numbers, named, strict=True)}


def version(engine: Engine) -> int:
    """The schema version of the ledger; 0 is an empty one."""
    with reading(engine) as c:
        there = c.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").first()
        if there is not None:
            return int(c.exec_driver_sql("SELECT max(version) FROM schema_version").scalar() or 0)
        if c.exec_driver_sql("SELECT 1 FROM sqlite_master").first() is not None:
            raise LedgerError(f"{engine.url.database} is a database of another program, not a ledger: point `ledger` or `data` elsewhere.")
        return 0


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

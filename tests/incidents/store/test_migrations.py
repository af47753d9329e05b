from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from incidents.store import migrations
from incidents.store import tables as t
from incidents.store.engine import open_engine
from tests.incidents.store import children


def statements() -> int:
    """How many statements the whole way to the newest schema takes, the bookkeeping and the commits included."""
    return sum(len(sql.split("\n--\n")) + 6 for sql in migrations.steps().values())


def migrate_and_die_at(file: Path, nth: int) -> int:
    """A real process that is killed just before its ``nth`` statement (or commit); 0 when it got through."""
    def work() -> None:
        engine, seen = open_engine(f"sqlite:///{file}"), 0

        def count(*_: object) -> None:
            nonlocal seen
            seen += 1
            if seen == nth:
                children.die()

        event.listen(engine, "before_cursor_execute", count)
        event.listen(engine, "commit", count)
        migrations.migrate(engine)

    return children.run(work)


def schema(file: Path) -> dict[str, str]:
    with sqlite3.connect(file) as db:
        return dict(db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))


def whole_schemas(folder: Path) -> list[dict[str, str]]:
    """The schema after each step, from an undisturbed run."""
    engine, found = open_engine(f"sqlite:///{folder}/whole"), [{}]
    for number, sql in migrations.steps().items():
        migrations._take(engine, number, sql)
        found.append(schema(folder / "whole"))
    return found


@pytest.mark.parametrize("part", range(4))
def test_killed_at_any_statement_there_is_an_old_or_a_new_schema_and_the_next_start_ends_it(tmp_path: Path, part: int) -> None:
    whole = whole_schemas(tmp_path)
    ends = set()
    for nth in range(1 + part, statements(), 12):  # the slow sweep below takes every one
        file = tmp_path / f"{nth}"
        ends.add(migrate_and_die_at(file, nth))
        assert not file.exists() or schema(file) in whole, nth
        assert migrate_and_die_at(file, 10_000) == 0 and schema(file) == whole[-1], nth
    assert -signal.SIGKILL in ends


@pytest.mark.slow
def test_killed_at_every_statement(tmp_path: Path) -> None:
    whole, killed = whole_schemas(tmp_path), 0
    for nth in range(1, statements() + 3):
        file = tmp_path / f"{nth}"
        killed += migrate_and_die_at(file, nth) == -signal.SIGKILL
        assert not file.exists() or schema(file) in whole, nth
        assert migrate_and_die_at(file, 10_000) == 0 and schema(file) == whole[-1], nth
    assert killed > statements() * 0.8


def test_rows_of_the_old_schema_are_there_after_a_killed_step_to_the_new(tmp_path: Path) -> None:
    steps = migrations.steps()
    engine = open_engine(f"sqlite:///{tmp_path}/old")
    migrations._take(engine, 1, steps[1])
    with engine.begin() as c:
        c.exec_driver_sql("INSERT INTO meta VALUES ('ledger_id', 'x')")
    engine.dispose()
    for nth in (5, 7, 9):
        migrate_and_die_at(tmp_path / "old", nth)
    engine = open_engine(f"sqlite:///{tmp_path}/old")
    migrations.migrate(engine)
    with engine.connect() as c:
        assert c.execute(sa.select(t.meta.c.value)).scalar_one() == "x" and migrations.version(engine) == max(steps)


def test_two_processes_at_once_take_each_step_once(tmp_path: Path) -> None:
    both = [children.begin(lambda: os._exit(migrations.migrate(open_engine(f"sqlite:///{tmp_path}/two")))) for _ in range(2)]
    assert sum(children.end_of(child) for child in both) == len(migrations.steps())


def test_the_steps_are_numbered_without_gaps_or_twins() -> None:
    numbers = list(migrations.steps())
    assert numbers == list(range(1, len(numbers) + 1))

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from incidents import now
from incidents.errors import LedgerError
from incidents.store import migrations
from incidents.store import tables as t
from incidents.store.engine import open_engine, writing
from incidents.store.fetches import Outcome
from incidents.store.ledger import open_ledger
from tests.incidents.builders import HOUR, MINUTE, T0, ledger_in, settings_in


def test_the_migrations_make_exactly_the_tables(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/a.sqlite")
    assert migrations.migrate(engine) == len(migrations.steps()) and migrations.migrate(engine) == 0
    inspector = sa.inspect(engine)
    for table in t.metadata.sorted_tables:
        assert [c["name"] for c in inspector.get_columns(table.name)] == [c.name for c in table.columns], table.name
        assert {i["name"] for i in inspector.get_indexes(table.name)} >= {i.name for i in table.indexes}, table.name


def test_a_ledger_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    with writing(ledger.engine) as c:
        c.exec_driver_sql("INSERT INTO schema_version VALUES (999)")
    with pytest.raises(LedgerError, match="newer Yujing"):
        open_ledger(settings_in(tmp_path))


def test_a_migration_killed_at_any_statement_leaves_the_old_schema(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/a.sqlite")
    migrations.migrate(engine)
    for broken in range(1, 4):
        sql = "\n--\n".join([*["CREATE TABLE one (x INTEGER)", "CREATE TABLE two (x INTEGER)", "CREATE TABLE three (x INTEGER)"][:broken - 1], "BROKEN"])
        with pytest.raises(LedgerError):
            migrations._take(engine, 50, sql)
        assert not {"one", "two", "three"} & set(sa.inspect(engine).get_table_names())
        assert migrations.version(engine) == max(migrations.steps())


def test_a_drills_world_runs_fast_stands_still_and_never_runs_back(tmp_path: Path) -> None:
    clock = {"clock": {"origin": T0, "speed": 600.0}}
    ledger = open_ledger(settings_in(tmp_path, **clock))
    ledger.clock.run()
    first = now.world()
    assert T0 <= first < T0 + HOUR and now.speed() == 600.0
    ledger.clock.stand()
    stood = now.world()
    assert abs(now.world() - stood) < timedelta(seconds=1)
    ledger.clock.run()
    assert now.world() >= stood
    before_kill = now.world()
    ledger.clock.beat()
    ledger.clock.run()  # as after a kill: no stand() was called
    assert before_kill <= now.world() < before_kill + HOUR


def test_another_speed_or_origin_is_refused(tmp_path: Path) -> None:
    open_ledger(settings_in(tmp_path, clock={"origin": T0, "speed": 60.0})).clock.run()
    with pytest.raises(LedgerError, match="speed 60"):
        open_ledger(settings_in(tmp_path, clock={"origin": T0, "speed": 1.0}))


def test_jobs_are_leased_once_and_again_when_the_lease_runs_out(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    (job,) = ledger.fetches.lease("a", world=T0, machine=T0, lasts=MINUTE)
    assert ledger.fetches.lease("b", world=T0, machine=T0 + 30 * timedelta(seconds=1), lasts=MINUTE) == []
    (again,) = ledger.fetches.lease("b", world=T0, machine=T0 + 2 * MINUTE, lasts=MINUTE)
    assert again.id == job.id and again.token == job.token + 1


def test_a_heartbeat_after_the_end_does_not_lease_the_job_again(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    (job,) = ledger.fetches.lease("a", world=T0, machine=T0, lasts=MINUTE)
    ledger.fetches.finish(job, Outcome(code="read", next_due=T0 + MINUTE), T0)
    ledger.fetches.renew([job], machine=T0, lasts=HOUR)
    assert ledger.fetches.lease("b", world=T0 + MINUTE, machine=T0, lasts=MINUTE) != []


def test_only_one_leads(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    assert ledger.lead("x", "a", T0, MINUTE) == 1
    assert ledger.lead("x", "b", T0, MINUTE) is None
    assert ledger.lead("x", "b", T0 + 2 * MINUTE, MINUTE) == 2
    assert ledger.lead("x", "a", T0 + 2 * MINUTE, MINUTE) is None


KILLED = """
    import sys, time
    from pathlib import Path
    from tests.incidents.builders import T0, ledger_in, mention, save
    ledger = ledger_in(Path(sys.argv[1]))
    for number in range(100_000):
        save(ledger, mention(f"{sys.argv[2]}-{number}"))
        print(number, flush=True)
"""


@pytest.mark.slow
def test_what_was_acknowledged_survives_sigkill(tmp_path: Path) -> None:
    acknowledged = 0
    for round_ in range(10):
        child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path), str(round_)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        assert child.stdout is not None
        seen = [child.stdout.readline() for _ in range(5 + 3 * round_)]
        os.kill(child.pid, signal.SIGKILL)
        rest = child.stdout.read().splitlines()
        acknowledged += len(seen) + len([line for line in rest if line.strip().isdigit()])
        child.wait()
    ledger = ledger_in(tmp_path)
    with ledger.engine.connect() as c:
        stored = c.execute(sa.select(sa.func.count()).select_from(t.mentions)).scalar_one()
        assert c.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    assert acknowledged <= stored <= acknowledged + 10

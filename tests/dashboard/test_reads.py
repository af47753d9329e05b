"""Reads use indexes and limits: fifty incidents and twenty thousand mentions cost a page no more than a few."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard import desk, reads
from dashboard.desk import Desk
from incidents import now
from incidents.model import Grade
from incidents.store import tables as t
from tests.dashboard import world

INCIDENTS, MENTIONS, SNAPSHOTS = 50, 20_000, 400
SLOW = 1.0  # seconds for one read on a busy machine with two cores; measured alone each takes under 60 ms


@pytest.fixture(scope="module")
def made_large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Rows written in bulk; one incident is made the proper way and copied."""
    folder = tmp_path_factory.mktemp("large")
    ledger, settings = world.empty(folder)
    story = world.story(ledger, settings, world.BRAKES)
    world.grow(ledger, settings, story, Grade.ORANGE, ("harm",), at=world.NOON - world.HOUR, final=4000, observed=2390)
    with ledger.engine.begin() as c:
        _copy_mentions(c)
        _copy_incidents(c)
    place = Desk(settings=settings, ledger=ledger)
    yield place
    place.close()


@pytest.fixture
def large(made_large: Desk) -> Iterator[Desk]:
    desk.sit(made_large)
    with now.frozen(world.NOON):
        yield made_large
    desk.sit(None)


def _copy_mentions(c: sa.Connection) -> None:
    """Most of them belong to the first story, as in a real crisis."""
    row = dict(c.execute(sa.select(t.mentions).limit(1)).mappings().one())
    score = dict(c.execute(sa.select(t.scores).limit(1)).mappings().one())
    ids = range(1_000, 1_000 + MENTIONS)
    at = {n: world.NOON - timedelta(seconds=40 * (n - 1_000)) for n in ids}
    c.execute(sa.insert(t.mentions), [{**row, "id": n, "key": f"k{n}", "dated": at[n], "published": at[n], "reposts": n % 97, "root_key": None} for n in ids])
    c.execute(sa.insert(t.mention_brands), [dict(mention_id=n, brand="lanye", spans=[], inherited=False, dated=at[n]) for n in ids])
    c.execute(sa.insert(t.scores), [{**score, "mention_id": n} for n in ids])
    c.execute(sa.insert(t.story_mentions), [dict(mention_id=n, brand="lanye", story_id=1 + (n % 5 == 0) * (n % INCIDENTS), why="copy", at=at[n]) for n in ids])


def _copy_incidents(c: sa.Connection) -> None:
    for name in ("incidents", "stories"):
        table = t.metadata.tables[name]
        row = dict(c.execute(sa.select(table).limit(1)).mappings().one())
        more = [{**row, "id": n, **({"number": f"2026-1122-{n:02d}", "story_id": n} if name == "incidents" else {})} for n in range(2, INCIDENTS + 1)]
        c.execute(sa.delete(table).where(table.c.id > 1))
        c.execute(sa.insert(table), more)
    for name in ("clocks", "tasks", "events", "forecasts", "outbox"):
        table, owner = t.metadata.tables[name], "story_id" if name == "forecasts" else "incident_id"
        rows = [dict(row) for row in c.execute(sa.select(table).where(table.c[owner] == 1)).mappings()]
        copies = [{**row, owner: n, **({"key": f"{row['key']}{n}"} if name == "outbox" else {})} for n in range(2, INCIDENTS + 1) for row in rows]
        for copy in copies:
            copy.pop("id")
        c.execute(sa.insert(table), copies)
    largest = c.execute(sa.select(t.forecasts.c.mention_id).limit(1)).scalar_one()
    c.execute(sa.delete(t.snapshots))
    c.execute(sa.insert(t.snapshots), [dict(mention_id=largest, at=world.NOON - timedelta(seconds=61 * n), reposts=2390 - n, floors="") for n in range(1, SNAPSHOTS)])


def seconds(ask: object) -> float:
    reads.forget()
    began = time.perf_counter()
    assert ask() is not None  # type: ignore[operator]
    return time.perf_counter() - began


def test_the_overview_is_read_in_a_bounded_time(large: Desk) -> None:
    ids = tuple(one.id for one in reads.open_incidents())
    assert len(ids) == INCIDENTS
    assert seconds(lambda: reads.burning(ids)) < SLOW
    assert seconds(lambda: reads.my_tasks(("duty", "coordinator"))) < SLOW
    assert seconds(lambda: reads.volumes(("lanye", "xiaozhu", "suihe"), world.NOON)) < SLOW


def test_the_overview_asks_the_same_few_questions_for_any_number(large: Desk) -> None:
    asked: list[str] = []
    sa.event.listen(large.ledger.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    reads.forget()
    shown = reads.burning(tuple(one.id for one in reads.open_incidents()))
    assert len(shown) == reads.SHOWN
    assert len([one for one in asked if one.startswith("SELECT")]) <= 4 + reads.SHOWN


def test_a_room_of_twenty_thousand_mentions_is_read_in_a_bounded_time(large: Desk) -> None:
    number = large.ledger.incidents.open()[0].number
    assert seconds(lambda: reads.room(number)) < SLOW
    assert seconds(lambda: reads.representative(1, "lanye")) < SLOW
    assert seconds(lambda: reads.shares(1)) < SLOW
    assert len(reads.representative(1, "lanye", 10_000)) == reads.ROWS


def test_no_curve_has_more_points_than_a_chart_takes(large: Desk) -> None:
    room = reads.room("2026-1122-02")
    assert room is not None and 200 < len(room.curve) <= 401
    assert list(room.curve) == sorted(room.curve)


def test_the_lists_stop_at_two_hundred_rows(large: Desk) -> None:
    assert len(reads.alerts()) <= reads.ROWS and len(reads.all_incidents()) <= reads.ROWS


def test_an_answer_is_kept_for_a_moment_and_forgotten_after_a_write(place: Desk) -> None:
    before = reads.open_incidents()
    with place.ledger.engine.begin() as c:
        c.exec_driver_sql("UPDATE incidents SET title = 'x'")
    assert reads.open_incidents() is before
    reads.forget()
    assert reads.open_incidents()[0].title == "x"


def test_a_brand_is_held_against_its_own_usual_range(place: Desk) -> None:
    volume = reads.volumes(("lanye",), world.NOON)[0]
    assert volume.usual is not None and volume.usual[0] <= volume.usual[1]
    assert volume.today == sum(volume.hours) > 0


def test_five_days_are_needed_for_a_usual_range(tmp_path: Path, place: Desk) -> None:
    with place.ledger.engine.begin() as c:
        c.exec_driver_sql(f"DELETE FROM mention_brands WHERE dated < {int((world.NOON - timedelta(days=4)).timestamp() * 1000)}")
    assert reads.volumes(("lanye",), world.NOON)[0].usual is None

"""A query tried on what is stored: how much it would bring a day, what of it is watched already, what alerts it was part of."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from dashboard import desk
from dashboard.reads.found import Asked, Hit, hits
from dashboard.reads.kept import ROWS, briefly
from incidents.model import OutboxState
from incidents.now import shanghai
from incidents.store import tables as t
from incidents.store.engine import reading
from incidents.store.search import Query
from incidents.store.searches import SavedSearch

DAYS, WEEK = 30, 7
EXAMPLES = 20
MOST = 20_000  # newest mentions of the 30 days whose incidents are looked up
PORTION = 500
TOLD = (OutboxState.SENT.value, OutboxState.UNCONFIRMED.value)


@dataclass(frozen=True, kw_only=True)
class Past:
    """What the mentions that the query finds were part of, as it happened (nothing is replayed).

    ``looked`` newest mentions belong to ``incidents`` incidents of the brand, ``taken`` of which somebody acknowledged;
    these sent ``alerts`` (one for each receiver and channel), of which people rated so many right and wrong.
    """

    looked: int = 0
    incidents: int = 0
    taken: int = 0
    alerts: int = 0
    right: int = 0
    wrong: int = 0


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The last 30 days of Asia/Shanghai, today as far as it has come; a day without any counts as 0."""

    days: tuple[tuple[str, int], ...]
    month: int
    week: int
    median: float
    most: int
    watched: int  # of ``month``: the brand has them already
    brand: int  # what the brand has of these days
    examples: tuple[Hit, ...]
    past: Past


@briefly(30.0)
def trial(rule: str, brand: str, at_minute: datetime) -> Trial:
    """Try ``rule`` (a query that can be read) for ``brand``. Raises ArchiveDown."""
    archive = desk.here().archive()
    first = shanghai(at_minute).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    asked = Asked(typed=rule, since=first)
    counts = archive.by_day(asked.query())
    days = tuple((day, counts.get(day, 0)) for n in range(DAYS) if (day := f"{first + timedelta(days=n):%Y-%m-%d}"))
    numbers = [number for _, number in days]
    return Trial(days=days, month=sum(numbers), week=sum(numbers[-WEEK:]), median=statistics.median(numbers), most=max(numbers),
                 watched=archive.count(replace(asked, brand=brand).query()), brand=archive.count(Query(brand=brand, since=first)),
                 examples=hits(archive.newest(asked.query(), limit=EXAMPLES).ids, asked), past=_past(asked, brand))


def _past(asked: Asked, brand: str) -> Past:
    incidents: dict[int, bool] = {}
    looked = 0
    with reading(desk.here().ledger.engine) as c:
        for ids in _portions(asked):
            looked += len(ids)
            incidents.update(_incidents(c, ids, brand))
        return _told(c, incidents, looked)


def _portions(asked: Asked) -> Iterator[Sequence[int]]:
    archive, before = desk.here().archive(), None
    for _ in range(MOST // PORTION):
        found = archive.newest(asked.query(), limit=PORTION, before=before)
        yield found.ids
        before = found.before
        if before is None:
            return


def _incidents(c: sa.Connection, ids: Sequence[int], brand: str) -> dict[int, bool]:
    """Incident → whether somebody ever took it over."""
    i, sm, e = t.incidents.c, t.story_mentions.c, t.events.c
    taken = sa.exists().where(e.incident_id == i.id, e.kind == "acknowledged")
    chosen = sa.select(i.id, taken).distinct().select_from(t.story_mentions.join(t.incidents, i.story_id == sm.story_id))
    return {row[0]: bool(row[1]) for row in c.execute(chosen.where(sm.mention_id.in_(ids), sm.brand == brand))}


def _told(c: sa.Connection, incidents: dict[int, bool], looked: int) -> Past:
    o = t.outbox.c
    rated = sa.func.coalesce(o.rating, "")
    sums = [sa.func.coalesce(sa.func.sum(sa.case((holds, 1), else_=0)), 0) for holds in (rated == "right", rated.startswith("wrong"))]
    numbers = [0, 0, 0]
    ids = list(incidents)
    for start in range(0, len(ids), PORTION):
        row = c.execute(sa.select(sa.func.count(), *sums).where(o.incident_id.in_(ids[start : start + PORTION]), o.state.in_(TOLD))).one()
        numbers = [number + more for number, more in zip(numbers, row, strict=True)]
    return Past(looked=looked, incidents=len(incidents), taken=sum(incidents.values()), alerts=numbers[0], right=numbers[1], wrong=numbers[2])


@briefly(5.0)
def saved_searches() -> tuple[SavedSearch, ...]:
    """By name; no more than a page's worth."""
    return tuple(desk.here().ledger.searches.all()[:ROWS])

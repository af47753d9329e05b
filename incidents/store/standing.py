"""Does anybody still do the work? What stands still looks like calm, so it is looked for by those who still run.

Each of the three looks asks the queues, not the processes: a process that begins, fails and begins again is as
good as none, and so is one that takes its work up again and again and never ends it. Whoever works on a backlog holds
leases and is given longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from incidents import now
from incidents.codes import OutboxState
from incidents.store import tables as t
from incidents.store.engine import reading
from incidents.store.work import MAX_ATTEMPTS

PATIENCE = timedelta(minutes=3)  # machine: longer than any restart, shorter than the first acknowledgement of 橙
LAG = timedelta(minutes=6)  # machine: from then on it does not matter whether somebody still tries
TIMETABLE = "timetable"  # the lease of who judges (monitor/timetable.py)
_OPEN = t.work.c.attempts < MAX_ATTEMPTS
_STIRRED = t.stories.c.stirred > t.stories.c.decided


@dataclass(frozen=True, kw_only=True)
class Standstill:
    """``role`` (judge, tell, crawl) does nothing for ``age`` (machine); ``waiting`` is what it should have taken, the oldest of
    which is ``mark``, the same at every look."""

    role: str
    age: timedelta
    waiting: int
    mark: str


def look(engine: Engine, *, world: datetime, machine: datetime) -> tuple[Standstill, ...]:
    """Every role that stands still; three small reads."""
    with reading(engine) as c:
        found = (_judge(c, machine), _tell(c, world, machine), _crawl(c, world, machine))
    return tuple(one for one in found if one is not None and one.age > PATIENCE)


def oldest_step(c: Connection) -> tuple[str, datetime] | None:
    """What has waited longest to be judged, placed or decided: its mark, and when (machine) it was saved."""
    w, m, s = t.work.c, t.mentions.c, t.stories.c
    mention = c.execute(sa.select(m.id, m.saved_at).join(t.work, w.mention_id == m.id).where(_OPEN).order_by(w.mention_id).limit(1)).first()
    story = c.execute(sa.select(s.id, s.stirred_saved_at).where(_STIRRED, s.stirred_saved_at.is_not(None)).order_by(s.stirred_saved_at).limit(1)).first()
    found = [(f"{name} {row[0]}", row[1]) for name, row in (("mention", mention), ("story", story)) if row is not None]
    return min(found, key=lambda one: one[1], default=None)


def _judge(c: Connection, machine: datetime) -> Standstill | None:
    """What waits to be judged, placed or decided; or clocks that nobody has led."""
    if (oldest := oldest_step(c)) is not None and machine - oldest[1] > (LAG if _held(c, machine) else PATIENCE):
        waiting = sum(c.execute(sa.select(sa.func.count()).select_from(table).where(where)).scalar_one() for table, where in ((t.work, _OPEN), (t.stories, _STIRRED)))
        return Standstill(role="judge", age=machine - oldest[1], waiting=waiting, mark=oldest[0])
    led = c.execute(sa.select(t.leases.c.lease_until).where(t.leases.c.name == TIMETABLE)).scalar()
    return None if led is None else Standstill(role="judge", age=machine - led, waiting=0, mark=led.isoformat())


def _held(c: Connection, machine: datetime) -> bool:
    """Does anybody hold a mention or a story?"""
    return any(c.execute(sa.select(sa.literal(1)).select_from(table).where(table.c.lease_until > machine).limit(1)).first() is not None for table in (t.work, t.stories))


def _tell(c: Connection, world: datetime, machine: datetime) -> Standstill | None:
    """Alerts that are due, wait for no provider, and are taken by nobody."""
    o = t.outbox.c
    free = (o.state == OutboxState.PENDING.value, o.due_at <= world, sa.or_(o.not_before.is_(None), o.not_before <= machine - PATIENCE))
    count, oldest = c.execute(sa.select(sa.func.count(), sa.func.min(o.due_at, type_=t.UtcTime)).where(*free)).one()
    return None if oldest is None else Standstill(role="tell", age=now.to_machine(world - oldest), waiting=count, mark=oldest.isoformat())


def _crawl(c: Connection, world: datetime, machine: datetime) -> Standstill | None:
    """Fetches that are due while nobody holds any and none ended lately (a source may be asked slowly on purpose)."""
    j, s = t.fetch_jobs.c, t.sources.c
    newest = c.execute(sa.select(t.fetch_log.c.at).order_by(t.fetch_log.c.id.desc()).limit(1)).scalar()
    held = c.execute(sa.select(j.id).where(j.ended_at.is_(None), j.lease_until > machine).limit(1)).first()
    if held is not None or (newest is not None and now.to_machine(world - newest) < PATIENCE):
        return None
    free = (j.ended_at.is_(None), j.due_at <= world, ~s.removed, sa.or_(s.next_try_at.is_(None), s.next_try_at <= world))
    count, oldest = c.execute(sa.select(sa.func.count(), sa.func.min(j.due_at, type_=t.UtcTime)).join(t.sources, s.id == j.source).where(*free)).one()
    return None if oldest is None else Standstill(role="crawl", age=now.to_machine(world - oldest), waiting=count, mark=oldest.isoformat())

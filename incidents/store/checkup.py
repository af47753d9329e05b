"""What the ledger knows of its own troubles, as numbers and codes: for ``yujing doctor`` and the dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from incidents.model import OutboxState
from incidents.store import tables as t
from incidents.store.engine import reading
from incidents.store.ledger import Ledger, file_of
from incidents.store.standing import oldest_step
from incidents.store.work import MAX_ATTEMPTS

SHOWN = 5  # examples of each trouble
LEASED = {"fetch": t.fetch_jobs, "work": t.work, "story": t.stories, "alert": t.outbox}


@dataclass(frozen=True, kw_only=True)
class Aside:
    """One thing that was set aside: a mention a step cannot take, a document the archive refused, an alert nobody took."""

    what: str  # judge, place, index, or an alert's channel
    id: int
    fault: str


@dataclass(frozen=True, kw_only=True)
class Checkup:
    """Counts and oldest ages. Times of queues are the machine's, of jobs and alerts the world's."""

    mentions: int
    log_bytes: int  # of the write-ahead log
    stuck: dict[str, int]  # leases that ran out long ago and that nobody took over
    ahead: dict[str, int]  # leases that end in an impossible future: the clock was moved
    newest_saved: datetime | None
    oldest_unjudged: datetime | None  # of what waits to be judged, placed or decided
    oldest_queued: datetime | None
    queued: int
    overdue_fetch: datetime | None
    overdue_alert: datetime | None
    aside: tuple[Aside, ...]
    aside_count: int
    refused: tuple[Aside, ...]  # documents
    refused_count: int
    dead: tuple[Aside, ...]
    dead_count: int
    erasing: int  # erasures that are not done
    outlived: int  # mentions past their retention, without those that open incidents hold


def look(ledger: Ledger, *, cut: datetime, world: datetime, machine: datetime, patience: timedelta = timedelta(minutes=10)) -> Checkup:
    """Look at the whole ledger; ``cut`` is the retention's, ``patience`` what a lease may be over before it is stuck."""
    w, q, o, m = t.work.c, t.index_queue.c, t.outbox.c, t.mentions.c
    aside, refused, dead = w.attempts >= MAX_ATTEMPTS, q.attempts >= MAX_ATTEMPTS, o.state == OutboxState.DEAD.value
    with reading(ledger.engine) as c:
        return Checkup(
            mentions=_count(c, t.mentions), log_bytes=_log_bytes(ledger),
            stuck={name: n for name, table in LEASED.items() if (n := _count(c, table, table.c.lease_until < machine - patience, *_unfinished(name)))},
            ahead={name: n for name, table in LEASED.items() if (n := _count(c, table, table.c.lease_until > machine + timedelta(hours=6)))},
            newest_saved=_time(c, sa.select(m.saved_at).order_by(m.id.desc()).limit(1)),
            oldest_unjudged=None if (oldest := oldest_step(c)) is None else oldest[1],
            oldest_queued=_time(c, sa.select(sa.func.min(q.queued_at, type_=t.UtcTime)).where(~refused)), queued=_count(c, t.index_queue),
            overdue_fetch=_overdue_fetch(c, world),
            overdue_alert=_time(c, sa.select(sa.func.min(o.due_at, type_=t.UtcTime)).where(o.state == OutboxState.PENDING.value, o.due_at <= world, sa.or_(o.not_before.is_(None), o.not_before <= machine))),
            aside=_examples(c, sa.select(w.kind, w.mention_id, w.fault).where(aside)), aside_count=_count(c, t.work, aside),
            refused=_examples(c, sa.select(sa.literal("index"), q.mention_id, q.fault).where(refused)), refused_count=_count(c, t.index_queue, refused),
            dead=_examples(c, sa.select(o.channel, o.id, o.answer).where(dead).order_by(o.id.desc())), dead_count=_count(c, t.outbox, dead),
            erasing=_count(c, t.tombstones, t.tombstones.c.done_at.is_(None)), outlived=_outlived(c, cut))


def _count(c: Connection, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    return int(c.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one())


def _time(c: Connection, chosen: sa.Select[Any]) -> datetime | None:
    found = c.execute(chosen).scalar()
    assert found is None or isinstance(found, datetime)
    return found


def _log_bytes(ledger: Ledger) -> int:
    path = file_of(ledger.engine)
    log = None if path is None else Path(f"{path}-wal")
    return log.stat().st_size if log is not None and log.exists() else 0


def _unfinished(name: str) -> tuple[sa.ColumnElement[bool], ...]:
    """A lease that ran out on something that is done or set aside troubles nobody."""
    return {"fetch": (t.fetch_jobs.c.ended_at.is_(None),), "work": (t.work.c.attempts < MAX_ATTEMPTS,), "alert": (t.outbox.c.state == OutboxState.LEASED.value,),
            "story": (t.stories.c.stirred > t.stories.c.decided,)}[name]


def _overdue_fetch(c: Connection, world: datetime) -> datetime | None:
    j, s = t.fetch_jobs.c, t.sources.c
    free = (j.ended_at.is_(None), j.due_at <= world, ~s.removed, sa.or_(s.next_try_at.is_(None), s.next_try_at <= world))
    return _time(c, sa.select(sa.func.min(j.due_at, type_=t.UtcTime)).join(t.sources, s.id == j.source).where(*free))


def _examples(c: Connection, chosen: sa.Select[Any]) -> tuple[Aside, ...]:
    return tuple(Aside(what=what, id=number, fault=fault or "") for what, number, fault in c.execute(chosen.limit(SHOWN)))


def _outlived(c: Connection, cut: datetime) -> int:
    i, sm, m = t.incidents.c, t.story_mentions.c, t.mentions.c
    held = sa.exists(sa.select(i.id).join(t.story_mentions, sm.story_id == i.story_id).where(sm.mention_id == m.id, i.closed_at.is_(None)))
    return _count(c, t.mentions, m.forgotten.is_(None), m.first_seen < cut, ~held)

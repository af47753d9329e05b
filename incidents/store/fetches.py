"""Durable fetch jobs: a standing row for each address, due at a world time, leased by machine time.

A job is done when everything it brought is committed, not before; a worker that dies leaves a lease that
runs out, and the job is leased again. A stale worker is fenced by the token.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from incidents.errors import LeaseLost
from incidents.model import Follow
from incidents.store import tables as t
from incidents.store.engine import reading, writing


@dataclass(frozen=True, kw_only=True)
class FetchJob:
    """One address to read. ``kind``: list, thread, article, revisit, longtext."""

    id: int
    source: str
    kind: str
    url: str
    mention_id: int | None
    payload: Mapping[str, Any]
    due_at: datetime
    attempts: int
    runs: int
    unchanged: int
    token: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a job ended. ``next_due`` None ends it for good; ``failed`` counts an attempt."""

    code: str
    next_due: datetime | None
    pages: int = 0
    found: int = 0
    new: int = 0
    detail: str = ""
    failed: bool = False
    payload: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is known of an address that has a job: what its last plan or run wrote, and whether it is done."""

    payload: Mapping[str, Any]
    ended: bool


class FetchStore:
    """Lease, renew, finish, put off."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def lease(self, worker: str, *, world: datetime, machine: datetime, lasts: timedelta, limit: int = 50,
              per_source: int = 20, without: Collection[str] = ()) -> list[FetchJob]:
        """Take up to ``limit`` due jobs, most urgent first, at most ``per_source`` of one source, none of ``without``.

        Sources whose breaker is open (``next_try_at`` in the future) are passed over.
        """
        j, s = t.fetch_jobs, t.sources
        due = (
            sa.select(j).join(s, s.c.id == j.c.source)
            .where(j.c.ended_at.is_(None), j.c.due_at <= world, ~s.c.removed, j.c.source.not_in(sorted(without)),
                   sa.or_(j.c.lease_until.is_(None), j.c.lease_until < machine),
                   sa.or_(s.c.next_try_at.is_(None), s.c.next_try_at <= world))
            .order_by(j.c.priority.desc(), j.c.due_at).limit(limit * 4)
        )
        with reading(self._engine) as c:  # look before asking for the writer's place
            if c.execute(due.limit(1)).first() is None:
                return []
        with writing(self._engine) as c:
            taken: list[FetchJob] = []
            share: dict[str, int] = {}
            for row in c.execute(due).mappings().all():
                if len(taken) == limit or share.get(row["source"], 0) == per_source:
                    continue
                share[row["source"]] = share.get(row["source"], 0) + 1
                taken.append(_job(row, row["token"] + 1))
            if taken:
                c.execute(sa.update(j).where(j.c.id.in_([job.id for job in taken]))
                          .values(lease_by=worker, lease_until=machine + lasts, token=j.c.token + 1))
        return taken

    def renew(self, jobs: Sequence[FetchJob], *, machine: datetime, lasts: timedelta) -> None:
        j = t.fetch_jobs
        with writing(self._engine) as c:
            for job in jobs:
                c.execute(sa.update(j).where(j.c.id == job.id, j.c.token == job.token, j.c.lease_by.isnot(None)).values(lease_until=machine + lasts))

    def finish(self, job: FetchJob, outcome: Outcome, world: datetime) -> None:
        """Record how the job ended and when it is due again.

        Raises:
            LeaseLost: somebody else holds the job by now.
        """
        with writing(self._engine) as c:
            finish_in(c, job, outcome, world)

    def put_off(self, jobs: Sequence[FetchJob], due_at: datetime) -> None:
        """Give leases back unused: no attempt is counted; jobs that ended or are another worker's by now are left alone."""
        j = t.fetch_jobs
        with writing(self._engine) as c:
            for job in jobs:
                c.execute(sa.update(j).where(j.c.id == job.id, j.c.token == job.token, j.c.lease_until.is_not(None))
                          .values(due_at=due_at, lease_by=None, lease_until=None))

    def standing(self, source: str, urls: Collection[str]) -> dict[str, Standing]:
        """The jobs that ``urls`` have already (threads, articles, further lists), by address."""
        j, wanted = t.fetch_jobs.c, sorted(urls)
        found: dict[str, Standing] = {}
        with reading(self._engine) as c:
            for start in range(0, len(wanted), 500):
                rows = c.execute(sa.select(j.url, j.payload, j.ended_at).where(
                    j.source == source, j.kind.in_(("thread", "article", "list")), j.url.in_(wanted[start : start + 500])))
                found.update({row.url: Standing(payload=row.payload, ended=row.ended_at is not None) for row in rows})
        return found

    def next_due(self) -> datetime | None:
        """When the earliest waiting job is due (world time)."""
        j = t.fetch_jobs
        with reading(self._engine) as c:
            return c.execute(sa.select(sa.func.min(j.c.due_at, type_=t.UtcTime)).where(j.c.ended_at.is_(None))).scalar()


def finish_in(c: Connection, job: FetchJob, outcome: Outcome, world: datetime) -> None:
    """``finish`` inside a transaction that is already open (the door's)."""
    j = t.fetch_jobs
    values: dict[str, Any] = dict(lease_by=None, lease_until=None, outcome=outcome.code, runs=j.c.runs + 1,
                                  attempts=j.c.attempts + 1 if outcome.failed else 0)
    if outcome.next_due is None:
        values["ended_at"] = world
    else:
        values["due_at"] = outcome.next_due
    if outcome.payload is not None:
        values["payload"] = dict(outcome.payload)
    if c.execute(sa.update(j).where(j.c.id == job.id, j.c.token == job.token).values(**values)).rowcount == 0:
        raise LeaseLost(f"Fetch job {job.id} was taken over; its pages are saved, its end is the other worker's to record.")
    c.execute(sa.insert(t.fetch_log).values(job_id=job.id, source=job.source, due_at=job.due_at, at=world, outcome=outcome.code, pages=outcome.pages,
                                            found=outcome.found, new=outcome.new, detail=outcome.detail[:500]))


def plan_in(c: Connection, source: str, follow: Follow, due_at: datetime, *, mention_id: int | None = None,
            priority: int = 0, payload: Mapping[str, Any] | None = None, again: bool = False) -> None:
    """Make the standing job of an address, or bring its due time forward. Twice is harmless.

    ``again`` reopens a job that is done and takes it from whoever runs it now (it was planned on newer news than
    the runner knows): the runner's pages are kept, its end is not.
    """
    j = t.fetch_jobs
    found = c.execute(sa.select(j.c.id, j.c.due_at, j.c.ended_at, j.c.payload).where(j.c.source == source, j.c.kind == follow.kind, j.c.url == follow.url)).first()
    if found is None:
        c.execute(sa.insert(j).values(source=source, kind=follow.kind, url=follow.url, due_at=due_at, mention_id=mention_id,
                                      priority=priority, payload=dict(payload or {})))
    elif again:
        c.execute(sa.update(j).where(j.c.id == found.id).values(
            due_at=due_at if found.ended_at is not None else min(due_at, found.due_at), ended_at=None, attempts=0, token=j.c.token + 1,
            lease_by=None, lease_until=None, payload={**found.payload, **(payload or {})}))
    elif found.ended_at is None and due_at < found.due_at:
        c.execute(sa.update(j).where(j.c.id == found.id).values(due_at=due_at))


def _job(row: Mapping[Any, Any], token: int) -> FetchJob:
    return FetchJob(id=row["id"], source=row["source"], kind=row["kind"], url=row["url"], mention_id=row["mention_id"],
                    payload=row["payload"], due_at=row["due_at"], attempts=row["attempts"], runs=row["runs"],
                    unchanged=row["unchanged"], token=token)

"""What is known of each source: its health, its breaker, its budget of the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from incidents.model import Health
from incidents.settings import SourceSettings
from incidents.store import tables as t
from incidents.store.engine import reading, writing


@dataclass(frozen=True, kw_only=True)
class SourceState:
    """One source as the ledger knows it."""

    id: str
    name: str
    kind: str
    platform: str
    tier: str
    url: str
    health: Health
    health_reason: str
    health_since: datetime | None
    fetched_at: datetime | None
    good_at: datetime | None
    newest_at: datetime | None
    next_try_at: datetime | None
    failures: int
    interval_s: int | None
    requests_today: int
    day: str | None
    validators: Mapping[str, Any]


def _state(row: Mapping[Any, Any]) -> SourceState:
    values = {name: row[name] for name in SourceState.__dataclass_fields__}
    values["health"] = Health(values["health"])
    return SourceState(**values)


class SourceStore:
    """Sources of the settings, with what their visits showed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def sync(self, sources: Sequence[SourceSettings], world: datetime) -> None:
        """Make the ledger's sources those of the settings; each gets its standing list job, due now when new."""
        with writing(self._engine) as c:
            c.execute(sa.update(t.sources).values(removed=True))
            for source in sources:
                self._sync_one(c, source, world)
            gone = sa.select(t.sources.c.id).where(t.sources.c.removed)
            c.execute(sa.update(t.fetch_jobs).where(t.fetch_jobs.c.source.in_(gone), t.fetch_jobs.c.ended_at.is_(None))
                      .values(ended_at=world, outcome="source removed"))

    def _sync_one(self, c: Connection, source: SourceSettings, world: datetime) -> None:
        values = dict(name=source.name, kind=source.kind, platform=source.platform or source.kind, tier=source.tier,
                      url=source.url, removed=source.paused)
        if c.execute(sa.update(t.sources).where(t.sources.c.id == source.id).values(**values)).rowcount == 0:
            c.execute(sa.insert(t.sources).values(id=source.id, **values))
        found = c.execute(sa.select(t.fetch_jobs.c.id).where(t.fetch_jobs.c.source == source.id, t.fetch_jobs.c.kind == "list",
                                                             t.fetch_jobs.c.url == source.url)).first()
        c.execute(sa.update(t.fetch_jobs).where(t.fetch_jobs.c.source == source.id, t.fetch_jobs.c.kind == "list", t.fetch_jobs.c.url != source.url)
                  .values(ended_at=world, outcome="address changed"))
        if found is None:
            c.execute(sa.insert(t.fetch_jobs).values(source=source.id, kind="list", url=source.url, due_at=world, priority=10))
        elif not source.paused:
            c.execute(sa.update(t.fetch_jobs).where(t.fetch_jobs.c.id == found.id).values(ended_at=None))

    def all(self) -> list[SourceState]:
        with reading(self._engine) as c:
            rows = c.execute(sa.select(t.sources).where(~t.sources.c.removed).order_by(t.sources.c.id)).mappings().all()
        return [_state(row) for row in rows]

    def one(self, source: str) -> SourceState | None:
        with reading(self._engine) as c:
            row = c.execute(sa.select(t.sources).where(t.sources.c.id == source)).mappings().first()
        return None if row is None else _state(row)

    def report(self, source: str, health: Health, reason: str, world: datetime, **changes: Any) -> Health:
        """Note what a visit showed. ``health_since`` moves only when the state changes.

        ``changes`` may set fetched_at, good_at, newest_at, next_try_at, failures, interval_s, validators.
        Returns the state before, so that the caller can see a change.
        """
        with writing(self._engine) as c:
            before = Health(c.execute(sa.select(t.sources.c.health).where(t.sources.c.id == source)).scalar_one())
            if before != health:
                changes["health_since"] = world
            c.execute(sa.update(t.sources).where(t.sources.c.id == source)
                      .values(health=health.value, health_reason=reason, **changes))
        return before

    def heard(self, source: str, since: datetime) -> tuple[datetime | None, int]:
        """When the source was first visited, and how many new mentions it brought since ``since``."""
        log = t.fetch_log.c
        with reading(self._engine) as c:
            first = c.execute(sa.select(sa.func.min(log.at, type_=t.UtcTime)).where(log.source == source)).scalar()
            new = c.execute(sa.select(sa.func.coalesce(sa.func.sum(log.new), 0)).where(log.source == source, log.at >= since)).scalar_one()
        return first, int(new)

    def spend(self, source: str, requests: int, day: str) -> int:
        """Count requests against the budget of ``day`` (YYYY-MM-DD, Asia/Shanghai); returns the day's sum so far."""
        with writing(self._engine) as c:
            row = c.execute(sa.select(t.sources.c.day, t.sources.c.requests_today).where(t.sources.c.id == source)).one()
            total = requests + (row.requests_today if row.day == day else 0)
            c.execute(sa.update(t.sources).where(t.sources.c.id == source).values(day=day, requests_today=total))
        return total

"""The ledger, whole: the truth. One object, its parts by name.

    ledger = open_ledger(settings)
    ledger.fetches.lease(…)   ledger.door.save(…)   ledger.work.claim(…)   ledger.stories.claim_stirred(…)
    ledger.incidents.decide(…)   ledger.outbox.claim(…)   ledger.index.claim(…)   ledger.people.in_session(…)
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from incidents.settings import Settings
from incidents.store import migrations
from incidents.store import tables as t
from incidents.store.clock import ClockStore
from incidents.store.door import Door
from incidents.store.engine import open_engine, writing
from incidents.store.fetches import FetchStore
from incidents.store.forecasts import ForecastStore
from incidents.store.incidents import IncidentStore
from incidents.store.index import IndexStore
from incidents.store.outbox import OutboxStore
from incidents.store.people import PeopleStore
from incidents.store.sources import SourceStore
from incidents.store.stories import StoryStore
from incidents.store.work import WorkStore


class Ledger:
    """All parts over one engine."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine = engine
        self.clock = ClockStore(engine, settings)
        self.sources = SourceStore(engine)
        self.fetches = FetchStore(engine)
        self.door = Door(engine, _author_secret(engine))
        self.work = WorkStore(engine)
        self.stories = StoryStore(engine)
        self.incidents = IncidentStore(engine)
        self.forecasts = ForecastStore(engine)
        self.outbox = OutboxStore(engine)
        self.index = IndexStore(engine)
        self.people = PeopleStore(engine)

    def lead(self, name: str, holder: str, machine: datetime, lasts: timedelta) -> int | None:
        """Take or keep the lease ``name``; returns the fencing token, or None while somebody else holds it."""
        k = t.leases.c
        with writing(self.engine) as c:
            row = c.execute(sa.select(t.leases).where(k.name == name)).mappings().first()
            if row is None:
                c.execute(sa.insert(t.leases).values(name=name, lease_by=holder, lease_until=machine + lasts, token=1))
                return 1
            if row["lease_by"] not in (None, holder) and row["lease_until"] is not None and row["lease_until"] > machine:
                return None
            token: int = row["token"] + (row["lease_by"] != holder)
            c.execute(sa.update(t.leases).where(k.name == name).values(lease_by=holder, lease_until=machine + lasts, token=token))
        return token

    def yield_lead(self, name: str, holder: str) -> None:
        k = t.leases.c
        with writing(self.engine) as c:
            c.execute(sa.update(t.leases).where(k.name == name, k.lease_by == holder).values(lease_by=None, lease_until=None))

    def close(self) -> None:
        self.engine.dispose()


def open_ledger(settings: Settings) -> Ledger:
    """Open the ledger that the settings name, bring its schema up to date, follow its clock.

    Raises:
        LedgerError: it is damaged, from a newer version, or begun at another clock.
    """
    engine = open_engine(settings.ledger_url)
    migrations.migrate(engine)
    ledger = Ledger(engine, settings)
    ledger.clock.follow()
    return ledger


def _author_secret(engine: Engine) -> bytes:
    """The key of the authors' pseudonyms: made once, kept in the ledger, shown nowhere."""
    m = t.meta.c
    with writing(engine) as c:
        found = c.execute(sa.select(m.value).where(m.name == "author_secret")).scalar()
        if found is None:
            found = secrets.token_hex(32)
            c.execute(sa.insert(t.meta).values(name="author_secret", value=found))
    return bytes.fromhex(found)


__all__ = ["Ledger", "open_ledger"]

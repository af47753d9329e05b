"""The ledger, whole: the truth. One object, its parts by name.

    ledger = open_ledger(settings)
    ledger.fetches.lease(…)   ledger.door.save(…)   ledger.work.claim(…)   ledger.stories.claim_stirred(…)
    ledger.incidents.decide(…)   ledger.outbox.claim(…)   ledger.index.claim(…)   ledger.people.in_session(…)
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Engine

from incidents import now
from incidents.settings import Settings
from incidents.store import damage, migrations
from incidents.store import tables as t
from incidents.store.clock import ClockStore
from incidents.store.door import Door
from incidents.store.engine import open_engine, reading, writing
from incidents.store.fetches import FetchStore
from incidents.store.forecasts import ForecastStore
from incidents.store.incidents import IncidentStore
from incidents.store.index import IndexStore
from incidents.store.labels import LabelStore
from incidents.store.outbox import OutboxStore
from incidents.store.people import PeopleStore
from incidents.store.reserve import Reserve
from incidents.store.searches import SearchStore
from incidents.store.sources import SourceStore
from incidents.store.stories import StoryStore
from incidents.store.story_forecasts import StoryForecastStore
from incidents.store.work import WorkStore

SMALL = 32 * 2**20  # bytes; every page of a smaller file is looked at in a tenth of a second whenever it is opened


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
        self.story_forecasts = StoryForecastStore(engine)
        self.outbox = OutboxStore(engine)
        self.index = IndexStore(engine)
        self.people = PeopleStore(engine)
        self.searches = SearchStore(engine)
        self.labels = LabelStore(engine)
        self._closed = False

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
        if (path := file_of(self.engine)) is not None and not self._closed:
            damage.Opened.leave(path)
        self._closed = True


def open_ledger(settings: Settings, *, thorough: bool = False) -> Ledger:
    """Open the ledger that the settings name, bring its schema up to date, follow its clock.

    The file and its log are looked at before; every page of a small ledger, or of any when ``thorough`` (the
    supervisor, which makes the reserve for a full disk too).

    Raises:
        LedgerDamaged: gone, cut short or damaged; the sentence names `yujing restore`.
        LedgerError: from a newer version, or begun at another clock.
    """
    engine = open_engine(settings.ledger_url)
    path = file_of(engine)
    alone = path is not None and damage.Opened.enter(path)
    try:
        if path is not None and alone:
            damage.inspect(path)
        ledger = _open(engine, settings, path, thorough)
    except Exception:
        engine.dispose()
        if path is not None:
            damage.Opened.leave(path)
        raise
    return ledger


def _open(engine: Engine, settings: Settings, path: Path | None, thorough: bool) -> Ledger:
    if path is not None:
        Reserve(path).before_write()  # even a reader needs room for the log's index
    if path is not None and path.exists() and (thorough or path.stat().st_size <= SMALL):
        damage.check_pages(engine)
    migrations.migrate(engine)
    ledger = Ledger(engine, settings)
    if path is not None:
        damage.mark(path, _kept(engine, "ledger_id", lambda: secrets.token_hex(8)), now.machine())
        if thorough:
            Reserve(path).keep()
    ledger.clock.follow()
    return ledger


def file_of(engine: Engine) -> Path | None:
    """The ledger's file; None for one in memory or on a server."""
    database = engine.url.database
    return Path(database) if engine.url.get_backend_name() == "sqlite" and database and database != ":memory:" else None


def _author_secret(engine: Engine) -> bytes:
    """The key of the authors' pseudonyms: made once, kept in the ledger, shown nowhere."""
    return bytes.fromhex(_kept(engine, "author_secret", lambda: secrets.token_hex(32)))


def _kept(engine: Engine, name: str, make: Callable[[], str]) -> str:
    """A value of ``meta``, made once. Only the first opening writes, so that opening waits for no writer."""
    m = t.meta.c
    asked = sa.select(m.value).where(m.name == name)
    with reading(engine) as c:
        found = c.execute(asked).scalar()
    if found is None:
        with writing(engine) as c:
            c.execute(sqlite_insert(t.meta).on_conflict_do_nothing().values(name=name, value=make()))
            found = c.execute(asked).scalar_one()
    return str(found)


__all__ = ["Ledger", "file_of", "open_ledger"]

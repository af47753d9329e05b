"""Saved searches: a name for a query and for what narrows it, shared by the whole team.

Keeping one and deleting one are lines of the audit, written in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from incidents.errors import Refused
from incidents.store import tables as t
from incidents.store.engine import new_id, reading, writing

MOST = 200
LONGEST_NAME = 60


@dataclass(frozen=True, kw_only=True)
class SavedSearch:
    """``narrowed`` holds what the page's address holds beside the query: brand, source, platform, sentiment, span, from, until."""

    id: int
    name: str
    query: str
    narrowed: Mapping[str, str] = field(default_factory=dict)
    made_by: str
    made_at: datetime


class SearchStore:
    """Keep, list, open, delete."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, name: str, query: str, narrowed: Mapping[str, str], *, by: str, world: datetime, machine: datetime) -> int:
        """Keep a search under ``name``; returns its id.

        Raises:
            Refused: no name, a name that is taken, or 200 searches are kept already.
        """
        name = name.strip()[:LONGEST_NAME]
        if not name:
            raise Refused("A saved search needs a name.")
        s = t.searches.c
        with writing(self._engine) as c:
            if c.execute(sa.select(s.id).where(s.name == name)).first() is not None:
                raise Refused(f"There is a saved search {name!r} already: choose another name, or delete that one.")
            if c.execute(sa.select(sa.func.count()).select_from(t.searches)).scalar_one() >= MOST:
                raise Refused(f"{MOST} searches are kept already: delete one first.")
            made = c.execute(sa.insert(t.searches).values(name=name, query=query, narrowed=dict(narrowed), made_by=by, made_at=world))
            _note(c, by, "search_kept", {"name": name, "query": query, "narrowed": dict(narrowed)}, machine)
            return new_id(made)

    def delete(self, search_id: int, *, by: str, machine: datetime) -> bool:
        """Take one away; False when somebody was faster."""
        s = t.searches.c
        with writing(self._engine) as c:
            name = c.execute(sa.select(s.name).where(s.id == search_id)).scalar()
            if name is None:
                return False
            c.execute(sa.delete(t.searches).where(s.id == search_id))
            _note(c, by, "search_deleted", {"name": name}, machine)
        return True

    def one(self, search_id: int) -> SavedSearch | None:
        with reading(self._engine) as c:
            row = c.execute(sa.select(t.searches).where(t.searches.c.id == search_id)).mappings().first()
        return None if row is None else SavedSearch(**row)

    def all(self) -> list[SavedSearch]:
        """By name."""
        with reading(self._engine) as c:
            return [SavedSearch(**row) for row in c.execute(sa.select(t.searches).order_by(t.searches.c.name).limit(MOST)).mappings()]


def _note(c: Connection, who: str, what: str, values: Mapping[str, Any], at: datetime) -> None:
    c.execute(sa.insert(t.audit).values(at=at, who=who, what=what, values=dict(values)))

"""What the ledger still holds in words, for trying a brand's names on it before it is watched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from incidents.store import tables as t
from incidents.store.engine import reading


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One stored text with what queries may ask of it."""

    source: str
    platform: str
    author: str
    title: str
    text: str
    dated: datetime


def texts_since(engine: Engine, since: datetime) -> Iterator[Stored]:
    """Everything first seen since then that still has its words, of every brand and of none; newest first."""
    m = t.mentions.c
    wanted = (sa.select(m.source, m.platform, m.author_name.label("author"), m.title, m.text, m.dated)
              .where(m.first_seen >= since, m.forgotten.is_(None), m.tombstone_at.is_(None)).order_by(m.dated.desc()))
    with reading(engine) as c:
        for row in c.execute(wanted).mappings():
            yield Stored(**row)

"""The index queue: what the archive must still learn. A row leaves when the archive confirmed that version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection, Engine

from incidents import now
from incidents.model import METRICS
from incidents.store import tables as t
from incidents.store.engine import reading, writing

PORTION = 8192  # documents in one write of many: a full-text index that is filled by small transactions merges itself again and again
TRIES = 5  # of a document that the archive refuses
LOOKED_UP = 500  # ids in one statement


@dataclass(frozen=True, kw_only=True)
class Document:
    """One mention as a search sees it. ``gone`` removes it (tombstone, erasure)."""

    mention_id: int
    version: int
    gone: bool
    title: str
    text: str
    author: str
    source: str
    platform: str
    dated: datetime
    brands: tuple[str, ...]
    sentiments: dict[str, str]  # brand → class
    stories: tuple[int, ...]
    counts: Mapping[str, int] = field(default_factory=dict)  # newest known engagement; what is unknown is left out


class IndexStore:
    """Feeds an archive."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, limit: int = 256) -> list[Document]:
        """The oldest waiting documents. No lease: writing one twice to the archive is harmless."""
        q = t.index_queue.c
        with reading(self._engine) as c:
            ids = c.execute(sa.select(q.mention_id).where(q.attempts < TRIES).order_by(q.queued_at).limit(limit)).scalars().all()
            return list(_documents(c, ids))

    def confirm(self, documents: Sequence[Document]) -> None:
        q = t.index_queue.c
        if documents:
            with writing(self._engine) as c:
                c.execute(sa.delete(t.index_queue).where(q.mention_id == sa.bindparam("of_mention"), q.version <= sa.bindparam("up_to")),
                          [dict(of_mention=one.mention_id, up_to=one.version) for one in documents])

    def refuse(self, faults: Mapping[int, str]) -> None:
        """The archive refused these documents (mention id → fault): each is tried five times, then set aside and shown."""
        m, q = t.mentions.c, t.index_queue.c
        if not faults:
            return
        chosen = sa.select(m.id, m.version, sa.literal(now.machine(), t.UtcTime), sa.literal(1), sa.bindparam("why", type_=sa.Text)).where(m.id == sa.bindparam("of_mention"))
        made = sqlite_insert(t.index_queue).from_select(["mention_id", "version", "queued_at", "attempts", "fault"], chosen)
        with writing(self._engine) as c:
            c.execute(made.on_conflict_do_update(index_elements=["mention_id"], set_=dict(attempts=q.attempts + 1, fault=made.excluded.fault)),
                      [dict(of_mention=one, why=fault[:300]) for one, fault in faults.items()])

    def aside(self, limit: int = 1000) -> list[tuple[int, int]]:
        """(mention id, version) of what was set aside, the oldest first."""
        q = t.index_queue.c
        with reading(self._engine) as c:
            rows = c.execute(sa.select(q.mention_id, q.version).where(q.attempts >= TRIES).order_by(q.queued_at).limit(limit))
            return [(row.mention_id, row.version) for row in rows]

    def waiting(self) -> int:
        with reading(self._engine) as c:
            return int(c.execute(sa.select(sa.func.count()).select_from(t.index_queue)).scalar_one())

    def everything(self, step: int = PORTION) -> Iterator[list[Document]]:
        """All mentions in portions, for ``archive rebuild``."""
        last = 0
        while True:
            with reading(self._engine) as c:
                ids = c.execute(sa.select(t.mentions.c.id).where(t.mentions.c.id > last).order_by(t.mentions.c.id).limit(step)).scalars().all()
                found = list(_documents(c, ids))
            if not ids:
                return
            last = ids[-1]
            yield found

    def documents(self, ids: Sequence[int]) -> list[Document]:
        """These mentions as they are now."""
        with reading(self._engine) as c:
            return list(_documents(c, ids))

    def living(self, first: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
        """(mention id, version) of all mentions that a search may show, of ids from ``first`` to before ``end``."""
        m = t.mentions.c
        chosen = sa.select(m.id, m.version).where(m.tombstone_at.is_(None), m.id >= first)
        if end is not None:
            chosen = chosen.where(m.id < end)
        with reading(self._engine) as c:
            for row in c.execute(chosen.execution_options(yield_per=10_000)):
                yield row.id, row.version


def _documents(c: Connection, ids: Sequence[int]) -> Iterator[Document]:
    for start in range(0, len(ids), LOOKED_UP):
        yield from _some(c, ids[start : start + LOOKED_UP])


def _some(c: Connection, ids: Sequence[int]) -> Iterator[Document]:
    rows = c.execute(sa.select(t.mentions).where(t.mentions.c.id.in_(ids)).order_by(t.mentions.c.dated)).mappings().all()
    brands = _grouped(c, sa.select(t.mention_brands.c.mention_id, t.mention_brands.c.brand).where(t.mention_brands.c.mention_id.in_(ids)))
    sentiments = _grouped(c, sa.select(t.scores.c.mention_id, t.scores.c.brand, t.scores.c.sentiment).where(t.scores.c.mention_id.in_(ids)))
    stories = _grouped(c, sa.select(t.story_mentions.c.mention_id, t.story_mentions.c.story_id).where(t.story_mentions.c.mention_id.in_(ids)))
    for r in rows:
        yield Document(mention_id=r["id"], version=r["version"], gone=r["tombstone_at"] is not None, title=r["title"], text=r["text"],
                       author=r["author_name"], source=r["source"], platform=r["platform"], dated=r["dated"],
                       brands=tuple(b for (b,) in brands.get(r["id"], ())), sentiments=dict(sentiments.get(r["id"], ())),
                       stories=tuple(s for (s,) in stories.get(r["id"], ())),
                       counts={name: r[name] for name in METRICS if r[name] is not None})


def _grouped(c: Connection, chosen: sa.Select[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in c.execute(chosen):
        found.setdefault(row[0], []).append(tuple(row[1:]))
    return found

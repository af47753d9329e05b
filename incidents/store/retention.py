"""What is let go, and when. What matched no brand is kept seven days, so that a new query can be tried on it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from incidents.store import tables as t
from incidents.store.engine import reading, writing


def drop_unmatched(engine: Engine, before: datetime, limit: int = 1000) -> int:
    """Delete unmatched mentions first seen before ``before``; their place in the archive goes with them."""
    m = t.mentions.c
    old = sa.select(m.id).where(~m.matched, m.first_seen < before).limit(limit)
    with reading(engine) as c:
        if c.execute(old.limit(1)).first() is None:
            return 0
    with writing(engine) as c:
        ids = c.execute(old).scalars().all()
        for table in (t.snapshots, t.fetch_jobs):
            c.execute(sa.delete(table).where(table.c.mention_id.in_(ids)))
        c.execute(sa.update(t.mentions).where(m.id.in_(ids)).values(tombstone_at=before, title="", text="", quote="", author_name="", version=m.version + 1))
        for one in ids:
            if c.execute(sa.update(t.index_queue).where(t.index_queue.c.mention_id == one)
                         .values(version=sa.select(m.version).where(m.id == one).scalar_subquery())).rowcount == 0:
                c.execute(sa.insert(t.index_queue).values(mention_id=one, version=sa.select(m.version).where(m.id == one).scalar_subquery(), queued_at=before))
        c.execute(sa.update(t.mentions).where(m.id.in_(ids)).values(matched=True))  # handled: not chosen again; the key stays, so it is not stored anew
    return len(ids)

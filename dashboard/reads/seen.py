"""Mentions with what was marked in them, and those of a story."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dashboard import desk
from dashboard.reads.kept import ROWS, briefly
from incidents.brands import spans_from_json
from incidents.model import METRICS, Sentiment, Span
from incidents.store import tables as t
from incidents.store.engine import reading


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One mention with what the models marked in it, for the eyes of a person."""

    id: int
    brand: str
    platform: str
    source: str
    title: str
    text: str
    url: str
    author_name: str
    followers: int | None
    verified: bool | None
    dated: datetime
    first_seen: datetime
    edited: bool
    gone: bool
    counts: tuple[tuple[str, int], ...]
    sentiment: Sentiment | None
    negative: float | None
    issue: str | None
    nature: str | None
    harms: tuple[Span, ...]
    names: tuple[Span, ...]
    why: tuple[Span, ...]


SEEN = (*(t.mentions.c[name] for name in ("id", "platform", "source", "title", "text", "url", "author_name", "followers", "verified", "dated",
                                          "first_seen", "edited_at", "tombstone_at", *METRICS)),
        t.mention_brands.c.brand, t.mention_brands.c.spans, t.scores.c.sentiment, t.scores.c.negative, t.scores.c.issue, t.scores.c.nature, t.scores.c.signals, t.scores.c.reasons)


def _seen_from() -> sa.Join:
    m, b, s = t.mentions, t.mention_brands, t.scores
    return m.join(b, b.c.mention_id == m.c.id).outerjoin(s, sa.and_(s.c.mention_id == m.c.id, s.c.brand == b.c.brand))


def seen_of(row: Mapping[str, Any] | sa.RowMapping, *, whole: bool = False) -> Seen:
    """A row of ``SEEN``; its text up to 2 000 code points unless the whole is wanted."""
    plain = ("id", "brand", "platform", "source", "title", "url", "author_name", "followers", "verified", "dated", "first_seen", "negative", "issue", "nature")
    return Seen(
        **{name: row[name] for name in plain}, text=row["text"] if whole else row["text"][:2_000], edited=row["edited_at"] is not None, gone=row["tombstone_at"] is not None,
        counts=tuple((name, row[name]) for name in METRICS if row[name] is not None),
        sentiment=Sentiment(row["sentiment"]) if row["sentiment"] else None,
        harms=spans_from_json(row["signals"] or ()), names=spans_from_json(row["spans"] or ()), why=spans_from_json(row["reasons"] or ()))


@briefly(10.0)
def representative(story_id: int, brand: str, limit: int = 20) -> tuple[Seen, ...]:
    """Mentions of a story: most reposted and discussed first."""
    m, sm = t.mentions.c, t.story_mentions
    size = sa.func.coalesce(m.reposts, 0) + sa.func.coalesce(m.comments, 0)
    chosen = (sa.select(*SEEN).select_from(_seen_from().join(sm, sa.and_(sm.c.mention_id == m.id, sm.c.brand == t.mention_brands.c.brand)))
              .where(sm.c.story_id == story_id, sm.c.brand == brand).order_by(size.desc(), m.dated).limit(min(limit, ROWS)))
    with reading(desk.here().ledger.engine) as c:
        return tuple(seen_of(row) for row in c.execute(chosen).mappings())


@briefly(2.0)
def lead(story_id: int, brand: str) -> Seen | None:
    """The story's first mention."""
    first = sa.select(t.stories.c.lead_id).where(t.stories.c.id == story_id).scalar_subquery()
    with reading(desk.here().ledger.engine) as c:
        row = c.execute(sa.select(*SEEN).select_from(_seen_from()).where(t.mentions.c.id == first, t.mention_brands.c.brand == brand)).mappings().first()
    return None if row is None else seen_of(row)

"""Mentions with what was marked in them: those of a story, and those that a search found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from dashboard import desk
from dashboard.reads.kept import ROWS, briefly
from incidents.brands import spans_from_json
from incidents.model import METRICS, Sentiment, Span
from incidents.store import tables as t
from incidents.store.engine import reading
from incidents.store.search import ArchiveDown, Query
from incidents.text import search_terms


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
    harms: tuple[Span, ...]
    names: tuple[Span, ...]


SEEN = (*(t.mentions.c[name] for name in ("id", "platform", "source", "title", "text", "url", "author_name", "followers", "verified", "dated",
                                          "first_seen", "edited_at", "tombstone_at", *METRICS)),
        t.mention_brands.c.brand, t.mention_brands.c.spans, t.scores.c.sentiment, t.scores.c.negative, t.scores.c.issue, t.scores.c.signals)


def _seen_from() -> sa.Join:
    m, b, s = t.mentions, t.mention_brands, t.scores
    return m.join(b, b.c.mention_id == m.c.id).outerjoin(s, sa.and_(s.c.mention_id == m.c.id, s.c.brand == b.c.brand))


def _seen(row: sa.RowMapping) -> Seen:
    plain = ("id", "brand", "platform", "source", "title", "url", "author_name", "followers", "verified", "dated", "first_seen", "negative", "issue")
    return Seen(
        **{name: row[name] for name in plain}, text=row["text"][:2_000], edited=row["edited_at"] is not None, gone=row["tombstone_at"] is not None,
        counts=tuple((name, row[name]) for name in METRICS if row[name] is not None),
        sentiment=Sentiment(row["sentiment"]) if row["sentiment"] else None,
        harms=spans_from_json(row["signals"] or ()), names=spans_from_json(row["spans"] or ()))


@briefly(10.0)
def representative(story_id: int, brand: str, limit: int = 20) -> tuple[Seen, ...]:
    """Mentions of a story: most reposted and discussed first."""
    m, sm = t.mentions.c, t.story_mentions
    size = sa.func.coalesce(m.reposts, 0) + sa.func.coalesce(m.comments, 0)
    chosen = (sa.select(*SEEN).select_from(_seen_from().join(sm, sa.and_(sm.c.mention_id == m.id, sm.c.brand == t.mention_brands.c.brand)))
              .where(sm.c.story_id == story_id, sm.c.brand == brand).order_by(size.desc(), m.dated).limit(min(limit, ROWS)))
    with reading(desk.here().ledger.engine) as c:
        return tuple(_seen(row) for row in c.execute(chosen).mappings())


@briefly(2.0)
def lead(story_id: int, brand: str) -> Seen | None:
    """The story's first mention."""
    first = sa.select(t.stories.c.lead_id).where(t.stories.c.id == story_id).scalar_subquery()
    with reading(desk.here().ledger.engine) as c:
        row = c.execute(sa.select(*SEEN).select_from(_seen_from()).where(t.mentions.c.id == first, t.mention_brands.c.brand == brand)).mappings().first()
    return None if row is None else _seen(row)


@dataclass(frozen=True, kw_only=True)
class SearchPage:
    """One page of a search: newest first; ``before`` asks for the next one; ``waiting`` are not indexed yet."""

    rows: tuple[Seen, ...]
    before: int | None
    total: int | None
    by_day: tuple[tuple[str, int], ...]
    waiting: int
    fault: str | None = None


@briefly(3.0)
def search(words: tuple[str, ...], brand: str | None, platform: str | None, sentiment: str | None, since: datetime | None,
           before: int | None, limit: int = 50) -> SearchPage:
    """Ask the archive, then read the mentions from the ledger. An archive that is down is said, not raised."""
    asked = Query(words=tuple(word for word in words if search_terms(word)), brand=brand, platform=platform, sentiment=sentiment, since=since)
    waiting = desk.here().ledger.index.waiting()
    try:
        archive = desk.here().archive()
        found = archive.newest(asked, limit=min(limit, ROWS), before=before)
        total, days = (archive.count(asked), archive.by_day(asked)) if before is None else (None, {})
    except ArchiveDown as error:
        return SearchPage(rows=(), before=None, total=None, by_day=(), waiting=waiting, fault=str(error))
    return SearchPage(rows=_by_ids(found.ids, brand), before=found.before, total=total, by_day=tuple(sorted(days.items())[-400:]), waiting=waiting)


def _by_ids(ids: tuple[int, ...], brand: str | None) -> tuple[Seen, ...]:
    """The mentions in the order of ``ids``, each once (towards ``brand`` if one is asked for). Unmatched ones have no brand row."""
    m, b, s = t.mentions, t.mention_brands, t.scores
    joined = m.outerjoin(b, b.c.mention_id == m.c.id).outerjoin(s, sa.and_(s.c.mention_id == m.c.id, s.c.brand == b.c.brand))
    chosen = sa.select(*SEEN).select_from(joined).where(m.c.id.in_(ids))
    chosen = chosen.where(b.c.brand == brand) if brand else chosen.order_by(b.c.brand.desc())
    with reading(desk.here().ledger.engine) as c:
        found = {row["id"]: _seen({**row, "brand": row["brand"] or ""}) for row in c.execute(chosen).mappings()}  # type: ignore[arg-type]
    return tuple(found[one] for one in ids if one in found)

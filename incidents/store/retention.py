"""What is let go, and when, with a proof of it.

Three ages, all counted from when we first saw a mention (``first_seen``), so that an old post that is still
public is kept as long as a new one:

- what matched no brand loses its words after ``unmatched`` (7 d), its key stays so that it is not stored anew;
- everything else is let go after ``mentions`` (400 d): first the words, then, when the archive has dropped its
  document, the rows. What an open incident rests on is held; of a closed one a bare row stays, without words;
- the proof of a day is how many went, up to which moment, and a digest over their keys and the day before.

Every step is one short transaction and may run twice; ``run`` repeats steps for a bounded time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection, Engine

from incidents import now as times
from incidents.settings import RetentionSettings
from incidents.store import erasure
from incidents.store import tables as t
from incidents.store.door import queue_index
from incidents.store.engine import reading, writing
from incidents.store.placing import drop_terms

STEP = 500
UNMATCHED, EXPIRED, BARE, ERASED = "unmatched", "expired", "bare", "erased"
LOG_KEPT = timedelta(days=30)  # of the fetch log; health looks back 14 days at most
BLANK = dict(title="", text="", quote="", author=None, author_name="", fingerprint="", text_hash="", followers=None, friends=None, posts=None, verified=None)


@dataclass(frozen=True, kw_only=True)
class Report:
    """The proof: nothing older than ``cut`` is left but ``held`` (open incidents) and ``bare`` rows without words."""

    cut: datetime
    oldest: datetime | None  # first_seen of the oldest mention that still has its words
    older: int  # mentions with words that are older than `cut`: those held, and those whose turn comes next
    held: int
    bare: int
    waiting: int  # without words, their documents not yet dropped by the archive
    days: tuple[tuple[str, int, str], ...]  # (day, let go, digest), newest first


def run(engine: Engine, kept: RetentionSettings, world: datetime, budget: timedelta = timedelta(seconds=2)) -> int:
    """Repeat all steps until nothing is old or ``budget`` (machine time) is spent; returns how many mentions moved."""
    moved, ends = 0, times.monotonic() + budget.total_seconds()
    steps: tuple[Callable[[], int], ...] = (
        lambda: drop_unmatched(engine, world - kept.unmatched), lambda: expire(engine, world - kept.mentions, world),
        lambda: sweep(engine, world - kept.mentions, world), lambda: erasure.step(engine, world), lambda: trim_log(engine, world))
    for step in steps:
        while times.monotonic() < ends and (now_moved := step()):
            moved += now_moved
    return moved


def drop_unmatched(engine: Engine, before: datetime, limit: int = STEP) -> int:
    """Blank unmatched mentions first seen before ``before``; their documents leave the archive, their keys stay."""
    m = t.mentions.c
    return _blank(engine, sa.select(m.id).where(~m.matched, m.forgotten.is_(None), m.first_seen < before).limit(limit), UNMATCHED, before)


def expire(engine: Engine, before: datetime, world: datetime, limit: int = STEP) -> int:
    """Blank mentions first seen before ``before``, but for those that an open incident rests on."""
    m = t.mentions.c
    for state in (None, UNMATCHED, ERASED):
        old = sa.select(m.id).where(m.forgotten.is_(None) if state is None else m.forgotten == state, m.first_seen < before, ~_held(open_only=True)).limit(limit)
        if moved := _blank(engine, old, EXPIRED, world):
            return moved
    return 0


def _held(*, open_only: bool) -> sa.Exists:
    """An incident (an open one) rests on the mention."""
    i, sm = t.incidents.c, t.story_mentions.c
    held = sa.select(i.id).join(t.story_mentions, sm.story_id == i.story_id).where(sm.mention_id == t.mentions.c.id)
    return sa.exists(held.where(i.closed_at.is_(None)) if open_only else held)


def _blank(engine: Engine, chosen: sa.Select[Any], why: str, at: datetime) -> int:
    m = t.mentions.c
    with reading(engine) as c:
        if c.execute(chosen.limit(1)).first() is None:
            return 0
    with writing(engine) as c:
        ids = [row[0] for row in c.execute(chosen)]
        for row in c.execute(sa.select(m.id, m.title, m.text).where(m.id.in_(ids))).mappings().all():
            erasure.drop_bands(c, row)
        c.execute(sa.update(t.mentions).where(m.id.in_(ids)).values(forgotten=why, tombstone_at=sa.func.coalesce(m.tombstone_at, sa.literal(at, t.UtcTime)), **BLANK))
        for table in (t.fetch_jobs, t.work, *((t.snapshots,) if why == UNMATCHED else ())):
            c.execute(sa.delete(table).where(table.c.mention_id.in_(ids)))
        drop_terms(c, ids)
        queue_index(c, ids, bump=True)
    return len(ids)


def sweep(engine: Engine, cut: datetime, world: datetime, limit: int = STEP) -> int:
    """Delete the rows of expired mentions whose documents have left the archive, and add them to the day's proof."""
    m = t.mentions.c
    dropped = ~sa.exists(sa.select(t.index_queue.c.mention_id).where(t.index_queue.c.mention_id == m.id))
    chosen = sa.select(m.id, m.key, _held(open_only=False).label("held")).where(m.forgotten == EXPIRED, dropped).limit(limit)
    with reading(engine) as c:
        if c.execute(chosen.limit(1)).first() is None:
            return 0
    with writing(engine) as c:
        rows = c.execute(chosen).all()
        bare, gone = [r.id for r in rows if r.held], [r.id for r in rows if not r.held]
        c.execute(sa.update(t.mentions).where(m.id.in_(bare)).values(forgotten=BARE))
        _delete(c, gone)
        _prove(c, cut, world, sorted(r.key for r in rows if not r.held), len(bare))
    return len(rows)


def _delete(c: Connection, ids: Sequence[int]) -> None:
    """Every row of these mentions; stories that lose all their mentions go with their forecasts."""
    s, sm = t.stories.c, t.story_mentions.c
    touched = c.execute(sa.select(sm.story_id).where(sm.mention_id.in_(ids)).distinct()).scalars().all()
    for table in (t.snapshots, t.mention_brands, t.scores, t.story_mentions, t.mentions):
        c.execute(sa.delete(table).where((table.c.id if table is t.mentions else table.c.mention_id).in_(ids)))
    empty = sa.and_(s.id.in_(touched), ~sa.exists(sa.select(sm.mention_id).where(sm.story_id == s.id)))
    c.execute(sa.delete(t.forecasts).where(t.forecasts.c.story_id.in_(sa.select(s.id).where(empty))))
    c.execute(sa.delete(t.story_forecasts).where(t.story_forecasts.c.story_id.in_(sa.select(s.id).where(empty))))
    c.execute(sa.delete(t.stories).where(empty))
    first = sa.select(sa.func.min(sm.mention_id)).where(sm.story_id == s.id).scalar_subquery()
    c.execute(sa.update(t.stories).where(s.id.in_(touched), s.lead_id.in_(ids)).values(lead_id=first))


def _prove(c: Connection, cut: datetime, world: datetime, keys: Sequence[str], bare: int) -> None:
    """Chain this step to the day's digest (and the first step of a day to the day before)."""
    p, day = t.retention_proofs.c, times.shanghai(world).strftime("%Y-%m-%d")
    before = c.execute(sa.select(p.digest).order_by(p.day.desc()).limit(1)).scalar() or ""
    digest = hashlib.sha256("\n".join([before, cut.isoformat(), *keys]).encode("utf-8", "surrogatepass")).hexdigest()
    made = sqlite_insert(t.retention_proofs).values(day=day, cut=cut, let_go=len(keys), kept_bare=bare, digest=digest)
    c.execute(made.on_conflict_do_update(index_elements=["day"], set_=dict(
        cut=cut, let_go=p.let_go + len(keys), kept_bare=p.kept_bare + bare, digest=digest)))


def trim_log(engine: Engine, world: datetime, limit: int = 10 * STEP) -> int:
    """Forget fetches older than 30 days; the rows lie in the order of time."""
    log = t.fetch_log.c
    with reading(engine) as c:
        oldest = c.execute(sa.select(log.id, log.at).order_by(log.id).limit(1)).first()
    if oldest is None or oldest.at >= world - LOG_KEPT:
        return 0
    with writing(engine) as c:
        return int(c.execute(sa.delete(t.fetch_log).where(log.id < oldest.id + limit, log.at < world - LOG_KEPT)).rowcount)


def report(engine: Engine, kept: RetentionSettings, world: datetime) -> Report:
    """The proof as it stands now, counted from the rows themselves."""
    m, p, cut = t.mentions.c, t.retention_proofs.c, world - kept.mentions
    words = m.forgotten.is_(None)
    with reading(engine) as c:
        def count(*where: sa.ColumnElement[bool]) -> int:
            return int(c.execute(sa.select(sa.func.count()).select_from(t.mentions).where(*where)).scalar_one())
        days = c.execute(sa.select(p.day, p.let_go, p.digest).order_by(p.day.desc()).limit(31)).all()
        return Report(
            cut=cut, oldest=c.execute(sa.select(sa.func.min(m.first_seen, type_=t.UtcTime)).where(words)).scalar(), older=count(words, m.first_seen < cut),
            held=count(words, m.first_seen < cut, _held(open_only=True)), bare=count(m.forgotten == BARE), waiting=count(m.forgotten == EXPIRED),
            days=tuple((r.day, r.let_go, r.digest) for r in days))

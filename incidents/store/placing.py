"""Placing scored mentions into stories, a batch in one transaction.

What a story is told by (``incidents/topics.Profile``) is read once a batch for each brand, kept up to date in memory
while the batch is placed, and written back at its end, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from incidents import stories as rules
from incidents import topics
from incidents.model import Score
from incidents.store import tables as t
from incidents.store.engine import new_id
from incidents.store.work import Waiting, score_from_row
from incidents.text import excerpt

CANDIDATES = 8  # near-copies compared one by one, newest first


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A mention that waits, as the rules read it."""

    one: Waiting
    own: rules.Signature | None
    told: topics.Told
    named: bool  # it names the brand: what a catch-all takes has no subject in common, so nothing of it joins by topic


def prepare(c: Connection, waiting: Sequence[Waiting]) -> list[Ready]:
    """Read texts and scores; nothing is written. A mention whose score is gone is left out."""
    ids = [one.mention_id for one in waiting]
    scores = {(row["mention_id"], row["brand"]): score_from_row(row) for row in c.execute(sa.select(t.scores).where(t.scores.c.mention_id.in_(ids))).mappings()}
    mb = t.mention_brands.c
    spans = {(row.mention_id, row.brand): row.spans for row in c.execute(sa.select(mb.mention_id, mb.brand, mb.spans).where(mb.mention_id.in_(ids)))}
    return [_ready(one, score, spans.get((one.mention_id, one.brand), ())) for one in waiting if (score := scores.get((one.mention_id, one.brand))) is not None]


def _ready(one: Waiting, score: Score, spans: Sequence[Sequence[str | int]]) -> Ready:
    names = {str(name) for name, *_ in spans} | {_cut(one, field, start, end) for _, field, start, end in spans}
    return Ready(one=one, own=rules.signature(one.title, one.text), told=topics.told(one.title, one.text, sorted(names), score), named=bool(names))


def _cut(one: Waiting, field: str | int, start: str | int, end: str | int) -> str:
    return (one.title if field == "title" else one.text)[int(start) : int(end)]


class Placing:
    """One batch in the making."""

    def __init__(self, c: Connection, ready: Sequence[Ready], world: datetime) -> None:
        self._c, self._world = c, world
        self._since = min((r.one.dated for r in ready), default=world) - topics.REMEMBERED
        self._running: dict[str, topics.Running] = {}
        self._changed: dict[int, topics.Profile] = {}
        self._signed: dict[int, rules.Signature | None] = {}  # of this batch and of what came near to it

    def put(self, ready: Ready) -> bool:
        """Place one mention; False when somebody else did."""
        c, one, told = self._c, ready.one, ready.told
        w = t.work.c
        if c.execute(sa.delete(t.work).where(w.kind == "place", w.mention_id == one.mention_id, w.brand == one.brand)).rowcount == 0:
            return False
        where = self._place(ready)
        story_id = where.story_id or _new_story(c, one, self._world)
        c.execute(sa.insert(t.story_mentions).values(mention_id=one.mention_id, brand=one.brand, story_id=story_id, why=where.why, at=self._world,
                                                     shared=list(where.shared) or None))
        if ready.own is not None:
            c.execute(sa.insert(t.near_bands), [dict(brand=one.brand, band=band, mention_id=one.mention_id, at=one.dated) for band in ready.own.bands()])
        self._signed[one.mention_id] = ready.own
        _grow(c, story_id, one, told.issue)
        if ready.named:
            self._hear(one, told, story_id, where.why)
        return True

    def finish(self) -> None:
        """Keep what the stories are told by now."""
        if self._changed:
            kept = [dict(of_story=story_id, told_by=profile.as_json()) for story_id, profile in self._changed.items()]
            self._c.execute(sa.update(t.stories).where(t.stories.c.id == sa.bindparam("of_story")).values(terms=sa.bindparam("told_by")), kept)

    def _place(self, ready: Ready) -> rules.Place:
        c, one = self._c, ready.one
        if (root := _root_story(c, one)) is not None:
            return rules.place(own=None, root_story=root, candidates=(), topic=None)
        return rules.place(own=ready.own, root_story=None, candidates=_candidates(c, one, ready.own, self._signed) if ready.own else (),
                           topic=self._of(one.brand).match(ready.told, one.dated) if ready.named else None)

    def _hear(self, one: Waiting, told: topics.Told, story_id: int, why: str) -> None:
        """Replies and copies keep a story running; what was told in words of its own adds to what the story is told by."""
        running = self._of(one.brand)
        profile = running.of(story_id)
        if why in ("root", "copy"):
            if profile is not None:
                profile.touch(one.dated, told.issue)
            return
        if profile is None:
            profile = topics.Profile(story_id=story_id, last_known=one.dated, troubled=told.troubled)
        profile.hear(told, one.dated)
        running.add(profile)
        self._changed[story_id] = profile

    def _of(self, brand: str) -> topics.Running:
        if brand not in self._running:
            self._running[brand] = topics.Running(_profiles(self._c, brand, self._since))
        return self._running[brand]


def _profiles(c: Connection, brand: str, since: datetime) -> list[topics.Profile]:
    s = t.stories.c
    rows = c.execute(sa.select(s.id, s.last_known, s.issue, s.terms).where(s.brand == brand, s.last_known >= since, s.terms.isnot(None))
                     .order_by(s.last_known.desc()).limit(topics.STORIES)).all()
    return [topics.Profile.of(row.id, row.last_known, row.issue, row.terms) for row in rows]


def _grow(c: Connection, story_id: int, one: Waiting, issue: str | None) -> None:
    """The story is stirred, and covers the mention's time. Title and lead stay those of the first mention."""
    s = t.stories.c
    c.execute(sa.update(t.stories).where(s.id == story_id).values(
        stirred=s.stirred + 1, urgent=sa.or_(s.urgent, sa.literal(one.urgent)), stirred_saved_at=sa.func.coalesce(s.stirred_saved_at, sa.literal(one.saved_at, t.UtcTime)),
        first_appeared=sa.func.min(s.first_appeared, sa.literal(one.dated, t.UtcTime)),
        last_known=sa.func.max(s.last_known, sa.literal(one.dated, t.UtcTime)), issue=sa.func.coalesce(s.issue, issue)))


def _new_story(c: Connection, one: Waiting, world: datetime) -> int:
    return new_id(c.execute(sa.insert(t.stories).values(brand=one.brand, lead_id=one.mention_id, title=excerpt(one.title or one.text, 60),
                                                        first_appeared=one.dated, first_known=world, last_known=one.dated)))


def _root_story(c: Connection, one: Waiting) -> int | None:
    if one.root_key is None:
        return None
    root = sa.select(t.mentions.c.id).where(t.mentions.c.key == one.root_key).scalar_subquery()
    return c.execute(sa.select(t.story_mentions.c.story_id).where(t.story_mentions.c.mention_id == root, t.story_mentions.c.brand == one.brand)).scalar()


def _candidates(c: Connection, one: Waiting, own: rules.Signature, signed: dict[int, rules.Signature | None]) -> tuple[rules.Candidate, ...]:
    """Near-copies by their bands, and where they are; ``signed`` grows by their signatures."""
    m = t.mentions.c
    rows = c.execute(_NEAR, {"brand": one.brand, **{f"band{number}": band for number, band in enumerate(own.bands())}}).all()
    if unknown := [row.mention_id for row in rows if row.mention_id not in signed]:
        signed |= {number: rules.signature(title, text) for number, title, text in c.execute(sa.select(m.id, m.title, m.text).where(m.id.in_(unknown)))}
    return tuple(rules.Candidate(story_id=row.story_id, mention_id=row.mention_id, signature=known) for row in rows if (known := signed.get(row.mention_id)) is not None)


# The newest of each band, then the newest of these: a text of which thousands of copies came is near to all of them, in every band.
_BAND = f"SELECT * FROM (SELECT mention_id FROM near_bands WHERE brand = :brand AND band = :band{{}} ORDER BY mention_id DESC LIMIT {CANDIDATES})"  # noqa: S608 - numbers of ours
_NEAR = sa.text(f"""SELECT sm.story_id, sm.mention_id FROM ({" UNION ".join(_BAND.format(number) for number in range(rules.PERMUTATIONS // rules.ROWS))} ORDER BY 1 DESC LIMIT {CANDIDATES}) AS near
    JOIN story_mentions AS sm ON sm.mention_id = near.mention_id AND sm.brand = :brand""")  # noqa: S608


def drop_terms(c: Connection, mention_ids: Sequence[int]) -> None:
    """Forget the terms that erased mentions left: their stories run on by root and copy, and nothing joins by topic."""
    sm = t.story_mentions
    held = sa.select(sm.c.story_id).where(sm.c.mention_id.in_(mention_ids))
    c.execute(sa.update(t.stories).where(t.stories.c.id.in_(held)).values(terms=None))
    c.execute(sa.update(sm).where(sm.c.mention_id.in_(mention_ids)).values(shared=None))

"""Erasure on request: ``yujing forget AUTHOR|URL|KEY`` (PIPL Art. 47).

A tombstone first, so that nothing of it comes in again; then the words, names and addresses go, a few hundred
mentions at a time. What was decided on them stays: counts, grades and events keep their places, their words are
replaced wherever they repeat the erased text. An event's digest stays that of its first words, so the chain of
the timeline still holds and says by itself that this one was redacted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection, Engine

from incidents import stories as rules
from incidents.errors import Refused
from incidents.i18n import words
from incidents.lifecycle import NewEvent
from incidents.store import tables as t
from incidents.store import tombstones
from incidents.store.door import queue_index
from incidents.store.engine import reading, writing
from incidents.store.incidents import add_event
from incidents.store.placing import drop_terms
from incidents.store.tombstones import AUTHOR, KEY, URL
from incidents.text import excerpt

RUN = 10  # characters in a row that count as a quotation of the erased text; a brand with a verb has fewer
SPACE = re.compile(r"\s+")
PSEUDONYM = re.compile(r"[0-9a-f]{24}")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One thing to forget: kind is key, url or author (its pseudonym)."""

    kind: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """What all erasures did so far."""

    mentions: int
    incidents: int
    waiting: int  # mentions whose documents the archive has not yet dropped


def meant(engine: Engine, secret: bytes, said: str) -> Wanted:
    """What a person means: an address, a mention's key, ``platform:account``, a pseudonym, or a display name.

    Raises:
        Refused: nobody has that name, or several have; the sentence lists their pseudonyms.
    """
    if re.match(r"https?://", said, re.IGNORECASE):
        return Wanted(kind=URL, value=tombstones.plain_url(said))
    if said.count(":") >= 2:
        return Wanted(kind=KEY, value=said)
    if PSEUDONYM.fullmatch(said):
        return Wanted(kind=AUTHOR, value=said)
    if said.count(":") == 1:
        return Wanted(kind=AUTHOR, value=tombstones.pseudonym(secret, *said.split(":")))
    return Wanted(kind=AUTHOR, value=_by_name(engine, said))


def _by_name(engine: Engine, name: str) -> str:
    m = t.mentions.c
    with reading(engine) as c:
        found = c.execute(sa.select(m.author, m.platform, sa.func.count()).where(m.author_name == name, m.author.isnot(None)).group_by(m.author, m.platform)).all()
    if not found:
        raise Refused(f"Nobody of that name has spoken here: {name!r}. Give an address, a key, or platform:account; those are refused from now on even if nothing is stored.")
    if len(found) > 1:
        raise Refused(f"{len(found)} authors have the name {name!r}; give one of: " + ", ".join(f"{a} ({p}, {n} mentions)" for a, p, n in found[:20]))
    return str(found[0][0])


def begin(engine: Engine, secret: bytes, wanted: Wanted, who: str, world: datetime) -> None:
    """From now on the door refuses it; what is stored waits for ``step``. Twice is harmless."""
    with writing(engine) as c:
        c.execute(sqlite_insert(t.tombstones).values(kind=wanted.kind, digest=tombstones.digest(secret, wanted.kind, wanted.value), value=wanted.value, at=world)
                  .on_conflict_do_update(index_elements=["kind", "digest"], set_=dict(value=wanted.value, done_at=None)))
        c.execute(sa.insert(t.audit).values(at=world, who=who, what="forget", values={"kind": wanted.kind}))


def step(engine: Engine, world: datetime, limit: int = 200) -> int:
    """Erase up to ``limit`` mentions of the oldest open tombstone; 0 when nothing is left to do."""
    s = t.tombstones.c
    with reading(engine) as c:
        row = c.execute(sa.select(t.tombstones).where(s.done_at.is_(None)).order_by(s.at).limit(1)).mappings().first()
        ids = [] if row is None else _of(c, row["kind"], row["value"], limit)
    if row is None:
        return 0
    with writing(engine) as c:
        c.exec_driver_sql("PRAGMA secure_delete=ON")  # the old bytes are overwritten, not only unlinked
        erased = erase(c, ids, world)
        this = sa.and_(s.kind == row["kind"], s.digest == row["digest"])
        c.execute(sa.update(t.tombstones).where(this).values(erased=s.erased + erased))
        if len(ids) < limit:
            c.execute(sa.update(t.tombstones).where(this).values(done_at=world, value=""))
    return max(1, len(ids))


def _of(c: Connection, kind: str, value: str, limit: int) -> list[int]:
    m = t.mentions.c
    alive = sa.or_(m.forgotten.is_(None), m.forgotten != "erased")
    if kind != URL:
        return list(c.execute(sa.select(m.id).where({KEY: m.key, AUTHOR: m.author}[kind] == value, alive).limit(limit)).scalars())
    near = c.execute(sa.select(m.id, m.url).where(m.url.istartswith(value.split("?")[0].rstrip("/"), autoescape=True), alive))
    return [row.id for row in near if tombstones.plain_url(row.url) == value][:limit]


def erase(c: Connection, ids: Sequence[int], world: datetime) -> int:
    """Take words, names and addresses out of these mentions and of everything that repeats them."""
    m = t.mentions.c
    rows = c.execute(sa.select(t.mentions).where(m.id.in_(ids))).mappings().all()
    if not rows:
        return 0
    stories = c.execute(sa.select(t.story_mentions.c.story_id).where(t.story_mentions.c.mention_id.in_(ids)).distinct()).scalars().all()
    for row in rows:
        _blank(c, row, world)
    drop_terms(c, list(ids))
    _redact_stories(c, stories, Marks.of(rows), world)
    queue_index(c, list(ids), bump=True)
    return len(rows)


def _blank(c: Connection, row: Mapping[Any, Any], world: datetime) -> None:
    drop_bands(c, row)
    c.execute(sa.update(t.mentions).where(t.mentions.c.id == row["id"]).values(
        key=f"erased:{row['id']}", url="", title="", text="", quote="", author=None, author_name="", followers=None, friends=None, posts=None, verified=None,
        fingerprint="", text_hash="", tombstone_at=row["tombstone_at"] or world, forgotten="erased"))
    c.execute(sa.delete(t.fetch_jobs).where(sa.or_(t.fetch_jobs.c.mention_id == row["id"], sa.and_(t.fetch_jobs.c.source == row["source"], t.fetch_jobs.c.url == row["url"], t.fetch_jobs.c.kind != "list"))))
    c.execute(sa.delete(t.work).where(t.work.c.kind.in_(("judge", "place")), t.work.c.mention_id == row["id"]))


def drop_bands(c: Connection, row: Mapping[Any, Any]) -> None:
    """The near-copy index of one mention: its bands are computed again, the table has no way from mention to band."""
    signed, n = rules.signature(row["title"], row["text"]), t.near_bands.c
    if signed is not None:
        brands = sa.select(t.mention_brands.c.brand).where(t.mention_brands.c.mention_id == row["id"])
        c.execute(sa.delete(t.near_bands).where(n.brand.in_(brands), n.band.in_(signed.bands()), n.mention_id == row["id"]))


@dataclass(frozen=True, kw_only=True)
class Marks:
    """By what a quotation of the erased texts is known: runs of ten characters, addresses, keys, names."""

    runs: frozenset[str]
    whole: frozenset[str]  # texts too short for a run
    names: frozenset[str]
    addresses: tuple[str, ...]

    @staticmethod
    def of(rows: Iterable[Mapping[Any, Any]]) -> Marks:
        runs, whole, names, addresses = set[str](), set[str](), set[str](), list[str]()
        for row in rows:
            for text in (row["title"], row["text"], row["quote"]):
                tight = SPACE.sub("", text)
                runs.update(tight[at : at + RUN] for at in range(len(tight) - RUN + 1))
                whole |= {tight} if 4 <= len(tight) < RUN else set()
            names |= {row["author_name"]} - {""}
            addresses += [one for one in (row["url"], row["key"]) if len(one) > 3]
        return Marks(runs=frozenset(runs), whole=frozenset(whole), names=frozenset(names), addresses=tuple(addresses))

    def quoted_in(self, said: str) -> bool:
        tight = SPACE.sub("", said)
        if said in self.names or any(len(name) >= 4 and name in said for name in self.names) or any(one in said for one in self.addresses):
            return True
        return any(one in tight for one in self.whole) or any(tight[at : at + RUN] in self.runs for at in range(len(tight) - RUN + 1))

    def out_of(self, value: Any) -> Any:
        """The value with every sentence that repeats the erased text replaced by the mark."""
        if isinstance(value, str):
            return words("erasure.mark") if self.quoted_in(value) else value
        if isinstance(value, Mapping):
            return {name: self.out_of(one) for name, one in value.items()}
        return [self.out_of(one) for one in value] if isinstance(value, list | tuple) else value


def _redact_stories(c: Connection, stories: Sequence[int], marks: Marks, world: datetime) -> None:
    for story in c.execute(sa.select(t.stories.c.id, t.stories.c.title).where(t.stories.c.id.in_(stories))).all():
        if marks.quoted_in(story.title):
            c.execute(sa.update(t.stories).where(t.stories.c.id == story.id).values(title=_other_title(c, story.id, marks)))
    for row in c.execute(sa.select(t.incidents).where(t.incidents.c.story_id.in_(stories))).mappings().all():
        _redact_incident(c, row, marks, world)


def _other_title(c: Connection, story_id: int, marks: Marks) -> str:
    m = t.mentions.c
    row = c.execute(sa.select(m.title, m.text).join(t.story_mentions, t.story_mentions.c.mention_id == m.id)
                    .where(t.story_mentions.c.story_id == story_id, m.forgotten.is_(None)).order_by(m.dated).limit(1)).first()
    title = "" if row is None else excerpt(row.title or row.text, 60)
    return title if title and not marks.quoted_in(title) else words("erasure.mark")


def _redact_incident(c: Connection, row: Mapping[Any, Any], marks: Marks, world: datetime) -> None:
    """Brief, title, timeline, checklist and alerts of one incident; one more event says how much was taken out."""
    title = _other_title(c, row["story_id"], marks) if marks.quoted_in(row["title"]) else row["title"]
    clean = {name: marks.out_of(row[name]) for name in ("brief", "reasons", "holds_back")}
    c.execute(sa.update(t.incidents).where(t.incidents.c.id == row["id"]).values(title=title, version=row["version"] + 1, **clean))
    changed = _redact_rows(c, t.events, row["id"], ("values",), marks, redacted_at=world)
    changed += _redact_rows(c, t.tasks, row["id"], ("evidence",), marks) + _redact_rows(c, t.outbox, row["id"], ("body", "sent_text", "answer"), marks)
    if changed or title != row["title"]:
        add_event(c, row["id"], NewEvent(kind="redacted", by="yujing", happened_at=world, values={"places": changed}), world)


def _redact_rows(c: Connection, table: sa.Table, incident_id: int, columns: Sequence[str], marks: Marks, **also: Any) -> int:
    changed = 0
    for row in c.execute(sa.select(table.c.id, *(table.c[name] for name in columns)).where(table.c.incident_id == incident_id)).mappings().all():
        clean = {name: marks.out_of(row[name]) for name in columns}
        if any(clean[name] != row[name] for name in columns):
            c.execute(sa.update(table).where(table.c.id == row["id"]).values(**clean, **also))
            changed += 1
    return changed


def finish(engine: Engine) -> bool:
    """Fold the write-ahead log into the ledger and empty it, so that the erased words are not on the disk in it; False: somebody reads just now."""
    with engine.connect() as c:
        return not c.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]


def report(engine: Engine) -> Forgotten:
    """What all erasures have done so far."""
    m, s = t.mentions.c, t.tombstones.c
    with reading(engine) as c:
        waiting = sa.select(sa.func.count()).select_from(t.index_queue).join(t.mentions, m.id == t.index_queue.c.mention_id).where(m.forgotten == "erased")
        redacted = sa.select(sa.func.count(sa.distinct(t.events.c.incident_id))).where(t.events.c.kind == "redacted")
        return Forgotten(mentions=int(c.execute(sa.select(sa.func.coalesce(sa.func.sum(s.erased), 0))).scalar_one()),
                         incidents=int(c.execute(redacted).scalar_one()), waiting=int(c.execute(waiting).scalar_one()))


def carry_over(engine: Engine, secret: bytes, kept: Sequence[tuple[str, str]], world: datetime, limit: int = 2000) -> int:
    """Tombstones of the ledger that a restore replaces: they go on, and what the backup brings back is erased again."""
    if not kept:
        return 0
    with writing(engine) as c:
        c.execute(sqlite_insert(t.tombstones).on_conflict_do_nothing(), [dict(kind=kind, digest=one, value="", at=world, done_at=world) for kind, one in kept])
    there, last, erased = frozenset(one for _, one in kept), 0, 0
    m = t.mentions.c
    while True:
        with reading(engine) as c:
            rows = c.execute(sa.select(m.id, m.key, m.url, m.author).where(m.id > last).order_by(m.id).limit(limit)).mappings().all()
        if not rows:
            return erased
        last = rows[-1]["id"]
        if ids := tombstones.matching(secret, rows, there):
            with writing(engine) as c:
                erased += erase(c, ids, world)

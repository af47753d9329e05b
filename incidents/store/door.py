"""The door: one transaction takes what a page said into the ledger.

Seen before → only the snapshot is added. Saving twice is harmless. Everything that must follow
(judge, index, look again at the story, visit again) is a row written in the same transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection, Engine

from incidents import now as times
from incidents import text as texts
from incidents.brands import Matcher, spans_to_json
from incidents.model import METRICS, Author, Follow, Mention, Snapshot, Span
from incidents.store import tables as t
from incidents.store.engine import new_id, reading, writing
from incidents.store.fetches import FetchJob, Outcome, finish_in, plan_in
from incidents.store.reserve import reserve_of
from incidents.store.tombstones import REFUSED, pseudonym, refused

TEXT_LIMIT = 100_000  # code points kept of one text; the rest is cut and flagged
FUTURE_LIMIT = timedelta(hours=1)  # a publication time further ahead than this is not believed


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What the revisit policy may know of a mention when it says when to look again."""

    mention_id: int
    published: datetime
    now: datetime
    before: Mapping[str, int | None]  # counts at the visit before; empty on the first
    counts: Mapping[str, int | None]
    counted_at: datetime | None  # when `before` was seen
    unchanged: int  # visits in a row that saw no change, this one included
    hot: bool  # its story has an open incident
    matched: bool


Schedule = Callable[[Visit], datetime | None]


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the ledger holds of a mention, as far as a crawler must know it."""

    first_seen: datetime
    comments: int | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """An address to read next: when, with what is known of it, and whether a job that is done is opened again."""

    follow: Follow
    due_at: datetime
    priority: int = 0
    payload: Mapping[str, Any] = field(default_factory=dict)
    again: bool = False


@dataclass(kw_only=True)
class Receipt:
    """What became of a page: offered = stored + seen_again + rejected; unmatched is a part of stored."""

    offered: int = 0
    stored: int = 0
    seen_again: int = 0
    unmatched: int = 0
    snapshots: int = 0
    rejected: list[str] = field(default_factory=list)
    new_ids: list[int] = field(default_factory=list)
    newest: datetime | None = None
    grown: set[str] = field(default_factory=set)  # keys whose counts changed
    gone: int = 0  # mentions that became tombstones


class Door:
    """Saves pages. ``secret`` keys the pseudonyms of authors; it never leaves the ledger."""

    def __init__(self, engine: Engine, secret: bytes) -> None:
        self._engine = engine
        self.secret = secret

    def save(self, *, source: str, platform: str, tier: str, mentions: Sequence[Mention], snapshots: Sequence[Snapshot],
             follow: Sequence[tuple[Follow, datetime] | Plan] = (), matcher: Matcher, world: datetime, gone: Collection[str] = (),
             schedule: Schedule | None = None, job: FetchJob | None = None,
             outcome: Outcome | Callable[[Receipt], Outcome | None] | None = None) -> Receipt:
        """Take mentions and snapshots in, plan what to read next, and (with ``outcome``) end the job, in one transaction.

        ``outcome`` may be reckoned from the receipt (None leaves the job open). ``gone`` are keys of mentions that their site says it deleted: they become tombstones.

        Raises:
            LedgerFull: the disk is nearly full; nothing is kept, and the job's lease runs out, so it is read again.
            LeaseLost: the job is another worker's by now (nothing of this call is kept; the other saves the same).
        """
        if (reserve := reserve_of(self._engine)) is not None:
            reserve.before_ingest()
        page = _Page(source=source, platform=platform, tier=tier, matcher=matcher, world=world, schedule=schedule,
                     secret=self.secret, job=job)
        with writing(self._engine) as c:
            page.take(c, mentions, snapshots)
            page.bury(c, gone)
            for one in follow:
                plan = one if isinstance(one, Plan) else Plan(follow=one[0], due_at=one[1])
                plan_in(c, source, plan.follow, plan.due_at, priority=plan.priority, payload=plan.payload, again=plan.again)
            ended = outcome(page.receipt) if callable(outcome) else outcome
            if job is not None and ended is not None:
                finish_in(c, job, ended, world)
        return page.receipt

    def known(self, keys: Collection[str]) -> dict[str, Known]:
        """Of ``keys``, those that the ledger holds."""
        m, wanted = t.mentions.c, sorted(keys)
        found: dict[str, Known] = {}
        with reading(self._engine) as c:
            for start in range(0, len(wanted), 500):
                rows = c.execute(sa.select(m.key, m.first_seen, m.comments).where(m.key.in_(wanted[start : start + 500])))
                found.update({row.key: Known(first_seen=row.first_seen, comments=row.comments) for row in rows})
        return found

    def key_of(self, mention_id: int | None) -> str | None:
        """The key of a mention by its number."""
        with reading(self._engine) as c:
            return c.execute(sa.select(t.mentions.c.key).where(t.mentions.c.id == mention_id)).scalar()


@dataclass(kw_only=True)
class _Page:
    source: str
    platform: str
    tier: str
    matcher: Matcher
    world: datetime
    schedule: Schedule | None
    secret: bytes
    job: FetchJob | None
    receipt: Receipt = field(default_factory=Receipt)
    revisits: dict[int, str] = field(default_factory=dict)
    brands: dict[str, dict[str, tuple[tuple[Span, ...], bool]]] = field(default_factory=dict)  # of mentions stored by this page, by key
    brand_rows: list[dict[str, Any]] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)  # ids to be indexed again, in a new version
    stirred: set[int] = field(default_factory=set)

    def take(self, c: Connection, mentions: Sequence[Mention], snapshots: Sequence[Snapshot]) -> None:
        known, erased = self._known(c, mentions, snapshots), refused(c, self.secret, self.platform, mentions)
        for mention in sorted(mentions, key=self._order):
            self.receipt.offered += 1
            if mention.key in known:
                self._again(c, known[mention.key], mention)
            elif mention.key in erased:
                self.receipt.rejected.append(REFUSED)  # without its key: nothing of it is kept, in no log either
            elif problem := _problem(mention):
                self.receipt.rejected.append(f"{mention.key}: {problem}")
            else:
                known[mention.key] = self._store(c, mention)
        self._flush_new(c)
        counted = [(known[snapshot.key], snapshot) for snapshot in snapshots if snapshot.key in known]
        seen = _counted(c, [mention_id for mention_id, _ in counted])
        for mention_id, snapshot in counted:
            self._snapshot(c, mention_id, snapshot, seen)
        queue_index(c, self.changed, bump=True)
        stir(c, self.stirred, times.machine())

    def _order(self, mention: Mention) -> tuple[bool, datetime]:
        """Roots before their replies, then the earliest first: whoever spoke first leads the story."""
        return mention.root_key is not None, mention.published or self.world

    def _flush_new(self, c: Connection) -> None:
        """What follows from the new mentions, in one statement a table."""
        if self.brand_rows:
            c.execute(sa.insert(t.mention_brands), self.brand_rows)
            c.execute(sa.insert(t.work), [dict(kind="judge", mention_id=row["mention_id"], brand=row["brand"]) for row in self.brand_rows])
        queue_index(c, self.receipt.new_ids)

    def bury(self, c: Connection, gone: Collection[str]) -> None:
        """Deleted at its source: the mention becomes a tombstone and leaves the searches; it is not visited again."""
        m, j = t.mentions.c, t.fetch_jobs.c
        ids = c.execute(sa.select(m.id).where(m.key.in_(sorted(gone)), m.tombstone_at.is_(None))).scalars().all() if gone else []
        if not ids:
            return
        c.execute(sa.update(t.mentions).where(m.id.in_(ids)).values(tombstone_at=self.world))
        c.execute(sa.update(t.fetch_jobs).where(j.mention_id.in_(ids), j.ended_at.is_(None), j.lease_until.is_(None)).values(ended_at=self.world, outcome="gone"))
        queue_index(c, ids, bump=True)
        self.receipt.gone += len(ids)

    def _known(self, c: Connection, mentions: Sequence[Mention], snapshots: Sequence[Snapshot]) -> dict[str, int]:
        keys = sorted({m.key for m in mentions} | {s.key for s in snapshots})
        rows: dict[str, int] = {}
        for start in range(0, len(keys), 500):
            part = keys[start : start + 500]
            rows.update((r.key, r.id) for r in c.execute(sa.select(t.mentions.c.key, t.mentions.c.id).where(t.mentions.c.key.in_(part))))
        return rows

    def _again(self, c: Connection, mention_id: int, mention: Mention) -> None:
        """Seen before. A changed text is noted (the first wording stays the stored one)."""
        self.receipt.seen_again += 1
        self.revisits[mention_id] = mention.revisit or ""
        digest = _hash(mention.title, mention.text)
        c.execute(sa.update(t.mentions).where(t.mentions.c.id == mention_id, t.mentions.c.text_hash != digest, t.mentions.c.edited_at.is_(None))
                  .values(edited_at=self.world))

    def _store(self, c: Connection, mention: Mention) -> int:
        title, text = (texts.redact(texts.clean(value))[:TEXT_LIMIT] for value in (mention.title, mention.text))
        brands = self._brands(c, mention, title, text)
        published, precision = mention.published, mention.precision.value
        if published is not None and published > self.world + FUTURE_LIMIT:
            published, precision = None, "unknown"
        values = dict(
            key=mention.key, source=self.source, platform=mention.platform, tier=self.tier, kind=mention.kind, url=mention.url,
            title=title, text=text, quote=texts.redact(texts.clean(mention.quote))[:TEXT_LIMIT],
            published=published, precision=precision, first_seen=self.world, dated=published or self.world, saved_at=times.machine(),
            root_key=mention.root_key, fingerprint=texts.fingerprint(title, text), flags=sorted(mention.flags),
            matched=bool(brands), text_hash=_hash(mention.title, mention.text), **self._author(mention.author),
        )
        mention_id = new_id(c.execute(sa.insert(t.mentions).values(**values)))
        self.brands[mention.key] = brands
        self._follow_up(mention_id, brands, published or self.world)
        self.revisits[mention_id] = mention.revisit or ""
        self.receipt.stored += 1
        self.receipt.unmatched += not brands
        self.receipt.new_ids.append(mention_id)
        if published and (self.receipt.newest is None or published > self.receipt.newest):
            self.receipt.newest = published
        return mention_id

    def _follow_up(self, mention_id: int, brands: Mapping[str, tuple[tuple[Span, ...], bool]], dated: datetime) -> None:
        for brand, (spans, inherited) in brands.items():
            self.brand_rows.append(dict(mention_id=mention_id, brand=brand, inherited=inherited, dated=dated, spans=spans_to_json({brand: spans})[brand]))

    def _named(self, mention: Mention, title: str, text: str) -> dict[str, tuple[Span, ...]]:
        author = mention.author.name if mention.author else None
        return self.matcher.match(title, text, source=self.source, platform=mention.platform, author=author)

    def _brands(self, c: Connection, mention: Mention, title: str, text: str) -> dict[str, tuple[tuple[Span, ...], bool]]:
        """Brands named in the text, and for a reply or repost those of its root."""
        found = {brand: (spans, False) for brand, spans in self._named(mention, title, text).items()}
        if mention.root_key in self.brands:
            for brand in self.brands[mention.root_key]:
                found.setdefault(brand, ((), True))
        elif mention.root_key is not None:
            root = sa.select(t.mentions.c.id).where(t.mentions.c.key == mention.root_key).scalar_subquery()
            for row in c.execute(sa.select(t.mention_brands.c.brand).where(t.mention_brands.c.mention_id == root)):
                found.setdefault(row.brand, ((), True))
        return found

    def _author(self, author: Author | None) -> dict[str, Any]:
        if author is None:
            return dict(author=None, author_name="", followers=None, friends=None, posts=None, verified=None)
        return dict(author=pseudonym(self.secret, self.platform, author.native_id), author_name=texts.clean(author.name)[:80], followers=band(author.followers),
                    friends=band(author.friends), posts=band(author.posts), verified=author.verified)

    def _snapshot(self, c: Connection, mention_id: int, snapshot: Snapshot, seen: dict[int, Mapping[str, Any]]) -> None:
        counts = {name: value for name, value in snapshot.counts().items() if value is not None}
        if not counts:
            return
        made = sqlite_insert(t.snapshots).on_conflict_do_nothing(index_elements=["mention_id", "at"]).values(
            mention_id=mention_id, at=snapshot.at, floors=",".join(sorted(snapshot.floors)), job_id=self.job.id if self.job else None, **counts)
        if c.execute(made).rowcount == 0:
            return  # the same look, saved before
        row = seen[mention_id]
        self.receipt.snapshots += 1
        before = {name: row[name] for name in METRICS}
        changed = any(before[name] != value for name, value in counts.items())
        newer = row["counted_at"] is None or snapshot.at > row["counted_at"]
        if newer:  # the newest observation wins
            c.execute(sa.update(t.mentions).where(t.mentions.c.id == mention_id).values(counted_at=snapshot.at, **counts))
            self.stirred.add(mention_id)  # unchanged counts are news to the forecast too
        if changed and newer:
            self.receipt.grown.add(snapshot.key)
            self.changed.add(mention_id)
        if self.schedule is not None:
            self._plan_revisit(c, mention_id, row, before, counts, changed)
        if newer:
            seen[mention_id] = {**row, **counts, "counted_at": snapshot.at}

    def _plan_revisit(self, c: Connection, mention_id: int, row: Mapping[Any, Any], before: Mapping[str, int | None],
                      counts: Mapping[str, int], changed: bool) -> None:
        url = self.revisits.get(mention_id)
        j = t.fetch_jobs
        standing = c.execute(sa.select(j.c.id, j.c.unchanged, j.c.ended_at, j.c.kind).where(j.c.mention_id == mention_id)).mappings().first()
        if self.schedule is None or (standing is None and not url):
            return
        unchanged = 0 if changed else (standing["unchanged"] if standing else 0) + 1
        visit = Visit(mention_id=mention_id, published=row["published"] or row["first_seen"], now=self.world, matched=row["matched"],
                      before={} if row["counted_at"] is None else before, counts=counts, counted_at=row["counted_at"],
                      unchanged=unchanged, hot=_hot(c, mention_id))
        due = self.schedule(visit)
        if standing is None and url and due is not None:
            plan_in(c, self.source, Follow(url=url, kind="revisit"), due, mention_id=mention_id)
        elif standing is not None:
            ends = dict(ended_at=self.world, outcome="calm") if due is None else dict(due_at=due, ended_at=None)
            c.execute(sa.update(j).where(j.c.id == standing["id"]).values(unchanged=unchanged, **ends))


def _counted(c: Connection, ids: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """What the ledger knows of the mentions that a page counts, read at once."""
    m = t.mentions.c
    rows = c.execute(sa.select(m.id, m.reposts, m.comments, m.likes, m.views, m.counted_at, m.published, m.first_seen, m.matched).where(m.id.in_(ids))).mappings()
    return {row["id"]: dict(row) for row in rows}


def stir(c: Connection, mention_ids: Collection[int], machine: datetime) -> None:
    """Mark the mentions' stories as in need of a new look."""
    if not mention_ids:
        return
    held = sa.select(t.story_mentions.c.story_id).where(t.story_mentions.c.mention_id.in_(mention_ids))
    c.execute(sa.update(t.stories).where(t.stories.c.id.in_(held))
              .values(stirred=t.stories.c.stirred + 1, stirred_saved_at=sa.func.coalesce(t.stories.c.stirred_saved_at, sa.literal(machine, t.UtcTime))))


def queue_index(c: Connection, mention_ids: Collection[int], *, bump: bool = False) -> None:
    """Ask for mentions to be indexed again; the newest version is the one that must be confirmed."""
    if not mention_ids:
        return
    m = t.mentions.c
    if bump:
        c.execute(sa.update(t.mentions).where(m.id.in_(mention_ids)).values(version=m.version + 1))
    chosen = sa.select(m.id, m.version, sa.literal(times.machine(), t.UtcTime)).where(m.id.in_(mention_ids))
    queued = sqlite_insert(t.index_queue).from_select(["mention_id", "version", "queued_at"], chosen)
    c.execute(queued.on_conflict_do_update(index_elements=["mention_id"], set_=dict(version=queued.excluded.version, attempts=0, fault=None)))


def band(count: int | None) -> int | None:
    """The lower bound of the count's band: powers of two (1 500 → 1 024). Bands, not counts, are kept of people."""
    return None if count is None else (0 if count <= 0 else 1 << (int(count).bit_length() - 1))


def _hot(c: Connection, mention_id: int) -> bool:
    held = sa.select(t.story_mentions.c.story_id).where(t.story_mentions.c.mention_id == mention_id)
    return c.execute(sa.select(t.incidents.c.id).where(t.incidents.c.story_id.in_(held), t.incidents.c.closed_at.is_(None)).limit(1)).first() is not None


def _hash(title: str, text: str) -> str:
    return hashlib.sha256(f"{title}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _problem(mention: Mention) -> str | None:
    if not mention.native_id or len(mention.key) > 500:
        return "no usable identity"
    if not texts.clean(mention.title).strip() and not texts.clean(mention.text).strip():
        return "no text"
    return None

"""A trip: one fetch job on its way, page by page. And who keeps what it brings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from crawlers.health import Seen, State, of_visit
from crawlers.parse.result import PageResult
from incidents.model import Follow, Health, Mention, Snapshot

REPEATS = 2  # pages in a row that bring nothing but what this trip has met already: the list turns in a circle
THREAD_PAGES = 20  # pages of one thread in one trip; the rest is the next trip's


@dataclass(kw_only=True)
class Trip:
    """What is read for one job, and what was seen. ``ends`` is set when the keeper has recorded the end."""

    kind: str  # list thread article revisit
    url: str
    job: Any = None  # the ledger's fetch job; None on the command line
    headers: dict[str, str] = field(default_factory=dict)
    most_pages: int = 3
    pages: int = 0
    met: set[str] = field(default_factory=set)
    repeats: int = 0
    old: set[str] = field(default_factory=set)  # listed entries that were settled before
    span: int = 0  # how many of those must be met before a settled page ends the reading
    deep: bool = False  # news reached beyond what one page shows
    last_url: str = ""
    more_url: str | None = None  # where the next trip goes on
    status: int | None = None
    fault: str | None = None
    detail: str = ""
    retry_after: float | None = None  # machine seconds that the site asked for
    health: Health | None = None
    warnings: list[str] = field(default_factory=list)
    answer: dict[str, str] = field(default_factory=dict)  # validators of the first page, ttl
    stored: int = 0
    gone: bool = False  # a page said that something here was deleted
    planned: int = 0  # addresses that its pages made us read next
    found: int = 0
    ended: bool = False
    undone: bool = False  # the ledger could not be written: nobody's fault here, it is run again

    def take(self, url: str, result: PageResult) -> None:
        """Note what a page held."""
        entries = result.entries or {snapshot.key for snapshot in result.snapshots}
        self.repeats = 0 if entries - self.met or not entries else self.repeats + 1
        self.found += len(entries - self.met)
        self.met |= entries
        self.pages += 1
        self.last_url = url
        self.health = self.health or result.health
        self.gone = self.gone or bool(result.gone)
        self.warnings.extend(warning.code for warning in result.warnings)

    def weigh(self, listed: frozenset[str], unsettled: frozenset[str]) -> bool:
        """Note what a page of a list brought; True when the reading may end here.

        A list can shift up by a page's edge while it is read (something above was deleted), and what slips past is
        old news by the next visit. So after a visit whose news filled a page, the next one reads as many old entries
        again, whatever arrived on top meanwhile.
        """
        self.old |= listed - unsettled
        news = listed & unsettled
        if news and (self.pages > 1 or news == listed):
            self.deep = True
        return bool(listed) and not news and len(self.old) >= self.span

    def onward(self, result: PageResult, *, settled: bool) -> str | None:
        """The page to read next, or None when this trip has seen enough.

        A list is read until a page brings only what is settled; a thread to its end (the next trip goes on after
        ``THREAD_PAGES``). Pages that repeat what was met end both.
        """
        following = result.next_page
        if following is None or following == self.last_url or self.kind in ("article", "revisit") or result.health is not None:
            return None
        if self.repeats >= REPEATS:
            return None
        if self.kind == "thread":
            self.more_url = following if self.pages >= THREAD_PAGES else None
            return following if self.more_url is None else None
        return None if settled or self.pages >= self.most_pages else following

    def seen(self) -> Seen:
        return Seen(kind=self.kind, status=self.status, fault=self.fault, health=self.health, pages=self.pages,
                    entries=self.found, warnings=tuple(self.warnings))

    def state(self) -> State:
        return of_visit(self.seen())

    @property
    def breaks_source(self) -> bool:
        """True when this failure speaks for the whole source, so that its other jobs need not fail too."""
        state = self.state()
        if not state.broken or (self.fault in ("too_large", "redirects", "parser", "robots") and self.kind != "list"):
            return False
        return self.kind == "list" or state.health is not Health.UNREACHABLE or self.fault is not None


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What became of a page: ``following`` is the trip's next page, ``follow`` are trips of their own in this crawl."""

    following: str | None = None
    follow: tuple[Follow, ...] = ()


class Keeper(Protocol):
    """Takes what trips bring. The worker's writes to the ledger; the command line's remembers one crawl."""

    async def unknown(self, keys: frozenset[str]) -> frozenset[str]: ...

    async def keep(self, trip: Trip, result: PageResult) -> Kept: ...

    async def end(self, trip: Trip) -> None: ...


class Memory:
    """The keeper of one crawl on the command line: follows everything once, remembers nothing afterwards."""

    def __init__(self) -> None:
        self._met: set[str] = set()
        self._followed: set[str] = set()

    async def unknown(self, keys: frozenset[str]) -> frozenset[str]:
        return keys - self._met

    async def keep(self, trip: Trip, result: PageResult) -> Kept:
        self._met |= {mention.key for mention in result.mentions}
        fresh = tuple(one for one in result.follow if one.kind != "longtext" and one.url not in self._followed)
        self._followed |= {one.url for one in fresh}
        return Kept(following=trip.onward(result, settled=False), follow=fresh)

    async def end(self, trip: Trip) -> None:
        trip.ended = True


def lines_of(result: PageResult) -> list[dict[str, Any]]:
    """What a page said as plain values, one line a mention; counts of mentions that it does not show come alone."""
    counted = {snapshot.key: snapshot for snapshot in result.snapshots}
    lines = [_mention_line(mention, counted.pop(mention.key, None)) for mention in result.mentions]
    return lines + [{"id": key, "snapshots": [_counts(snapshot)]} for key, snapshot in counted.items()]


def _mention_line(mention: Mention, snapshot: Snapshot | None) -> dict[str, Any]:
    author = mention.author
    return {
        "id": mention.key, "platform": mention.platform, "source": mention.source, "kind": mention.kind, "url": mention.url,
        "title": mention.title, "text": mention.text, "quote": mention.quote, "root": mention.root_key,
        "published": mention.published.isoformat() if mention.published else None, "precision": mention.precision.value,
        "author": {"name": author.name, "followers": author.followers, "friends": author.friends, "posts": author.posts,
                   "verified": author.verified} if author else None,
        "flags": sorted(mention.flags), "snapshots": [_counts(snapshot)] if snapshot else [],
    }


def _counts(snapshot: Snapshot) -> dict[str, Any]:
    """A floor is written ``{"at_least": 1000000}``, as `yujing forecast` reads it."""
    counts = {name: {"at_least": value} if name in snapshot.floors else value for name, value in snapshot.counts().items() if value is not None}
    return {"at": snapshot.at.isoformat(), **counts}

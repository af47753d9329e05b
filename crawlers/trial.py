"""`yujing source test URL`: one polite look at a source, told as facts. Nothing is kept.

Needs a process of its own: the crawl runs the reactor, which can be started once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar

from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Response
from scrapy.settings import Settings as ScrapySettings
from scrapy.spiderloader import SpiderLoader

from crawlers import settings as project
from crawlers.base import SourceSpider
from crawlers.charset import detect
from crawlers.parse.result import PageResult
from crawlers.trips import Kept, Memory, Trip, lines_of
from incidents.errors import SourceError
from incidents.model import Health, Mention

SHOWN = 3  # mentions told, and threads or articles opened for them
LAST = ("weibo", "news")  # any JSON looks like the first, any page like the second: asked after all others


@lru_cache(maxsize=1)
def spiders() -> dict[str, type[SourceSpider]]:
    """Kind of source → its reader: what Scrapy's loader finds in crawlers/spiders."""
    found = ScrapySettings()
    found.setmodule(project, priority="project")
    loader = SpiderLoader.from_settings(found)
    return {name: spider for name in sorted(loader.list()) if issubclass(spider := loader.load(name), SourceSpider)}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What one look showed. ``robots`` is allowed, forbidden or unreadable; ``coverage`` is the share of the
    mentions that have a field (published, text, author, counts), 0 to 1, empty when there were none."""

    url: str
    kind: str
    robots: str
    charset: str
    health: Health
    reason: str
    detail: str
    entries: int
    mentions: tuple[dict[str, Any], ...]
    coverage: dict[str, float]
    warnings: dict[str, int]


@dataclass
class _Look(Memory):
    """A keeper that remembers the pages and opens the first few threads or articles alone."""

    results: list[PageResult] = field(default_factory=list)
    ends: list[Trip] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def keep(self, trip: Trip, result: PageResult) -> Kept:
        self.results.append(result)
        kept = await super().keep(trip, result)
        return Kept(follow=kept.follow[:SHOWN] if trip.kind == "list" else ())

    async def end(self, trip: Trip) -> None:
        self.ends.append(trip)
        await super().end(trip)


class _TrialSpider(SourceSpider):
    """Reads with the parser that the first page calls for, or the one that was named."""

    name = "trial"
    platform: ClassVar[str] = "trial"

    def __init__(self, *args: Any, named: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.recognised, self.charset = named, ""

    def read(self, response: Response, trip: Trip, at: datetime) -> PageResult:
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        self.charset = self.charset or detect(response.body, content_type)
        self.recognised = self.recognised or recognise(response.body)
        return spiders()[self.recognised]().read(response, trip, at)


def recognise(body: bytes) -> str:
    """The source kind that a page is of: by its form, then by what its engine says of itself."""
    kinds = sorted(spiders(), key=lambda kind: (LAST.index(kind) if kind in LAST else -1, kind))
    return next((kind for kind in kinds if spiders()[kind].recognises(body)), LAST[-1])


def try_source(url: str, *, kind: str = "", allow_hosts: Collection[str] = (), contact: str = "", delay: float = 1.0, robots: bool = True) -> Trial:
    """Look at a source once: its first page and up to three of the threads or articles that it lists.

    Args:
        url: the address that the settings would name.
        kind: one of ``spiders()``; empty recognises it.
        allow_hosts: private hosts that may be read.

    Raises:
        SourceError: ``kind`` is not one that can be read.
    """
    if kind and kind not in spiders():
        raise SourceError(f"There is no source kind {kind!r}; known: {', '.join(spiders())}.")
    look = _Look()
    process = AsyncCrawlerProcess(_settings(contact, delay, robots), install_root_handler=False)
    crawler = process.create_crawler(_TrialSpider)
    process.crawl(crawler, trips=[Trip(kind="list", url=url, most_pages=1)], keeper=look, named=kind, allow_hosts=allow_hosts)
    process.start()
    assert isinstance(crawler.spider, _TrialSpider)
    return _told(url, look, crawler.spider)


def _settings(contact: str, delay: float, robots: bool) -> ScrapySettings:
    found = ScrapySettings()
    found.setmodule(project, priority="project")
    agent = {"USER_AGENT": f"yujing/0.1 (+{contact})"} if contact else {}
    found.update({"LOG_ENABLED": False, "DOWNLOAD_DELAY": delay, "AUTOTHROTTLE_ENABLED": delay > 0, "ROBOTSTXT_OBEY": robots, "RETRY_TIMES": 1, **agent}, priority="cmdline")
    return found


def _told(url: str, look: _Look, spider: _TrialSpider) -> Trial:
    listed = next((trip for trip in look.ends if trip.kind == "list"), None) or Trip(kind="list", url=url)
    state = listed.state()
    mentions = [mention for result in look.results for mention in result.mentions]
    counted = {snapshot.key for result in look.results for snapshot in result.snapshots}
    lines = [line for result in look.results for line in lines_of(result) if "text" in line]
    return Trial(
        url=url, kind=spider.recognised, charset=spider.charset, health=state.health, reason=state.reason, detail=listed.detail,
        robots={"robots": "forbidden", "robots_unread": "unreadable"}.get(listed.fault or "", "allowed"), entries=listed.found,
        mentions=tuple(lines[:SHOWN]), coverage=_coverage(mentions, counted), warnings=dict(Counter(w.code for result in look.results for w in result.warnings)),
    )


def _coverage(mentions: list[Mention], counted: set[str]) -> dict[str, float]:
    if not mentions:
        return {}
    have = {"published": [m.published is not None for m in mentions], "text": [bool(m.text) for m in mentions],
            "author": [m.author is not None for m in mentions], "counts": [m.key in counted for m in mentions if m.root is None]}
    return {name: round(sum(found) / len(found), 3) for name, found in have.items() if found}

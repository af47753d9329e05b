"""robots.txt by RFC 9309: 4xx allows all, 5xx and network errors forbid all, 24 h of memory, Crawl-delay kept."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from protego import Protego
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from crawlers.charset import decode
from crawlers.gate import GateClosed
from incidents import now

log = logging.getLogger(__name__)

LASTS_S = 24 * 3600.0  # RFC 9309, 2.4: not more than 24 hours, machine time
LASTS_AFTER_FAULT_S = 600.0  # a site that cannot give its rules is asked again sooner
LARGEST = 500 * 1024  # RFC 9309, 2.5: at least 500 kibibytes are read
LONGEST_DELAY_S = 120.0
NOTHING_ALLOWED = "User-agent: *\nDisallow: /"


class RobotsForbid(IgnoreRequest):
    """robots.txt forbids the address; ``unread`` when the rules themselves could not be read."""

    def __init__(self, url: str, *, unread: bool) -> None:
        super().__init__(f"robots.txt {'could not be read, so it forbids' if unread else 'forbids'} {url}")
        self.unread = unread
        self.url = url


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of one site, as they were read at ``read_at`` (monotonic seconds)."""

    parsed: Protego
    read_at: float
    unread: bool = False

    def fresh(self, at: float) -> bool:
        return at - self.read_at < (LASTS_AFTER_FAULT_S if self.unread else LASTS_S)


def rules_from(status: int | None, body: bytes, at: float) -> Rules:
    """The rules that an answer to /robots.txt stands for; ``status`` None is a network error."""
    if status is not None and 200 <= status < 300:
        return Rules(parsed=Protego.parse(decode(body[:LARGEST])), read_at=at)
    if status is not None and 400 <= status < 500 and status != 429:
        return Rules(parsed=Protego.parse(""), read_at=at)  # RFC 9309, 2.3.1.3: unavailable is no restriction
    return Rules(parsed=Protego.parse(NOTHING_ALLOWED), read_at=at, unread=True)  # 2.3.1.4: unreachable forbids


@dataclass(kw_only=True)
class RobotsMemory:
    """The rules of the sites of one process, so that a crawl of one page does not ask again."""

    rules: dict[str, Rules] = field(default_factory=dict)
    asking: dict[str, asyncio.Task[Rules]] = field(default_factory=dict)


MEMORY = RobotsMemory()


class RobotsMiddleware:
    """Asks for robots.txt once a site and day and refuses what it forbids. Off with ROBOTSTXT_OBEY=False."""

    def __init__(self, crawler: Crawler, memory: RobotsMemory = MEMORY) -> None:
        if not crawler.settings.getbool("ROBOTSTXT_OBEY"):
            raise NotConfigured
        self._crawler = crawler
        self._memory = memory
        self._agent = str(crawler.settings["ROBOTSTXT_USER_AGENT"] or crawler.settings["USER_AGENT"])

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RobotsMiddleware:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        if request.meta.get("dont_obey_robotstxt"):
            return
        rules = await self._rules(request.url)
        if not rules.parsed.can_fetch(request.url, self._agent):
            raise RobotsForbid(request.url, unread=rules.unread)
        self._slow_down(request, rules)

    async def _rules(self, url: str) -> Rules:
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        known = self._memory.rules.get(site)
        if known is not None and known.fresh(now.monotonic()):
            return known
        if site not in self._memory.asking:
            self._memory.asking[site] = asyncio.ensure_future(self._ask(site))
        try:
            return await asyncio.shield(self._memory.asking[site])
        finally:
            self._memory.asking.pop(site, None)

    async def _ask(self, site: str) -> Rules:
        request = Request(f"{site}/robots.txt", priority=1000, callback=NO_CALLBACK, dont_filter=True,
                          meta={"dont_obey_robotstxt": True, "dont_retry": True, "download_timeout": 10})
        response: Response | None = None
        try:
            response = await self._downloaded(request)
        except GateClosed:
            raise  # not asked: nothing is known of the rules, and nothing is remembered
        except Exception as error:  # noqa: BLE001 - around one page: any failure to read the rules forbids
            log.info("robots.txt of %s could not be read: %s", site, error)
        rules = rules_from(response.status if response else None, response.body if response else b"", now.monotonic())
        self._memory.rules[site] = rules
        return rules

    async def _downloaded(self, request: Request) -> Response:
        engine: Any = self._crawler.engine
        found: Response = await engine.download_async(request)
        return found

    def _slow_down(self, request: Request, rules: Rules) -> None:
        """Raise the delay of the site's slot to its Crawl-delay, and keep AutoThrottle from lowering it."""
        stated = delay_in(rules, self._agent)
        engine: Any = self._crawler.engine
        if stated and engine is not None:
            _, slot = engine.downloader._get_slot(request)
            slot.delay = max(slot.delay, stated)
            request.meta["autothrottle_dont_adjust_delay"] = True


def delay_in(rules: Rules | None, agent: str) -> float:
    """Seconds that the rules ask to leave between two requests; 0 when they say nothing."""
    stated = rules.parsed.crawl_delay(agent) if rules is not None else None
    return min(float(stated), LONGEST_DELAY_S) if stated else 0.0


def delay_of(url: str, agent: str) -> float:
    """The Crawl-delay of the site of ``url``, where its rules are remembered."""
    parts = urlsplit(url)
    return delay_in(MEMORY.rules.get(f"{parts.scheme}://{parts.netloc}"), agent)

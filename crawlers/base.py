"""What the spiders share: asking for pages, reading them around one try, going on, and ending trips.

A spider adds its parser and nothing else. Run by `scrapy crawl NAME -a url=…` it follows what it finds and
yields one line a mention; run by the crawl worker it gets trips and a keeper, and everything is kept in the ledger.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

import scrapy
from scrapy import Request
from scrapy.exceptions import (
    CannotResolveHostError,
    CloseSpider,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadTimeoutError,
    IgnoreRequest,
)
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from twisted.internet.error import TimeoutError as TwistedTimeoutError
from twisted.python.failure import Failure

from crawlers import guard
from crawlers.gate import GateClosed
from crawlers.health import of_answer
from crawlers.parse.result import TRUNCATED, PageResult
from crawlers.parse.tree import DEFAULT_PORTS, site_of
from crawlers.retry import AGAIN, retry_after
from crawlers.robots import RobotsForbid
from crawlers.trips import Keeper, Memory, Trip, lines_of
from incidents import now
from incidents.errors import LedgerError
from incidents.model import Follow

log = logging.getLogger(__name__)

FAILURES_IN_A_ROW = 3  # pages that fail one after the other before their source is given up for now
FAULTS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (DownloadTimeoutError, "timeout"), (TwistedTimeoutError, "timeout"), (DownloadConnectionRefusedError, "refused"),
    (DownloadCancelledError, "too_large"), (IgnoreRequest, "redirects"),
)


class SourceSpider(scrapy.Spider):
    """Base of the spiders of this project.

    Arguments on the command line: ``url`` (where to begin), ``pages`` (most pages of a list, 3), ``kind`` (list,
    thread, article), ``source`` and ``platform`` (written into the mentions), ``follow`` (0 reads the list alone).
    """

    name = ""
    platform: ClassVar[str] = ""
    custom_settings = {  # noqa: RUF012 - the attribute's form is Scrapy's
        "HTTPERROR_ALLOW_ALL": True,  # an error page is a sign, not noise
    }

    def __init__(self, url: str = "", *, pages: str | int = 3, kind: str = "list", source: str = "", platform: str = "", follow: str | int = 1,
                 trips: Sequence[Trip] | None = None, keeper: Keeper | None = None, allow_hosts: Collection[str] | None = None,
                 allowance: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source, self.as_platform = source, platform or self.platform
        self.trips = list(trips) if trips is not None else [Trip(kind=kind, url=url, most_pages=int(pages))] if url else []
        self.keeper: Keeper = keeper if keeper is not None else Memory()
        self.on_command_line = keeper is None
        self.follows = bool(int(follow))
        self.allow_hosts = frozenset(allow_hosts) if allow_hosts is not None else frozenset(_named(trip.url) for trip in self.trips)
        self.allowance = allowance
        self.requests = 0
        self.failing = 0
        self.broken = False

    def closed_because(self) -> str | None:
        """Why nothing more is asked for in this crawl, or None."""
        if self.broken:
            return "the source is broken"
        return "the budget is spent" if self.allowance is not None and self.requests >= self.allowance else None

    @classmethod
    def recognises(cls, body: bytes) -> bool:  # noqa: ARG003 - the spiders look at it
        """True when a page is surely of this kind; asked when a source is tried without a kind."""
        return False

    def read(self, response: Response, trip: Trip, at: datetime) -> PageResult:
        """What the page says. The spiders give this to their parser."""
        raise NotImplementedError

    async def start(self) -> AsyncIterator[Any]:
        if not self.trips:
            raise CloseSpider("no url: say where to begin with -a url=https://…")
        for trip in self.trips:
            yield self.request(trip.url, trip)

    def request(self, url: str, trip: Trip) -> Request:
        headers = trip.headers if trip.pages == 0 and site_of(url) == site_of(trip.url) else _secret_only(trip.headers, url, trip.url)
        return Request(url, callback=self.parse, errback=self.failed, headers=headers, meta={"trip": trip}, dont_filter=True)

    async def parse(self, response: Response, **_: Any) -> AsyncIterator[Any]:
        """Read one page of a trip, keep it, and say what to read next."""
        trip = response.meta.get("trip") or Trip(kind="list", url=response.url)
        following: str | None = None
        try:
            result = await self._page(response, trip)
            if result is not None:
                kept = await self.keeper.keep(trip, result)
                following = kept.following
                for line in lines_of(result) if self.on_command_line else ():
                    yield line
                for one in kept.follow if self.follows else ():
                    yield self._side_trip(one, trip)
            if following is not None:
                yield self.request(following, trip)
        except LedgerError as error:
            log.warning("%s is read again later: %s", response.url, error)
            trip.undone = True
            return
        if following is None:
            await self._end(trip)

    async def _page(self, response: Response, trip: Trip) -> PageResult | None:
        """The page as read, or None when the answer or the page itself ends the trip."""
        trip.status, trip.fault = response.status, None
        if trip.pages == 0:
            trip.answer = {name: (response.headers.get(header) or b"").decode("latin-1") for name, header in (("etag", "ETag"), ("modified", "Last-Modified"))}
        if of_answer(response.status, None) is not None and not self.worth_reading(response):
            if response.status in AGAIN:
                trip.retry_after = retry_after((response.headers.get("Retry-After") or b"").decode("latin-1"), now.machine())
            return None
        if response.status == 304 or (response.status >= 400 and not self.worth_reading(response)):
            return None
        try:
            result = await self._with_longtexts(self.read(response, trip, now.world()))
        except Exception as error:  # one page must not stop the others
            log.exception("%s could not be parsed", response.url)
            trip.fault, trip.detail = "parser", f"{type(error).__name__}: {error}"
            return None
        trip.take(response.url, result)
        if result.ttl is not None:
            trip.answer["ttl_s"] = str(int(result.ttl.total_seconds()))
        return result

    def worth_reading(self, response: Response) -> bool:
        """True when the body of an error answer says more than its status."""
        return False

    async def failed(self, failure: Failure) -> None:
        """A page did not come at all."""
        request: Any = failure.request  # type: ignore[attr-defined]
        trip: Trip = request.meta["trip"]
        if isinstance(failure.value, GateClosed):
            trip.undone = True
            return
        trip.status, trip.fault = None, _fault(failure.value or Exception(), request.url)
        trip.detail = guard.refusal(_address(failure.value, request.url)) or str(failure.value)
        await self._end(trip)

    async def _end(self, trip: Trip) -> None:
        try:
            await self.keeper.end(trip)
        except LedgerError as error:
            log.warning("%s is read again later: %s", trip.url, error)
            trip.undone = True
            return
        broken = trip.state().broken
        if self.on_command_line and trip.state().health.blind:
            log.warning("%s: %s (%s) %s", trip.url, trip.state().health.value, trip.state().reason, trip.detail)
        self.failing = self.failing + 1 if broken else 0
        if not self.on_command_line and (trip.breaks_source or self.failing >= FAILURES_IN_A_ROW):
            self.broken = True

    def _side_trip(self, one: Follow, trip: Trip) -> Request:
        return self.request(one.url, Trip(kind=one.kind, url=one.url, most_pages=trip.most_pages))

    async def _with_longtexts(self, result: PageResult) -> PageResult:
        """Put whole texts in place of cut ones, for mentions that are not kept yet."""
        cut = {one.key: one.url for one in result.follow if one.kind == "longtext" and one.key}
        wanted = await self.keeper.unknown(frozenset(cut)) if cut else frozenset()
        if not wanted:
            return result
        whole = {key: text for key in sorted(wanted) if (text := await self._longtext(cut[key]))}
        mentions = tuple(replace(mention, text=whole[mention.key], flags=mention.flags - {TRUNCATED}) if mention.key in whole else mention
                         for mention in result.mentions)
        return replace(result, mentions=mentions)

    async def _longtext(self, url: str) -> str | None:
        engine: Any = self.crawler.engine
        try:
            response = await engine.download_async(Request(url, callback=NO_CALLBACK, dont_filter=True))
        except Exception as error:  # noqa: BLE001 - around one page: the cut text is kept, its flag says so
            log.info("the whole text at %s did not come: %s", url, error)
            return None
        return self.longtext(response) if response.status == 200 else None

    def longtext(self, response: Response) -> str | None:
        """The whole text that an extra page holds; only feeds have such pages."""
        return None


def _named(url: str) -> str:
    """host:port of an address that a person or the settings named."""
    parts = urlsplit(url)
    return f"{(parts.hostname or '').lower()}:{parts.port or DEFAULT_PORTS.get(parts.scheme, 0)}"


def _secret_only(headers: dict[str, str], url: str, declared: str) -> dict[str, str]:
    """Of a trip's headers, the cookie, and only towards the host it was declared for."""
    return {name: value for name, value in headers.items() if name == "Cookie"} if site_of(url) == site_of(declared) else {}


def _fault(error: BaseException, url: str) -> str:
    """The name of what went wrong below HTTP."""
    if guard.refusal(_address(error, url)) is not None:
        return "address"
    if isinstance(error, RobotsForbid):
        return "robots_unread" if error.unread else "robots"
    if isinstance(error, CannotResolveHostError):
        return "dns"
    if "ssl" in f"{error!r}".lower() or "certificate" in str(error).lower():
        return "tls"
    return next((name for kind, name in FAULTS if isinstance(error, kind)), "connection")


def _address(error: BaseException | None, asked: str) -> str:
    """The address that failed: after a redirect not the one that was asked for."""
    return error.url if isinstance(error, RobotsForbid) else asked

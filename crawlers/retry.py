"""When a request is tried again, and when its source is: retries with full jitter, Retry-After, the circuit breaker.

Retries wait in machine time (they are politeness to a real server); the breaker counts in world time.
"""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.settings import BaseSettings
from scrapy.utils.misc import load_object

from incidents import now

log = logging.getLogger(__name__)

AGAIN = frozenset({408, 425, 429, *range(500, 600)})
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
WORTH_WAITING_S = 30.0  # a longer Retry-After is kept by putting the job off, not by waiting inside the crawl
BREAKER_FIRST, BREAKER_LONGEST = timedelta(minutes=15), timedelta(hours=24)
JOB_FIRST, JOB_LONGEST, JOB_TRIES = timedelta(minutes=5), timedelta(hours=6), 8


def wait_before(retry: int, chance: float) -> float:
    """Seconds before the ``retry``-th retry (from 1): full jitter under a doubling bound.

    Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. ``chance`` is in [0, 1).
    """
    return chance * min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**retry)


def retry_after(header: str, at: datetime) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3: a number or a date), None when it says nothing."""
    text = header.strip()
    if text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - at).total_seconds())


def breaker_until(failures: int, at: datetime) -> datetime:
    """World time of the next probe after ``failures`` (≥ 1) failures in a row: 15 min, doubling to 24 h."""
    return at + min(BREAKER_LONGEST, BREAKER_FIRST * float(2 ** min(failures - 1, 10)))


def job_again(attempts: int, at: datetime) -> datetime | None:
    """World time at which a job that failed ``attempts`` times before is tried again; None gives it up."""
    if attempts + 1 >= JOB_TRIES:
        return None
    return at + min(JOB_LONGEST, JOB_FIRST * float(2 ** min(attempts, 10)))


PAUSES: dict[str, float] = {}  # site → monotonic time until which it asked not to be called; outlives one crawl


class RetryMiddleware:
    """Tries 408, 425, 429, 5xx and network errors again, as often as RETRY_TIMES says."""

    def __init__(self, settings: BaseSettings) -> None:
        self._times = settings.getint("RETRY_TIMES")
        self._errors = tuple(load_object(name) for name in settings.getlist("RETRY_EXCEPTIONS"))

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RetryMiddleware:
        return cls(crawler.settings)

    async def process_request(self, request: Request) -> None:
        """Keep the pause that the site asked for, whichever page it was asked on."""
        rest = PAUSES.get(urlsplit(request.url).netloc, 0.0) - now.monotonic()
        if rest > 0:
            await asyncio.sleep(min(rest, WORTH_WAITING_S))

    async def process_response(self, request: Request, response: Response) -> Request | Response:
        if response.status not in AGAIN or request.meta.get("dont_retry"):
            return response
        asked = retry_after((response.headers.get("Retry-After") or b"").decode("latin-1"), now.machine())
        if asked is not None and asked > WORTH_WAITING_S:
            return response  # whoever asked puts the job off until then
        if asked:
            PAUSES[urlsplit(request.url).netloc] = now.monotonic() + asked
        return await self._again(request, f"status {response.status}", asked) or response

    async def process_exception(self, request: Request, exception: Exception) -> Request | None:
        if isinstance(exception, IgnoreRequest) or request.meta.get("dont_retry") or not isinstance(exception, self._errors):
            return None
        return await self._again(request, str(exception), None)

    async def _again(self, request: Request, reason: str, asked: float | None) -> Request | None:
        tries = int(request.meta.get("retry_times", 0)) + 1
        if tries > self._times:
            return None
        wait = wait_before(tries, random.random()) if asked is None else asked
        log.info("retry %d of %s in %.1f s (%s)", tries, request.url, wait, reason)
        await asyncio.sleep(wait)
        changed: Any = request.copy()
        changed.meta["retry_times"] = tries
        changed.dont_filter = True
        return changed  # type: ignore[no-any-return]

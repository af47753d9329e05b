"""The gate before every request: closed when the source has broken or its budget of the day is spent."""

from __future__ import annotations

from typing import Any

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest


class GateClosed(IgnoreRequest):
    """The request was not made; its job is nobody's failure and is run another time."""


class GateMiddleware:
    """Counts what goes out (robots.txt and retries too) and lets nothing out when the spider's gate is closed."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> GateMiddleware:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        spider: Any = self._crawler.spider
        reason = spider.closed_because() if hasattr(spider, "closed_because") else None
        if reason is not None:
            raise GateClosed(f"{request.url} is not asked for: {reason}")
        if hasattr(spider, "requests"):
            spider.requests += 1

"""Discuz! forums: a board's thread list, and its threads."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from scrapy.http import Response

from crawlers.base import SourceSpider
from crawlers.parse.discuz import is_discuz, parse_discuz
from crawlers.parse.result import PageResult
from crawlers.trips import Trip


class DiscuzSpider(SourceSpider):
    """`scrapy crawl discuz -a url=https://bbs.example.com/forum-2-1.html -o out.jsonl`"""

    name = "discuz"
    platform: ClassVar[str] = "forum"

    @classmethod
    def recognises(cls, body: bytes) -> bool:
        return is_discuz(body)

    def read(self, response: Response, trip: Trip, at: datetime) -> PageResult:
        return parse_discuz(response.body, response.url, at, source=self.source, platform=self.as_platform,
                            content_type=(response.headers.get("Content-Type") or b"").decode("latin-1"))

    def worth_reading(self, response: Response) -> bool:
        return response.status in (403, 404) and b"messagetext" in response.body  # 提示信息 comes with some of these

"""Weibo-shaped JSON feeds: a user's posts, a search, comments, one post shown again for its counts."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from scrapy.http import Response

from crawlers.base import SourceSpider
from crawlers.parse.result import PageResult
from crawlers.parse.weibo import longtext_of, parse_weibo
from crawlers.trips import Trip


class WeiboSpider(SourceSpider):
    """`scrapy crawl weibo -a url='https://m.weibo.cn/api/container/getIndex?containerid=107603UID' -o out.jsonl`"""

    name = "weibo"
    platform: ClassVar[str] = "weibo"

    @classmethod
    def recognises(cls, body: bytes) -> bool:
        return body.lstrip()[:1] in (b"{", b"[")

    def read(self, response: Response, trip: Trip, at: datetime) -> PageResult:
        return parse_weibo(response.body, response.url, at, source=self.source, platform=self.as_platform, status=response.status,
                           content_type=(response.headers.get("Content-Type") or b"").decode("latin-1"))

    def worth_reading(self, response: Response) -> bool:
        return 400 <= response.status < 500 and response.status not in (429, 432) and response.body.lstrip()[:1] == b"{"

    def longtext(self, response: Response) -> str | None:
        return longtext_of(response.body, (response.headers.get("Content-Type") or b"").decode("latin-1"))

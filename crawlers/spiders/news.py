"""News: a feed, a sitemap or a list page, and the articles it names."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from scrapy.http import Response

from crawlers.base import SourceSpider
from crawlers.parse.news import parse_news
from crawlers.parse.result import PageResult
from crawlers.trips import Trip


class NewsSpider(SourceSpider):
    """`scrapy crawl news -a url=https://news.example.com/rss.xml -o out.jsonl`"""

    name = "news"
    platform: ClassVar[str] = "news"

    def read(self, response: Response, trip: Trip, at: datetime) -> PageResult:
        return parse_news(response.body, response.url, at, source=self.source, platform=self.as_platform, kind=trip.kind,
                          content_type=(response.headers.get("Content-Type") or b"").decode("latin-1"))

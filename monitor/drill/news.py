"""A local newspaper's site: RSS 2.0 feed, article pages with JSON-LD and a visible 来源 and time, sitemap."""

from __future__ import annotations

import hashlib
import html
import json
from datetime import datetime
from email.utils import format_datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from incidents import now
from monitor.drill.paper import Markup, fill
from monitor.drill.plot import Post
from monitor.drill.world import World

FEED_LENGTH = 20
TTL_MIN = 3


class News:
    """The newspaper of a drill's world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.site = world.script.news

    def articles(self, moment: datetime) -> list[Post]:
        """Newest first."""
        return list(reversed(self.world.seen("news", moment)))

    def path(self, post: Post) -> str:
        """``content/2026-11/25/n-first.html``: the same for as long as the origin is."""
        return f"content/{now.shanghai(self.world.published(post)):%Y-%m/%d}/{post.id}.html"

    def feed(self, base: str, moment: datetime) -> str:
        """RSS 2.0 with a summary an entry; the body is on the article's page."""
        entries = "".join(
            "<item>\n"
            f"<title>{html.escape(post.title)}</title>\n<link>{base}{self.path(post)}</link>\n"
            f'<guid isPermaLink="true">{base}{self.path(post)}</guid>\n'
            f"<pubDate>{format_datetime(now.shanghai(self.world.published(post)))}</pubDate>\n"
            f"<category>{html.escape(post.section)}</category>\n"
            f"<description>{html.escape(summary(post))}</description>\n</item>\n"
            for post in self.articles(moment)[:FEED_LENGTH]
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">\n<channel>\n'
            f"<title>{html.escape(self.site.name)}</title>\n<link>{base}</link>\n"
            f'<atom:link href="{base}rss.xml" rel="self" type="application/rss+xml" />\n'
            f"<description>{html.escape(self.site.outlet)} 滚动新闻</description>\n<language>zh-cn</language>\n"
            f"<ttl>{TTL_MIN}</ttl>\n{entries}</channel>\n</rss>\n"
        )

    def sitemap(self, base: str, moment: datetime) -> str:
        """A news sitemap (sitemaps.org 0.9 with Google's news extension)."""
        entries = "".join(
            f"<url>\n<loc>{base}{self.path(post)}</loc>\n<news:news>\n<news:publication>"
            f"<news:name>{html.escape(self.site.outlet)}</news:name><news:language>zh-cn</news:language></news:publication>\n"
            f"<news:publication_date>{now.shanghai(self.world.published(post)).isoformat()}</news:publication_date>\n"
            f"<news:title>{html.escape(post.title)}</news:title>\n</news:news>\n</url>\n"
            for post in self.articles(moment)
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
            f'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">\n{entries}</urlset>\n'
        )

    def find(self, path: str, moment: datetime) -> Post | None:
        return next((post for post in self.articles(moment) if self.path(post) == path), None)

    def article_page(self, base: str, post: Post) -> str:
        published = now.shanghai(self.world.published(post))
        body = "\n".join(f"<p>　　{html.escape(part)}</p>" for part in post.text.split("\n") if part.strip())
        return fill(
            "news_article", site=self.site.name, outlet=self.site.outlet, base=base, title=post.title, author=post.author,
            section=post.section, summary=summary(post), link=base + self.path(post), iso=published.isoformat(),
            dated=f"{published:%Y-%m-%d %H:%M:%S}", body=Markup(body), linked=Markup(self._linked_json(base, post)),
        )

    def _linked_json(self, base: str, post: Post) -> str:
        """JSON-LD (schema.org NewsArticle); ``<`` is written as an escape so that no text can end the script."""
        published = now.shanghai(self.world.published(post)).isoformat()
        return json.dumps({
            "@context": "https://schema.org", "@type": "NewsArticle", "headline": post.title, "datePublished": published,
            "dateModified": published, "author": {"@type": "Person", "name": post.author.removeprefix("记者").strip()},
            "publisher": {"@type": "Organization", "name": self.site.outlet}, "articleSection": post.section,
            "mainEntityOfPage": base + self.path(post), "description": summary(post),
        }, ensure_ascii=False).replace("<", "\\u003c")

    def index_page(self, base: str, moment: datetime) -> str:
        rows = "".join(
            f'<li><a href="{self.path(post)}">{html.escape(post.title)}</a>'
            f'<span class="time">{now.shanghai(self.world.published(post)):%Y-%m-%d %H:%M}</span></li>\n'
            for post in self.articles(moment)
        )
        return fill("news_index", site=self.site.name, outlet=self.site.outlet, base=base, rows=Markup(rows))


def summary(post: Post) -> str:
    """The first paragraph without 本报讯, cut at 80 characters."""
    first = post.text.split("\n")[0].removeprefix("本报讯").strip()
    return first if len(first) <= 80 else first[:79] + "…"


def _unchanged_or(request: Request, body: str, kind: str) -> Response:
    """A conditional GET: 304 when the reader has this very body."""
    tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:20]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    return Response(body, media_type=kind, headers={"ETag": tag})


def news_app(world: World) -> Starlette:
    """The newspaper over HTTP."""
    news = News(world)

    def article(request: Request) -> Response:
        post = news.find(request.url.path.lstrip("/"), now.world())
        if post is None:
            return HTMLResponse(fill("news_missing", site=news.site.name), status_code=404)
        return HTMLResponse(news.article_page(str(request.base_url), post))

    def front(request: Request) -> Response:
        return HTMLResponse(news.index_page(str(request.base_url), now.world()))

    def rss(request: Request) -> Response:
        return _unchanged_or(request, news.feed(str(request.base_url), now.world()), "application/rss+xml")

    def sitemap(request: Request) -> Response:
        return _unchanged_or(request, news.sitemap(str(request.base_url), now.world()), "application/xml")

    def rules(request: Request) -> Response:
        return PlainTextResponse(f"User-agent: *\nAllow: /\n\nSitemap: {request.base_url}sitemap.xml\n")

    return Starlette(routes=[
        Route("/", front), Route("/rss.xml", rss), Route("/sitemap.xml", sitemap), Route("/robots.txt", rules),
        Route("/content/{path:path}", article),
    ])

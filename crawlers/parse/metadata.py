"""Title, time and byline of an article: JSON-LD before meta tags before what stands on the page.

No library is good at all of title, day and minute on Chinese pages, hence this small layer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from crawlers.parse.tree import HtmlElement, text_of, value
from crawlers.times import UNREAD, When, read_time
from incidents.model import Precision
from incidents.now import SHANGHAI

ARTICLE_TYPES = re.compile(r"Article|Posting|Report|WebPage|VideoObject")
TITLE_METAS = ("og:title", "articletitle", "twitter:title", "headline", "weibo:article:title")
TIME_METAS = ("article:published_time", "og:published_time", "datepublished", "pubdate", "publishdate", "publish_time", "publish-date", "apub:time", "weibo:article:create_at",
              "bytedance:published_time", "og:release_date", "article:create_at", "firstpubtime", "date", "dc.date", "dcterms.created", "release_date", "publishedtime")
AUTHOR_METAS = ("author", "article:author", "og:author", "byl", "dc.creator", "mediaid", "source", "contentsource")
SEPARATOR = re.compile(r"\s*[_|｜]\s*|\s+[-–—]\s+|\s*--+\s*|\s*[«»]\s*")
DATED = re.compile(r"(?:19|20)\d{2}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}")
SAID = re.compile(r"发布|發布|发表|發表|时间|時間|日期|来源|來源|更新|编辑|編輯|作者|记者|稿源|出处|上传|浏览|点击|阅读")
NOT_PUBLISHED = re.compile(r"今天是|星期[一二三四五六日].{0,6}$|版权|©|copyright|备案|许可证|注册|有效期|截止|至今|生日|更新于", re.IGNORECASE)
SOURCE_LINE = re.compile(r"(?:来源|來源|稿源|出处|来自)\s*[:：]\s*([^\s|｜,，;；。]{2,30})")
ADDRESS_DATE = re.compile(r"(?P<y>20\d{2})[-/_]?(?P<m>0[1-9]|1[0-2])[-/_]?(?P<d>0[1-9]|[12]\d|3[01])(?!\d)")
LONGEST_LINE = 160  # characters: a line that states the time is short, a sentence that mentions a date is not


def title_of(tree: HtmlElement) -> str:
    """The headline without the site's name; '' when the page has none."""
    if stated := next((str(one["headline"]).strip() for one in _linked(tree) if one.get("headline")), ""):
        return _one_line(re.sub(r"</?\w+[^>]*>", "", stated))
    whole = _one_line(text_of_title(tree))
    metas = _metas(tree)
    stated = next((_one_line(metas[name]) for name in TITLE_METAS if metas.get(name)), "")
    headings = [_one_line(text_of(one)) for one in tree.xpath("//h1|//h2|//*[@id='title' or @class='title']")]
    for heading in headings:
        if len(heading) >= 4 and (heading in whole or heading in stated):
            return heading
    return without_site(stated or whole) or next((heading for heading in headings if heading), "")


def text_of_title(tree: HtmlElement) -> str:
    return value(tree, "//title/text()")


def without_site(title: str) -> str:
    """``标题_频道_站名`` and ``标题 - 站名`` to ``标题``: what stands before the first separator, when it is a title's length."""
    parts = [part for part in SEPARATOR.split(title) if part]
    if len(parts) > 1 and len(parts[0]) >= 5:
        return parts[0]
    found = re.fullmatch(r"(.{6,})[-—–](.{2,12}?(?:网|报|社|新闻|在线|频道|财经|日报|晚报|论坛|百科|博客|\.com|\.cn))", title)
    return found[1].strip() if found else title


def time_of(tree: HtmlElement, url: str, now: datetime) -> When:
    """When the article was published. A day alone is made finer by a clock of the same day on the page."""
    seen = visible_time(tree, url, now)
    for when in (*_linked_times(tree, now), *_meta_times(tree, now)):
        if when.at is None:
            continue
        return seen if when.precision is Precision.DAY and _same_day(seen, when) else when
    return seen if seen.at is not None else _address_time(url, now)


def byline_of(tree: HtmlElement) -> str:
    """Who is named as the source or author; '' when nobody is."""
    if found := SOURCE_LINE.search(_one_line(text_of(tree)[:20_000])):
        return found[1].strip("（()）[]【】")
    for one in _linked(tree):
        author = one.get("author")
        author = author[0] if isinstance(author, list) and author else author
        name = author.get("name") if isinstance(author, Mapping) else author
        if isinstance(name, str) and name.strip():
            return _one_line(name)[:60]
    metas = _metas(tree)
    return next((_one_line(metas[name])[:60] for name in AUTHOR_METAS if metas.get(name)), "")


def visible_time(tree: HtmlElement, url: str, now: datetime) -> When:
    """The best dated short line of the page: with a clock, with 发布 or 来源, after the headline, on the address's day."""
    lines = text_of(tree).split("\n")
    title = title_of(tree)
    start = next((place for place, line in enumerate(lines) if title and title in line), 0)
    address_day = _address_time(url, now)
    best, top = UNREAD, -99.0
    for place, line in enumerate(lines):
        found = DATED.search(line) if len(line) <= LONGEST_LINE else None
        if found is None:
            continue
        when = read_time(line[found.start() :], now)
        if when.at is None or when.at > now.replace(hour=23, minute=59):
            continue
        worth = _worth(line, when, place - start) + (2 if _same_day(when, address_day) else 0)
        if worth > top:
            best, top = when, worth
    return best


def _worth(line: str, when: When, after_title: int) -> float:
    worth = 2.0 * bool(when.precision in (Precision.SECOND, Precision.MINUTE)) + bool(SAID.search(line)) - 3 * bool(NOT_PUBLISHED.search(line))
    if 0 <= after_title <= 15:
        worth += 2 - after_title / 15
    return worth - max(len(line) - 60, 0) / 60 - abs(after_title) / 500


def _same_day(one: When, other: When) -> bool:
    if one.at is None or other.at is None:
        return False
    return one.at.astimezone(SHANGHAI).date() == other.at.astimezone(SHANGHAI).date()


def _address_time(url: str, now: datetime) -> When:
    found = ADDRESS_DATE.search(url)
    return read_time(f"{found['y']}-{found['m']}-{found['d']}", now) if found else UNREAD


def _linked_times(tree: HtmlElement, now: datetime) -> Iterator[When]:
    for one in _linked(tree):
        for name in ("datePublished", "pubDate", "dateCreated", "uploadDate"):
            if isinstance(one.get(name), str | int):
                yield read_time(one[name], now)


def _meta_times(tree: HtmlElement, now: datetime) -> Iterator[When]:
    metas = _metas(tree)
    for name in TIME_METAS:
        if metas.get(name):
            yield read_time(metas[name], now)
    for stated in tree.xpath("//time[@itemprop='datePublished' or @pubdate]/@datetime|//*[@itemprop='datePublished']/@content|//article//header//time/@datetime"):
        yield read_time(str(stated), now)


def _metas(tree: HtmlElement) -> dict[str, str]:
    """Name → content of the meta tags, names in lower case, the first of a name wins."""
    found: dict[str, str] = {}
    for meta in tree.xpath("//meta[@content]"):
        for name in (meta.get("property"), meta.get("name"), meta.get("itemprop")):
            if name and meta.get("content", "").strip():
                found.setdefault(name.strip().lower(), meta.get("content").strip())
    return found


def _linked(tree: HtmlElement) -> Iterator[Mapping[str, Any]]:
    """The JSON-LD objects of the page that are about an article."""
    for script in tree.xpath("//script[@type='application/ld+json']/text()"):
        try:
            stated = json.loads(re.sub(r"[\x00-\x1f]+", " ", str(script)))
        except (ValueError, RecursionError):
            continue
        yield from _articles(stated)


def _articles(stated: Any) -> Iterator[Mapping[str, Any]]:
    listed = stated if isinstance(stated, list) else [stated]
    for one in listed[:50]:
        if not isinstance(one, Mapping):
            continue
        if ARTICLE_TYPES.search(str(one.get("@type", ""))) or "pubDate" in one:
            yield one
        graph = one.get("@graph")
        if isinstance(graph, list):
            yield from (inner for inner in graph[:50] if isinstance(inner, Mapping) and ARTICLE_TYPES.search(str(inner.get("@type", ""))))


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()

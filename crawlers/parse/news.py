"""News: feeds (RSS, Atom), sitemaps, list pages, articles.

A feed only names articles; the mention is what the article page says. An article's identity is its canonical
address, and it has no counts that could be visited again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import feedparser
from lxml import etree  # type: ignore[import-untyped]  # lxml publishes no types

from crawlers.charset import decode
from crawlers.parse.body import body_of
from crawlers.parse.metadata import byline_of, time_of, title_of
from crawlers.parse.result import PageResult, Reading
from crawlers.parse.tree import (
    HtmlElement,
    base_of,
    canonical,
    first,
    join,
    site_of,
    text_of,
    tree_of_text,
    value,
)
from crawlers.times import read_time
from incidents.model import Author, Follow, Health, Mention, ParseWarning, Precision

PLATFORM = "news"
XML_HEAD = re.compile(r"^\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*|<!DOCTYPE[^>]*>\s*|<\?[^>]*>\s*)*<(?P<root>[\w:]+)", re.DOTALL)
FEED_ROOTS = frozenset({"rss", "feed", "rdf:rdf"})
MAP_ROOTS = frozenset({"urlset", "sitemapindex"})
RECENT = timedelta(days=3)  # older entries of a sitemap are history, not news
MOST_MAPS, MOST_ENTRIES = 3, 500  # sitemaps followed from an index; entries taken from one page
LONGEST_ID = 300  # characters of an address that still serve as identity; longer ones are hashed
ARTICLE_PATH = re.compile(r"20\d{2}[-/_]?\d{2}|\d{5,}|\.s?html?$|/(?:a|c|p|article|news|detail|content|post)/[\w-]{6,}", re.IGNORECASE)
TITLE_LENGTH = 8  # characters: a link to an article carries its headline, a link to a section a word
LOGIN = re.compile(r"请先?登录|登录后(?:查看|阅读|继续)|需要登录|注册并登录|订阅后阅读|付费阅读")
BLOCKED = re.compile(r"安全验证|验证码|访问(?:过于)?频繁|Access Denied|Just a moment|人机验证|请开启JavaScript|您的访问被拒绝", re.IGNORECASE)
SHORT = 300  # characters of text below which a page without a body may be a log-in or block page


def parse_news(body: bytes, url: str, fetched_at: datetime, *, source: str = "", platform: str = PLATFORM,
               content_type: str = "", kind: str = "list") -> PageResult:
    """Read a feed, a sitemap, a list page, or (``kind`` article) an article page.

    HTML where a feed was expected is read as a list page, and as an article when it holds no links to articles.
    """
    text = decode(body, content_type)
    read = Reading(url=url, at=fetched_at, source=source, platform=platform)
    head = XML_HEAD.match(text[:5000])
    root = head["root"].lower() if head else ""
    if root in FEED_ROOTS:
        return _feed(text, read)
    if root in MAP_ROOTS:
        return _sitemap(text, read)
    tree = tree_of_text(text)
    read.base = base_of(tree, url)
    if kind != "article":
        listed = _list(tree, read)
        if listed.follow:
            return listed
    found = _article(tree, read)
    if kind != "article" and found.health is None and not _is_surely_article(found):
        return PageResult(health=Health.CHANGED, warnings=(ParseWarning(code="structure", text="a list page without links to articles"),))
    return found


def _is_surely_article(found: PageResult) -> bool:
    return any(mention.published and mention.title and len(mention.text) >= SHORT for mention in found.mentions)


def article_key(platform: str, url: str) -> str:
    """The key of the article at ``url``."""
    return f"{platform}:{site_of(url)}:{native_id(url)}"


def native_id(url: str) -> str:
    """The canonical address, or its beginning and a digest when it is very long."""
    address = canonical(url)
    if len(address) <= LONGEST_ID:
        return address
    return f"{address[: LONGEST_ID - 41]}#{hashlib.sha1(address.encode('utf-8', 'replace'), usedforsecurity=False).hexdigest()}"


def _feed(text: str, read: Reading) -> PageResult:
    """RSS 0.9–2.0 and Atom. Entities are never fetched nor expanded beyond the parser's own safe ones."""
    plain = re.sub(r"<\?xml[^>]*\?>", "", text, count=1)
    plain = re.sub(r"<!DOCTYPE[^\[>]*(\[.*?\]\s*)?>", "", plain, count=1, flags=re.DOTALL)
    parsed = feedparser.parse(plain.encode("utf-8", "replace"), response_headers={"content-type": "application/xml; charset=utf-8", "content-location": read.url})
    for entry in parsed.entries[:MOST_ENTRIES]:
        _follow(str(entry.get("link") or ""), read)
    if not read.follow and parsed.bozo:
        read.warn("structure", str(parsed.get("bozo_exception", "")))
        return read.result(health=Health.CHANGED)
    if not parsed.entries:
        read.warn("empty")
    stated = str(parsed.feed.get("ttl") or "")
    return read.result(ttl=timedelta(minutes=int(stated)) if stated.isdigit() and len(stated) < 6 else None)


def _follow(href: str, read: Reading) -> None:
    url = join(read.url, href) if href else None
    if url is None:
        read.warn("link_unread", href)
        return
    if all(one.url != url for one in read.follow):
        read.follow.append(Follow(url=url, kind="article", key=article_key(read.platform, url)))


def _sitemap(text: str, read: Reading) -> PageResult:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, recover=True)
    root = etree.fromstring(re.sub(r"<\?xml[^>]*\?>", "", text, count=1).strip().encode("utf-8", "replace"), parser)
    if root is None:
        read.warn("structure", "a sitemap that is no XML")
        return read.result(health=Health.CHANGED)
    dated = sorted(_map_entries(root, read.at), key=lambda pair: pair[1] or datetime.min.replace(tzinfo=read.at.tzinfo), reverse=True)
    if etree.QName(root).localname == "sitemapindex":
        read.follow.extend(Follow(url=url, kind="list") for url, _ in dated[:MOST_MAPS])
    else:
        for url, at in dated[:MOST_ENTRIES]:
            if at is None or at >= read.at - RECENT:
                _follow(url, read)
    return read.result()


def _map_entries(root: HtmlElement, now: datetime) -> Iterator[tuple[str, datetime | None]]:
    for node in root:
        texts = {etree.QName(inner).localname: (inner.text or "").strip() for inner in node.iter() if isinstance(inner.tag, str)}
        if texts.get("loc", "").startswith(("http://", "https://")):
            yield texts["loc"], read_time(texts.get("publication_date") or texts.get("lastmod"), now).at


def _list(tree: HtmlElement, read: Reading) -> PageResult:
    for link in tree.xpath("//a[@href]"):
        url = join(read.base, link.get("href", ""))
        if url and _looks_like_article(url, text_of(link) or link.get("title", ""), read.url):
            _follow(url, read)
        if len(read.follow) == MOST_ENTRIES:
            break
    following = value(tree, "//link[@rel='next']/@href|//a[@rel='next']/@href|//a[contains(., '下一页')]/@href")
    return read.result(next_page=join(read.base, following) if following else None)


def _looks_like_article(url: str, words: str, page: str) -> bool:
    ours = _domain(url) == _domain(page) and url != page
    path = urlsplit(url)
    return ours and len(words.strip()) >= TITLE_LENGTH and ARTICLE_PATH.search(path.path + ("?" + path.query if path.query else "")) is not None


def _domain(url: str) -> str:
    """The last two labels of the host (three under .com.cn and its like): news.example.com belongs to example.com."""
    host = urlsplit(url).hostname or ""
    labels = host.split(".")
    if host.replace(".", "").isdigit():
        return site_of(url)
    return ".".join(labels[-3:] if len(labels) > 2 and labels[-2] in ("com", "net", "org", "gov", "edu") else labels[-2:])


def _article(tree: HtmlElement, read: Reading) -> PageResult:
    """One article. ``published`` without a clock keeps its day precision; a page without a body is a state."""
    title, text = title_of(tree), body_of(tree)
    if len(text) < SHORT and (sign := _sign(tree, text)):
        read.warn(*sign[1:])
        return read.result(health=sign[0])
    when = time_of(tree, read.url, read.at)
    for code, missing in (("no_body", not text), ("time_unread", when.at is None), ("no_title", not title)):
        if missing:
            read.warn(code, read.url)
    if not re.search(r"\w", text + title):
        return read.result(health=Health.CHANGED)
    byline, address = byline_of(tree), _own_address(tree, read)
    read.mentions.append(Mention(
        source=read.source, platform=read.platform, site=site_of(address), native_id=native_id(address), kind="article", url=address,
        title=title, text=text, author=Author(native_id=byline, name=byline) if byline else None, published=when.at,
        precision=when.precision if when.at else Precision.UNKNOWN,
    ))
    return read.result()


def _sign(tree: HtmlElement, text: str) -> tuple[Health, str, str] | None:
    """A page with little text that asks for a log-in or a puzzle instead of telling something."""
    words = text_of(first(tree, "//body"))
    if len(words) > SHORT * 3:
        return None
    if BLOCKED.search(words) or BLOCKED.search(title_of(tree)):
        return Health.BLOCKED, "block_page", words
    if LOGIN.search(words) or first(tree, "//input[@type='password']") is not None:
        return Health.AUTH_REQUIRED, "login_page", words
    return None if text or title_of(tree) else (Health.CHANGED, "structure", words)


def _own_address(tree: HtmlElement, read: Reading) -> str:
    """The address that the page gives itself, when it is on the same site and not the site's front page."""
    stated = join(read.base, value(tree, "//link[@rel='canonical']/@href") or value(tree, "//meta[@property='og:url']/@content"))
    return canonical(stated if stated and site_of(stated) == site_of(read.url) and len(urlsplit(stated).path) > 1 else read.url)

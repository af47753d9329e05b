import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawlers.parse.body import body_of, likeness
from crawlers.parse.metadata import time_of, title_of, without_site
from crawlers.parse.news import article_key, parse_news
from crawlers.parse.tree import canonical, tree_of, tree_of_text
from crawlers.times import read_time
from incidents.model import Health, Precision
from incidents.now import SHANGHAI

AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
URL = "http://news.example.com/rss.xml"
SHARED = Path(os.environ.get("YUJING_SHARED", Path(__file__).parents[4] / "shared")) / "data/pages"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the shared pages are not here (YUJING_SHARED)")
SENTENCE = "星辰汽车今天表示，将对涉及的三万辆汽车进行召回，并为车主免费更换制动总泵。"

RSS = """<?xml version="1.0" encoding="{charset}"?><rss version="2.0"><channel><title>财经</title><ttl>10</ttl>
<item><title>星辰汽车召回</title><link>http://news.example.com/2026/11/22/a.html?utm_source=rss</link><pubDate>Sun, 22 Nov 2026 03:00:00 GMT</pubDate></item>
<item><title>第二条</title><link>/2026/11/22/b.html</link></item><item><title>没有链接</title></item></channel></rss>"""


def article(head: str = "", inner: str = "", body: str = SENTENCE * 8) -> bytes:
    return (f"<html><head><title>星辰汽车宣布召回三万辆_财经_示例网</title>{head}</head><body><div class=nav>首页 财经</div><h1>星辰汽车宣布召回三万辆</h1>"
            f"{inner}<div class=content><p>{body}</p><p>{body}</p></div><div class=foot>© 2005-2026 示例网</div></body></html>").encode()


@pytest.mark.parametrize("charset", ["utf-8", "gb2312"])
def test_a_feed_names_its_articles(charset: str) -> None:
    body = RSS.format(charset=charset).encode("gb18030" if charset == "gb2312" else "utf-8")
    result = parse_news(body, URL, AT)
    assert [f.key for f in result.follow] == ["news:news.example.com:http://news.example.com/2026/11/22/a.html", "news:news.example.com:http://news.example.com/2026/11/22/b.html"]
    assert [f.kind for f in result.follow] == ["article", "article"] and [w.code for w in result.warnings] == ["link_unread"]


def test_atom_and_an_empty_feed() -> None:
    atom = b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="http://news.example.com/x/123456"/></entry></feed>'
    assert [f.url for f in parse_news(atom, URL, AT).follow] == ["http://news.example.com/x/123456"]
    empty = parse_news(b"<rss version='2.0'><channel></channel></rss>", URL, AT)
    assert [w.code for w in empty.warnings] == ["empty"] and empty.health is None


def test_a_broken_feed_is_changed_and_a_bomb_stays_small() -> None:
    assert parse_news(b"<rss><channel><item><title>\x00", URL, AT).health is Health.CHANGED
    bomb = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "' + "x" * 1000 + '"><!ENTITY b "' + "&a;" * 1000 + '"><!ENTITY c "' + "&b;" * 1000 + '"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
    for root in ("<rss version='2.0'><channel><item><title>&c;&f;</title><link>http://h/&f;</link></item></channel></rss>", "<urlset><url><loc>http://h/&c;&f;</loc></url></urlset>"):
        result = parse_news((bomb + root).encode(), URL, AT)
        assert all(len(f.url) < 2000 and "root:" not in f.url for f in result.follow)


def test_sitemaps_give_recent_articles_and_an_index_its_newest_maps() -> None:
    entry = "<url><loc>http://news.example.com/{0}.html</loc><lastmod>{1}</lastmod></url>"
    urls = "<urlset>" + entry.format("new", "2026-11-22") + entry.format("old", "2025-01-01") + "</urlset>"
    assert [f.url for f in parse_news(urls.encode(), URL, AT).follow] == ["http://news.example.com/new.html"]
    maps = "<sitemapindex>" + "".join(f"<sitemap><loc>http://h/{d}.xml</loc><lastmod>2026-11-{d}</lastmod></sitemap>" for d in range(10, 20)) + "</sitemapindex>"
    assert [(f.url, f.kind) for f in parse_news(maps.encode(), URL, AT).follow] == [(f"http://h/{d}.xml", "list") for d in (19, 18, 17)]


def test_an_article_has_title_time_body_source_and_one_address() -> None:
    page = article('<link rel=canonical href="http://news.example.com/2026/11/22/a.html">', "<div class=info>2026年11月22日 09:30 来源：示例日报</div>")
    (mention,) = parse_news(page, "http://news.example.com/2026/11/22/a.html?utm_source=rss", AT, kind="article").mentions
    assert (mention.title, mention.native_id) == ("星辰汽车宣布召回三万辆", "http://news.example.com/2026/11/22/a.html")
    assert mention.published == datetime(2026, 11, 22, 9, 30, tzinfo=SHANGHAI) and mention.precision is Precision.MINUTE
    assert SENTENCE in mention.text and "首页" not in mention.text and mention.author and mention.author.name == "示例日报"
    assert mention.key == article_key("news", "http://news.example.com/2026/11/22/a.html#top")


@pytest.mark.parametrize("head", [
    '<script type="application/ld+json">{"@type":"NewsArticle","headline":"星辰汽车宣布召回三万辆","datePublished":"2026-11-22T09:30:05+08:00"}</script>',
    '<meta property="article:published_time" content="2026-11-22T01:30:05Z">'])
def test_what_the_page_states_comes_before_what_it_shows(head: str) -> None:
    (mention,) = parse_news(article(head, "<div>2026-11-20 08:00</div>"), URL, AT, kind="article").mentions
    assert mention.published == datetime(2026, 11, 22, 9, 30, 5, tzinfo=SHANGHAI)


def test_a_stated_day_is_made_finer_by_the_page_and_an_unreadable_date_is_a_warning() -> None:
    (mention,) = parse_news(article('<meta name="pubdate" content="2026-11-22">', "<div>发布时间：2026-11-22 09:30</div>"), URL, AT, kind="article").mentions
    assert mention.precision is Precision.MINUTE
    undated = parse_news(article(), "http://news.example.com/x", AT, kind="article")
    assert undated.mentions[0].published is None and "time_unread" in [w.code for w in undated.warnings]


@pytest.mark.parametrize(("words", "health"), [("请先登录后查看全文", Health.AUTH_REQUIRED), ("安全验证：请输入验证码", Health.BLOCKED), ("", Health.CHANGED)])
def test_a_page_in_place_of_an_article_is_a_state(words: str, health: Health) -> None:
    result = parse_news(f"<html><body><p>{words}</p></body></html>".encode(), URL, AT, kind="article")
    assert result.health is health and not result.mentions


def test_a_list_page_gives_article_links_of_its_own_domain_only() -> None:
    links = "".join(f'<a href="{href}">{words}</a>' for href, words in [("/2026-11/22/c_1.htm", "星辰汽车宣布召回三万辆汽车"), ("/finance/", "财经"), ("http://ads.example.net/2026/11/1.html", "这是别的网站的一条广告"), ("http://auto.example.com/a/778336904_120702", "召回车主仍在等待官方回应")])
    assert [f.url for f in parse_news(f"<html><body>{links}</body></html>".encode(), "http://news.example.com/", AT).follow] == ["http://news.example.com/2026-11/22/c_1.htm", "http://auto.example.com/a/778336904_120702"]


@pytest.mark.parametrize("body", [b"", b"\xff" * 300, b"<a>" * 30_000, b"<urlset>" * 5000, b"<rss>" * 5000])
def test_any_bytes_are_a_state_not_a_crash(body: bytes) -> None:
    assert parse_news(body, URL, AT).health is Health.CHANGED or not parse_news(body, URL, AT).mentions


def test_titles_lose_the_name_of_the_site_only() -> None:
    assert without_site("星辰汽车宣布召回_财经_示例网") == "星辰汽车宣布召回" and without_site("A股-港股同跌") == "A股-港股同跌"
    assert title_of(tree_of_text("<title>静夜思</title>")) == "静夜思"


def test_canonical_addresses() -> None:
    assert canonical("HTTP://News.Example.com:80/a?id=3&utm_source=x#top") == "http://news.example.com/a?id=3"


@needs_shared
def test_bodies_keep_their_measured_quality() -> None:
    gold = json.loads((SHARED / "magic-html/zh_article.json").read_text("utf-8"))
    magic = [((SHARED / f"magic-html/html/{name}.html").read_bytes(), entry["content"]) for name, entry in gold.items()]
    wced = [(page.read_bytes(), (SHARED / f"chinese-wced/cleaned/{page.stem}.txt").read_text("utf-8", "replace")) for page in sorted((SHARED / "chinese-wced/original").glob("*.html"))]
    for pages, floor in ((wced, 0.935), (magic, 0.93)):
        assert sum(likeness(body_of(tree_of(body)), text) for body, text in pages) / len(pages) >= floor


@needs_shared
def test_times_keep_their_measured_quality() -> None:
    days, minutes = [], []
    for page in sorted((SHARED / "chinese-wced/original").glob("*.html")):
        stated = read_time((SHARED / f"chinese-wced/date/{page.stem}.txt").read_text("utf-8").strip(), AT)
        if stated.at is None or stated.precision is Precision.MONTH:
            continue
        found = time_of(tree_of(page.read_bytes()), "", AT).at
        days.append(found is not None and found.astimezone(SHANGHAI).date() == stated.at.astimezone(SHANGHAI).date())
        if stated.precision is not Precision.DAY:
            minutes.append(found is not None and found.replace(second=0) == stated.at.replace(second=0))
    assert sum(days) >= 21 and len(days) == 23 and sum(minutes) >= 17 and len(minutes) == 19

"""The newspaper over real HTTP."""

from __future__ import annotations

import json
from datetime import datetime

import feedparser
from lxml import etree, html

from incidents import now
from monitor.drill.news import news_app


def test_the_feed_leads_to_the_articles(world, minute, serving) -> None:
    with serving(news_app(world)) as client, now.frozen(minute(40)):
        feed = feedparser.parse(client.get("/rss.xml").content)
        newest = client.get(feed.entries[0].link)
    assert feed.version == "rss20" and not feed.bozo and feed.feed.ttl == "3"
    assert feed.entries[0].title == world.script.post("n-first").title
    assert datetime(*feed.entries[0].published_parsed[:6]).minute == world.published(world.script.post("n-first")).minute
    assert newest.status_code == 200


def test_an_article_says_its_time_twice_and_its_source(world, minute, serving) -> None:
    post = world.script.post("n-first")
    with serving(news_app(world)) as client, now.frozen(minute(40)):
        page = html.fromstring(client.get(feedparser.parse(client.get("/rss.xml").content).entries[0].link).text)
    linked = json.loads(page.xpath("string(//script[@type='application/ld+json'])"))
    assert datetime.fromisoformat(linked["datePublished"]) == world.published(post)
    assert page.xpath("string(//span[@class='time'])") == f"{now.shanghai(world.published(post)):%Y-%m-%d %H:%M:%S}"
    assert page.xpath("string(//span[@class='source'])") == "来源：漪川晚报"
    assert "绿色霉变物" in page.xpath("string(//div[@id='content'])")


def test_an_article_is_not_there_before_its_time(world, minute, serving) -> None:
    with serving(news_app(world)) as client:
        with now.frozen(minute(40)):
            link = feedparser.parse(client.get("/rss.xml").content).entries[0].link
        with now.frozen(minute(30)):
            assert client.get(link).status_code == 404
            assert link not in client.get("/rss.xml").text + client.get("/sitemap.xml").text


def test_the_feed_answers_304_until_it_changes(world, minute, serving) -> None:
    with serving(news_app(world)) as client:
        with now.frozen(minute(30)):
            tag = client.get("/rss.xml").headers["etag"]
            assert client.get("/rss.xml", headers={"If-None-Match": tag}).status_code == 304
        with now.frozen(minute(40)):
            assert client.get("/rss.xml", headers={"If-None-Match": tag}).status_code == 200


def test_robots_name_the_sitemap(world, minute, serving) -> None:
    with serving(news_app(world)) as client, now.frozen(minute(40)):
        address = client.get("/robots.txt").text.split("Sitemap: ")[1].strip()
        urls = etree.fromstring(client.get(address).content)
        front = html.fromstring(client.get("/").text)
    assert len(urls) == len(front.xpath("//ul/li")) == len(world.seen("news", minute(40)))

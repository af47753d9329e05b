"""The forum over real HTTP, read as a spider would read a Discuz! X3.5."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from lxml import html

from incidents import now
from monitor.drill.forum import forum_app, relative

LIST = "/forum.php?mod=forumdisplay&fid=2"
POSTS = "//div[starts-with(@id, 'post_') and not(starts-with(@id, 'post_rate'))]"


def tree(answer) -> html.HtmlElement:
    assert answer.status_code == 200 and answer.headers["content-type"] == "text/html; charset=utf-8"
    return html.fromstring(answer.text)


def test_the_list_holds_what_is_there_at_that_time(world, minute, serving) -> None:
    with serving(forum_app(world)) as client:
        with now.frozen(minute(3)):
            before = tree(client.get(LIST)).xpath("//a[@class='s xst']/text()")
        with now.frozen(minute(7)):
            after = tree(client.get(LIST)).xpath("//a[@class='s xst']/text()")
    assert set(after) - set(before) == {world.script.post("f-lead").title}


def test_a_row_has_the_parts_of_discuz(world, minute, serving) -> None:
    with serving(forum_app(world)) as client, now.frozen(minute(50)):
        page = tree(client.get(LIST))
        rows = page.xpath("//tbody[starts-with(@id, 'normalthread_')]")
        thread = tree(client.get("/" + rows[0].xpath(".//a[@class='s xst']/@href")[0]))
    assert page.xpath("//meta[@name='generator']/@content") == ["Discuz! X3.5"]
    assert page.xpath("//tbody[starts-with(@id, 'stickthread_')]")
    replies = rows[0].xpath("string(.//td[@class='num']/a)")
    assert int(replies) == len(thread.xpath(POSTS)) - 1
    assert int(rows[0].xpath("string(.//td[@class='num']/em)")) > 1000
    assert rows[0].xpath(".//td[@class='by'][1]/em//span/@title") == ["2026-11-25"]


def test_threads_have_ten_posts_a_page_and_999_is_the_last(world, minute, serving) -> None:
    with serving(forum_app(world)) as client, now.frozen(minute(1440)):
        first, second, far = (tree(client.get(f"/forum.php?mod=viewthread&tid=6&page={n}")) for n in (1, 2, 999))
    ids = [page.xpath(f"{POSTS}/@id") for page in (first, second, far)]
    assert (len(ids[0]), len(ids[1])) == (10, 4) and ids[2] == ids[1]
    assert first.xpath("//a[@class='nxt']") and not second.xpath("//a[@class='nxt']")


def test_a_post_has_its_time_and_its_quote_apart(world, minute, serving) -> None:
    with serving(forum_app(world)) as client, now.frozen(minute(30)):
        page = tree(client.get("/forum.php?mod=viewthread&tid=6"))
    post = page.xpath(POSTS)[2]
    body = post.xpath(".//td[@class='t_f']")[0]
    assert body.get("id").removeprefix("postmessage_").isdigit()
    assert world.script.post("f-lead-2").quote in body.xpath("string(.//div[@class='quote']/blockquote)")
    assert re.fullmatch(r"2026-11-25 \d\d:\d\d:\d\d", post.xpath(".//em[starts-with(@id, 'authorposton')]/span/@title")[0])


@pytest.mark.parametrize(("back", "words"), [
    (timedelta(0), "刚刚"), (timedelta(seconds=5), "5&nbsp;秒前"), (timedelta(minutes=3), "3&nbsp;分钟前"),
    (timedelta(minutes=40), "半小时前"), (timedelta(hours=2), "2&nbsp;小时前"), (timedelta(days=1), "昨天&nbsp;12:00"),
    (timedelta(days=2), "前天&nbsp;12:00"), (timedelta(days=6), "6&nbsp;天前"),
])
def test_times_are_said_as_discuz_says_them(minute, back: timedelta, words: str) -> None:
    noon = minute(150)
    assert relative(noon - back, noon).endswith(f">{words}</span>")


def test_an_old_time_is_bare_and_not_padded(minute) -> None:
    assert relative(minute(-55 * 1440), minute(0)) == "2026-10-1 09:30:00"


def test_what_is_not_there_is_a_notice_and_robots_are_told(world, minute, serving) -> None:
    with serving(forum_app(world)) as client, now.frozen(minute(0)):
        missing = client.get("/forum.php?mod=viewthread&tid=6")  # not yet begun
        rules = client.get("/robots.txt").text
        human = client.get("/")
    assert "<title>提示信息" in missing.text and "指定的主题不存在" in missing.text
    assert "Disallow: /search.php" in rules and human.status_code == 200

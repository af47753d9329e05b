"""The feed over real HTTP, in the shapes of m.weibo.cn."""

from __future__ import annotations

from datetime import datetime, timedelta

from incidents import now
from monitor.drill.feed import feed_app
from monitor.drill.feed_shapes import many, short_of, text_html

SEARCH = "/api/container/getIndex?containerid=100103type%3D61%26q%3D%E7%A0%9A%E8%8C%89&page={}"


def blogs(answer) -> list[dict]:
    found = []
    for card in answer.json()["data"]["cards"]:
        found += [inner["mblog"] for inner in card.get("card_group", [card])]
    return found


def test_search_is_newest_first_and_ends(world, minute, serving) -> None:
    with serving(feed_app(world)) as client, now.frozen(minute(90)):
        pages = [client.get(SEARCH.format(n)) for n in range(1, 5)]
    found = [blog for page in pages if page.json()["ok"] for blog in blogs(page)]
    times = [datetime.strptime(blog["created_at"], "%a %b %d %H:%M:%S %z %Y") for blog in found]
    assert times == sorted(times, reverse=True) and times[0] <= minute(90)
    assert len({blog["id"] for blog in found}) == len(found) == pages[0].json()["data"]["cardlistInfo"]["total"]
    assert pages[-1].json()["ok"] == 0 and pages[-1].json()["msg"] == "这里还没有内容"


def test_only_what_was_posted_is_there(world, minute, serving) -> None:
    with serving(feed_app(world)) as client:
        with now.frozen(minute(1)):
            assert all("绿毛" not in blog["text"] for blog in blogs(client.get(SEARCH.format(1))))
        with now.frozen(minute(4)):
            assert "绿毛" in blogs(client.get(SEARCH.format(1)))[0]["text"]


def test_a_half_coded_container_is_understood(world, minute, serving) -> None:
    with serving(feed_app(world)) as client, now.frozen(minute(20)):
        whole = client.get(SEARCH.format(1)).json()
        half = client.get("/api/container/getIndex", params={"containerid": "100103type=61&q=砚茉", "page": 1}).json()
        bare = client.get("/api/container/getIndex?containerid=100103type=61&q=砚茉").json()
    assert whole == half == bare


def test_long_texts_are_cut_and_extended(world, minute, serving) -> None:
    lead = world.script.post("lead").text
    with serving(feed_app(world)) as client, now.frozen(minute(4)):
        blog = blogs(client.get(SEARCH.format(1)))[0]
        whole = client.get(f"/statuses/extend?id={blog['id']}").json()["data"]["longTextContent"]
    assert blog["isLongText"] and blog["text"].endswith("全文</a>")
    assert whole == text_html(lead) and '<span class="surl-text">#砚茉奶冻发霉#</span>' in whole


def test_counts_grow_between_visits(world, minute, serving) -> None:
    with serving(feed_app(world)) as client:
        with now.frozen(minute(10)):
            mid = next(blog for blog in blogs(client.get(SEARCH.format(1))) if "绿毛" in blog["text"])["id"]
            early = client.get(f"/statuses/show?id={mid}").json()["data"]
        with now.frozen(minute(300)):
            late = client.get(f"/statuses/show?id={short_of(mid)}").json()["data"]
    assert all(early[name] < late[name] for name in ("reposts_count", "comments_count", "attitudes_count"))


def test_a_repost_carries_its_original(world, minute, serving) -> None:
    with serving(feed_app(world)) as client, now.frozen(minute(75)):
        found = next(blog for blog in blogs(client.get(SEARCH.format(1))) if blog["user"]["screen_name"] == "漪川晚报")
    assert found["retweeted_status"]["user"]["screen_name"] == "栗子妈妈不加糖"
    assert found["user"]["verified"] and found["user"]["followers_count"] == "128.6万"


def test_comments_and_reposts_of_the_lead(world, minute, serving) -> None:
    with serving(feed_app(world)) as client, now.frozen(minute(75)):
        mid = next(blog for blog in blogs(client.get(SEARCH.format(1))) if "retweeted_status" in blog)["retweeted_status"]["id"]
        comments = client.get(f"/comments/hotflow?id={mid}&mid={mid}&max_id_type=0").json()["data"]
        reposts = [client.get(f"/api/statuses/repostTimeline?id={mid}&page={n}").json() for n in (1, 2)]
        shown = client.get(f"/statuses/show?id={mid}").json()["data"]
    assert len(comments["data"]) == 8 and comments["total_number"] == shown["comments_count"]
    assert reposts[0]["data"]["total_number"] == shown["reposts_count"]
    assert not {blog["id"] for blog in reposts[0]["data"]["data"]} & {blog["id"] for blog in reposts[1]["data"]["data"]}


def test_missing_blogs_nonsense_and_robots(world, minute, serving) -> None:
    with serving(feed_app(world)) as client, now.frozen(minute(5)):
        answers = [client.get(path).json() for path in ("/statuses/show?id=1", "/statuses/extend", "/api/container/getIndex",
                                                        "/api/container/getIndex?containerid=100103&page=x")]
        rules = client.get("/robots.txt").text
        human = client.get("/")
    assert [answer["ok"] for answer in answers] == [0, 0, 0, 0] and "Allow: /" in rules
    assert "绿毛" in human.text


def test_ids_and_numbers_are_written_as_the_site_writes_them(world) -> None:
    assert short_of("3501756485200075") == "z0JH2lOMb"  # a pair known from the real site
    assert [many(count) for count in (0, 9_999, 10_000, 46_200)] == [0, 9_999, "1万", "4.6万"]
    assert text_html("<b> & [怒]").startswith("&lt;b&gt; &amp; ")


def test_a_search_takes_milliseconds(world, minute, serving) -> None:
    with serving(feed_app(world)) as client, now.frozen(minute(300)):
        client.get(SEARCH.format(1))
        begun = now.monotonic()
        for _ in range(20):
            client.get(SEARCH.format(1))
    assert timedelta(seconds=now.monotonic() - begun) < timedelta(seconds=2)

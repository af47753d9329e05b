"""The crawl worker against real small sites on loopback and a real ledger. World time stands still inside each visit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from crawlers import retry
from incidents import now
from incidents.model import Health
from incidents.settings import Settings, parse
from incidents.store import tables as t
from incidents.store.ledger import Ledger, open_ledger
from incidents.store.sources import SourceState
from monitor.crawl_desk import Desk
from monitor.crawl_worker import STOPPED, Worker, worker_for
from tests.crawlers import reactor
from tests.crawlers.sites import Answer, Forum, Site, Weibo, feed, html, serving

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
BOARD = "/forum.php?mod=forumdisplay&fid=2"
FEED = "/api/container/getIndex?containerid=1"


@dataclass
class Bench:
    """One source, its site and its ledger; ``visit`` runs everything that is due at a moment."""

    site: Site
    folder: Path
    kind: str
    path: str
    more: dict[str, Any] = field(default_factory=dict)
    allow: bool = True
    settings: Settings = field(init=False)
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        source = {"id": "s", "name": "S", "kind": self.kind, "url": self.site.url + self.path, "delay": 0, "max_pages": 20, "every": "10m", **self.more}
        self.settings = parse({"data": str(self.folder), "allow_hosts": [self.site.host] if self.allow else [], "sources": [source],
                               "brands": [{"id": "b", "name": "星辰汽车", "any": ["星辰汽车"]}]}, self.folder / "yujing.toml")
        self.ledger = open_ledger(self.settings)
        self.ledger.sources.sync(self.settings.sources, NOON)

    def visit(self, at: datetime = NOON) -> list[str]:
        """Run a worker until nothing is due; returns the pages that the site was asked for."""
        before = len(self.site.pages())
        with now.frozen(at):
            assert reactor.run(self._until_idle()) == STOPPED
        return self.site.pages()[before:]

    async def _until_idle(self) -> int:
        reactor.loop()
        worker = worker_for(self.settings, self.ledger)
        return await worker.work(Idle(worker))

    def keys(self) -> list[str]:
        return [key.rsplit(":", 1)[1] for key in self.column(t.mentions.c.key)]

    def column(self, column: Any, *where: Any) -> list[Any]:
        with self.ledger.engine.connect() as c:
            return list(c.execute(sa.select(column).where(*where).order_by(column.table.c.id)).scalars())

    @property
    def state(self) -> SourceState:
        found = self.ledger.sources.one("s")
        assert found is not None
        return found


@dataclass
class Idle:
    """Stops a worker when nothing runs and nothing is due."""

    worker: Worker

    def is_set(self) -> bool:
        j, s = t.fetch_jobs.c, t.sources.c
        if self.worker.running:
            return False
        with self.worker.ledger.engine.connect() as c:
            waits = c.execute(sa.select(j.id).join(t.sources, s.id == j.source).where(j.ended_at.is_(None), j.due_at <= now.world(), sa.or_(s.next_try_at.is_(None), s.next_try_at <= now.world())).limit(1)).first()
        return waits is None


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_WAIT_S", 0.001)


@pytest.fixture
def forum() -> Forum:
    return Forum(threads={tid: tid % 4 for tid in range(12, 0, -1)})


@pytest.fixture
def bench(forum: Forum, tmp_path: Path) -> Iterator[Bench]:
    with serving(Site(forum.answer)) as site:
        yield Bench(site, tmp_path, "discuz", BOARD)


def everything(forum: Forum) -> set[str]:
    """Every post of the forum by its native id."""
    return {f"t{tid}" if floor == 0 else f"p{tid * 1000 + floor}" for tid, replies in forum.threads.items() for floor in range(replies + 1)}


def test_a_forum_is_read_whole_and_once(bench: Bench, forum: Forum) -> None:
    asked = bench.visit()
    assert set(bench.keys()) == everything(forum) and len(bench.keys()) == len(everything(forum))
    assert len(asked) == 3 + 12 and len(asked) == len(set(asked))
    assert bench.state.health is Health.FINE and bench.state.requests_today == len(asked) + 1
    assert set(bench.column(t.snapshots.c.at)) == {NOON}


def test_a_quiet_list_costs_one_page_and_grown_threads_are_opened(bench: Bench, forum: Forum) -> None:
    bench.visit()
    assert len(bench.visit(NOON + timedelta(minutes=11))) == 3  # once more through what was all news
    assert bench.visit(NOON + timedelta(minutes=22)) == [BOARD]
    forum.reply(7, 2)
    asked = bench.visit(NOON + timedelta(minutes=33))
    assert asked[0] == BOARD and [page for page in asked if "viewthread" in page] == ["/forum.php?mod=viewthread&tid=7"]
    assert set(bench.keys()) == everything(forum)


def test_a_long_thread_is_taken_up_where_it_was_left(bench: Bench, forum: Forum) -> None:
    forum.threads[5] = 25
    bench.visit()
    forum.reply(5, 6)
    asked = [page for page in bench.visit(NOON + timedelta(minutes=11)) if "tid=5" in page]
    assert asked == ["/forum.php?mod=viewthread&tid=5&page=3", "/forum.php?mod=viewthread&tid=5&page=4"]
    assert set(bench.keys()) == everything(forum)


def test_every_list_visit_appends_a_snapshot(bench: Bench, forum: Forum) -> None:
    bench.visit()
    for minutes in (11, 22):
        forum.threads[12] += 1
        bench.visit(NOON + timedelta(minutes=minutes))
    first = bench.column(t.mentions.c.id, t.mentions.c.key.like("%:t12"))[0]
    assert bench.column(t.snapshots.c.comments, t.snapshots.c.mention_id == first) == [0, 1, 2]


def test_threads_that_arrive_while_the_list_is_read_are_neither_lost_nor_doubled(bench: Bench, forum: Forum) -> None:
    def push(page: int) -> None:
        if page == 2:
            forum.threads = {100 + len(forum.threads): 1, **forum.threads}

    forum.before = push
    bench.visit()
    forum.before = lambda page: None
    bench.visit(NOON + timedelta(minutes=11))
    assert set(bench.keys()) == everything(forum) and len(bench.keys()) == len(set(bench.keys()))


def test_a_thread_that_slips_to_the_page_before_is_found_by_the_next_visit(bench: Bench, forum: Forum) -> None:
    def drop(page: int) -> None:
        if page == 2:
            forum.threads.pop(12, None)

    forum.before = drop
    bench.visit()
    forum.before = lambda page: None
    bench.visit(NOON + timedelta(minutes=11))
    assert everything(forum) <= set(bench.keys())


def test_pinned_threads_do_not_end_the_reading(bench: Bench, forum: Forum) -> None:
    forum.pinned, forum.per_page = (1, 2, 3, 4, 6), 5  # the whole first page
    bench.visit()
    forum.threads = {50: 0, **forum.threads}
    bench.visit(NOON + timedelta(minutes=11))
    bench.visit(NOON + timedelta(minutes=22))
    assert "t50" in everything(forum) <= set(bench.keys())


def test_a_list_that_turns_in_a_circle_comes_to_an_end(tmp_path: Path, forum: Forum) -> None:
    def answer(path: str, query: dict[str, str]) -> Answer:
        status, headers, body = forum.answer(path, query)
        if query.get("mod") == "viewthread":
            return status, headers, body
        return status, headers, body.replace(b"</body>", b'<div class="pg"><a class="nxt" href="forum.php?mod=forumdisplay&amp;fid=2&amp;page=9">x</a></div></body>')

    with serving(Site(answer)) as site:
        bench = Bench(site, tmp_path, "discuz", BOARD, {"max_pages": 200})
        assert len([page for page in bench.visit() if "forumdisplay" in page]) < 8
        assert set(bench.keys()) == everything(forum)


def test_gbk_forums(bench: Bench, forum: Forum) -> None:
    forum.charset = "gbk"
    bench.visit()
    assert "星辰汽车刹车异响 12 楼 0" in bench.column(t.mentions.c.text)


def test_a_visit_that_broke_off_is_read_through_the_next_time(bench: Bench, forum: Forum) -> None:
    good = bench.site.answer
    bench.site.answer = lambda path, query: html("", 503) if query.get("page") == "2" and query.get("mod") == "forumdisplay" else good(path, query)
    bench.visit()
    assert bench.state.health is Health.UNREACHABLE
    bench.site.answer = good
    bench.visit(NOON + timedelta(hours=2))
    bench.visit(NOON + timedelta(hours=2, minutes=1))
    assert set(bench.keys()) == everything(forum) and bench.state.health is Health.FINE


def test_a_site_that_fails_is_left_alone_longer_each_time_and_probed_once(bench: Bench) -> None:
    good = bench.site.answer
    bench.site.answer = lambda path, query: html("oh", 500)
    assert len(bench.visit()) == 4  # one request and three retries
    first = bench.state
    assert (first.health, first.health_reason, first.next_try_at) == (Health.UNREACHABLE, "server_error", NOON + timedelta(minutes=15))
    assert bench.visit(NOON + timedelta(minutes=14)) == []
    bench.visit(NOON + timedelta(minutes=16))
    assert bench.state.next_try_at == NOON + timedelta(minutes=16 + 30) and bench.state.health_since == first.health_since
    bench.site.answer = good
    bench.visit(NOON + timedelta(hours=1))
    assert bench.state.health is Health.FINE and bench.state.failures == 0 and bench.state.next_try_at is None


def test_an_unreachable_site_is_a_state_and_nothing_is_lost(bench: Bench, forum: Forum) -> None:
    bench.visit()
    good = bench.site.answer
    bench.site.answer = lambda path, query: (0, {}, b"")
    bench.visit(NOON + timedelta(minutes=11))
    assert bench.state.health is Health.UNREACHABLE and set(bench.keys()) == everything(forum)
    bench.site.answer = good
    forum.threads = {60: 2, **forum.threads}
    bench.visit(NOON + timedelta(minutes=40))
    assert bench.state.health is Health.FINE and set(bench.keys()) == everything(forum)


@pytest.mark.parametrize(("answer", "health", "reason"), [
    (html("<html><title>Sina Visitor System</title>passport.weibo.com 请登录</html>"), Health.AUTH_REQUIRED, "login_page"),
    (feed({"ok": -100, "url": "https://passport.weibo.cn/signin/login"}), Health.AUTH_REQUIRED, "login_page"),
    (html("", 432), Health.BLOCKED, "http_432"), (html("denied", 403), Health.BLOCKED, "http_403"),
    (html("<html>新版上线</html>"), Health.CHANGED, "not_json"), (html("", 404), Health.CHANGED, "list_missing")])
def test_what_stands_in_place_of_a_feed_is_a_state_after_one_request(tmp_path: Path, answer: Answer, health: Health, reason: str) -> None:
    with serving(Site(lambda path, query: answer)) as site:
        bench = Bench(site, tmp_path, "weibo", FEED)
        assert len(bench.visit()) == 1
        assert (bench.state.health, bench.state.health_reason) == (health, reason)


def test_an_empty_list_is_fine_until_the_source_is_known_to_speak(tmp_path: Path) -> None:
    weibo = Weibo(posts={})
    with serving(Site(weibo.answer)) as site:
        bench = Bench(site, tmp_path, "weibo", FEED)
        bench.visit()
        assert bench.state.health is Health.FINE
        weibo.posts = {"5300000000000001": 1}
        bench.visit(NOON + timedelta(minutes=11))
        weibo.posts = {}
        bench.visit(NOON + timedelta(minutes=22))
        assert (bench.state.health, bench.state.health_reason) == (Health.SILENT, "empty_list")


def test_counts_are_visited_again_and_a_deleted_post_becomes_a_tombstone(tmp_path: Path) -> None:
    weibo = Weibo(posts={"5300000000000009": 5})
    with serving(Site(weibo.answer)) as site:
        bench = Bench(site, tmp_path, "weibo", FEED, {"every": "30d"})
        bench.visit()
        due = bench.column(t.fetch_jobs.c.due_at, t.fetch_jobs.c.kind == "revisit")[0]
        weibo.posts["5300000000000009"] = 900
        assert bench.visit(due) == ["/statuses/show?id=5300000000000009"]
        assert bench.column(t.snapshots.c.reposts) == [5, 900]
        weibo.posts = {}
        bench.visit(bench.column(t.fetch_jobs.c.due_at, t.fetch_jobs.c.kind == "revisit")[0])
        assert bench.column(t.mentions.c.tombstone_at)[0] is not None
        assert bench.column(t.fetch_jobs.c.ended_at, t.fetch_jobs.c.kind == "revisit")[0] is not None


def test_a_feed_that_moves_while_it_is_read(tmp_path: Path) -> None:
    weibo = Weibo(posts={str(5300000000000100 - n): n for n in range(23)})

    def move(page: int) -> None:
        if page == 2:  # one arrives at the top, one of the first page is deleted
            weibo.posts = {"5300000000000999": 1, "5300000000000998": 1, **{mid: n for mid, n in weibo.posts.items() if mid != "5300000000000098"}}
        if page == 4:
            weibo.posts.pop("5300000000000097")

    weibo.before = move
    with serving(Site(weibo.answer)) as site:
        bench = Bench(site, tmp_path, "weibo", FEED)
        bench.visit()
        weibo.before = lambda page: None
        bench.visit(NOON + timedelta(minutes=11))
        assert set(weibo.posts) <= set(bench.keys()) and len(bench.keys()) == len(set(bench.keys())) == 25
        bench.visit(NOON + timedelta(minutes=22))
        assert bench.visit(NOON + timedelta(minutes=33))[0] == FEED
        assert sum("page" in page for page in bench.visit(NOON + timedelta(minutes=44))) == 0  # settled: the first page is enough


def test_a_revisit_that_brings_nothing_is_tried_again_and_not_taken_for_calm(tmp_path: Path) -> None:
    weibo = Weibo(posts={"5300000000000009": 5})
    with serving(Site(weibo.answer)) as site:
        bench = Bench(site, tmp_path, "weibo", FEED, {"every": "30d"})
        bench.visit()
        site.answer = lambda path, query: feed({"ok": 0, "msg": "系统繁忙"})
        due = bench.column(t.fetch_jobs.c.due_at, t.fetch_jobs.c.kind == "revisit")[0]
        bench.visit(due)
        site.answer = weibo.answer
        bench.visit(due + timedelta(minutes=6))
        assert len(bench.column(t.snapshots.c.reposts)) == 2 and bench.column(t.mentions.c.tombstone_at) == [None]


def test_a_page_that_is_missing_twice_is_gone(bench: Bench, forum: Forum) -> None:
    bench.visit()
    good = bench.site.answer
    bench.site.answer = lambda path, query: html("", 404) if query.get("tid") == "12" else good(path, query)
    bench.visit(NOON + timedelta(minutes=11))
    forum.reply(12, 1)
    bench.visit(NOON + timedelta(minutes=22))
    assert bench.column(t.mentions.c.tombstone_at, t.mentions.c.key.like("%:t12")) == [None]
    bench.visit(NOON + timedelta(minutes=100))
    assert bench.column(t.mentions.c.tombstone_at, t.mentions.c.key.like("%:t12"))[0] is not None


def test_a_cookie_without_its_secret_is_said_and_nothing_is_asked(tmp_path: Path) -> None:
    with serving(Site(Weibo(posts={}).answer)) as site:
        bench = Bench(site, tmp_path, "weibo", FEED, {"cookie": "secret:weibo_cookie_of_nobody"})
        bench.visit()
        assert site.asked == [] and (bench.state.health, bench.state.health_reason) == (Health.AUTH_REQUIRED, "cookie_missing")


def test_a_cookie_goes_to_its_own_host_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUJING_SECRET_WB", "SUB=abc")
    weibo = Weibo(posts={"5300000000000009": 5})
    with serving(Site(weibo.answer)) as other, serving(Site(lambda path, query: html("", 302, Location=f"{other.url.replace('127.0.0.1', 'localhost')}{FEED}"))) as site:
        bench = Bench(site, tmp_path, "weibo", FEED, {"cookie": "secret:WB"})
        bench.settings = bench.settings.model_copy(update={"allow_hosts": ("127.0.0.1", "localhost")})
        bench.visit()
        assert [headers.get("Cookie") for headers in site.headers][-1] == "SUB=abc"
        assert other.pages() and all("Cookie" not in headers for headers in other.headers)


def test_cut_texts_are_kept_whole_and_are_no_edit_the_next_time(tmp_path: Path) -> None:
    weibo = Weibo(posts={"5300000000000009": 5}, long=frozenset({"5300000000000009"}))
    with serving(Site(weibo.answer)) as site:
        bench = Bench(site, tmp_path, "weibo", FEED)
        bench.visit()
        bench.visit(NOON + timedelta(minutes=11))
        assert bench.column(t.mentions.c.text) == ["星辰汽车全文 5300000000000009\n第二段"] and bench.column(t.mentions.c.edited_at) == [None]
        assert sum("extend" in page for page in site.pages()) == 1


def test_a_private_address_is_refused_before_anything_is_sent(forum: Forum, tmp_path: Path) -> None:
    with serving(Site(forum.answer)) as site:
        bench = Bench(site, tmp_path, "discuz", BOARD, allow=False)
        bench.visit()
        assert site.asked == [] and (bench.state.health, bench.state.health_reason) == (Health.BLOCKED, "address")


def test_a_redirect_to_a_private_address_is_refused(tmp_path: Path, forum: Forum) -> None:
    with serving(Site(forum.answer)) as inner, serving(Site(lambda path, query: html("", 302, Location=inner.url + BOARD))) as outer:
        bench = Bench(outer, tmp_path, "discuz", BOARD)
        bench.visit()
        assert inner.asked == [] and bench.state.health is Health.BLOCKED


@pytest.mark.parametrize(("robots", "health", "reason"), [
    ((200, {}, b"User-agent: *\nDisallow: /forum.php"), Health.BLOCKED, "robots"), ((500, {}, b""), Health.UNREACHABLE, "robots_unread"), ((0, {}, b""), Health.UNREACHABLE, "robots_unread")])
def test_robots_txt_is_obeyed_and_unreadable_rules_forbid(bench: Bench, robots: Answer, health: Health, reason: str) -> None:
    bench.site.robots = robots
    assert bench.visit() == [] and (bench.state.health, bench.state.health_reason) == (health, reason)


def test_a_long_retry_after_puts_the_source_off(bench: Bench) -> None:
    bench.site.answer = lambda path, query: html("", 429, **{"Retry-After": "7200"})
    assert len(bench.visit()) == 1
    assert bench.state.next_try_at == NOON + timedelta(hours=2)


def test_the_budget_of_a_day_waits_for_midnight(forum: Forum, tmp_path: Path) -> None:
    with serving(Site(forum.answer)) as site:
        bench = Bench(site, tmp_path, "discuz", BOARD, {"daily_requests": 6})
        bench.visit()
        assert 6 <= len(site.asked) <= 7
        assert bench.visit(NOON + timedelta(hours=2)) == []
        for day in range(1, 6):
            bench.visit(NOON + timedelta(days=day))
        assert set(bench.keys()) == everything(forum)


def test_a_page_that_breaks_the_parser_is_given_up_and_the_others_are_read(bench: Bench, forum: Forum, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = Desk._keep

    def poisoned(desk: Desk, trip: Any, result: Any) -> Any:
        if "tid=7" in trip.url:
            raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")
        return keep(desk, trip, result)

    monkeypatch.setattr(Desk, "_keep", poisoned)
    for hour in range(0, 60, 7):
        bench.visit(NOON + timedelta(hours=hour))
    forum.threads.pop(7)
    assert set(bench.keys()) == everything(forum)
    assert bench.column(t.fetch_jobs.c.outcome, t.fetch_jobs.c.url.like("%tid=7"), t.fetch_jobs.c.kind == "thread") == ["given_up"]


def test_news_articles_are_read_once_and_an_unchanged_feed_costs_nothing(tmp_path: Path) -> None:
    article = "<title>星辰汽车召回三万辆</title><h1>星辰汽车召回三万辆</h1><div>2026-11-22 09:30 来源：示例日报</div><div>" + "<p>星辰汽车今天表示，将召回三万辆汽车，并为车主免费更换制动总泵。</p>" * 9 + "</div>"
    rss = "<rss version='2.0'><channel><item><title>a</title><link>/2026/a.html</link></item><item><title>b</title><link>/2026/b.html</link></item></channel></rss>"

    def answer(path: str, query: dict[str, str]) -> Answer:
        if path.endswith(".html"):
            return html(article)
        fresh = site.headers[-1].get("If-None-Match") == '"v1"'
        return (304, {"ETag": '"v1"'}, b"") if fresh else (200, {"Content-Type": "application/rss+xml", "ETag": '"v1"'}, rss.encode())

    with serving(Site(answer)) as site:
        bench = Bench(site, tmp_path, "news", "/rss.xml")
        assert bench.visit() == ["/rss.xml", "/2026/a.html", "/2026/b.html"]
        assert bench.visit(NOON + timedelta(minutes=11)) == ["/rss.xml"] and bench.state.health is Health.FINE
        assert bench.column(t.fetch_log.c.outcome)[-1] == "unchanged" and len(bench.keys()) == 2


def test_a_job_that_another_worker_holds_is_left_to_it(bench: Bench, forum: Forum) -> None:
    with now.frozen(NOON):
        held = bench.ledger.fetches.lease("other", world=NOON, machine=now.machine(), lasts=timedelta(seconds=-1))
    assert len(held) == 1 and len(bench.visit()) == 3 + 12  # the lease had run out
    assert set(bench.keys()) == everything(forum)


PROGRAM = """
import signal, sys, threading
from pathlib import Path
from incidents.settings import load
from incidents.store.ledger import open_ledger
from monitor import crawl_worker
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
settings = load(Path(sys.argv[1]))
sys.exit(crawl_worker.run(settings, open_ledger(settings), stop))
"""


def start(bench: Bench, folder: Path) -> subprocess.Popen[bytes]:
    dumped = bench.settings.model_dump(mode="json", include={"allow_hosts"})
    source = {"id": "s", "name": "S", "kind": bench.kind, "url": bench.site.url + bench.path, "delay": 0, "max_pages": 20}
    lines = [f"data = {json.dumps(str(folder))}", f"allow_hosts = {json.dumps(dumped['allow_hosts'])}", '[[brands]]\nid = "b"\nname = "b"\nany = ["星辰汽车"]',
             "[[sources]]", *(f"{name} = {json.dumps(value)}" for name, value in source.items())]
    path = folder / "yujing.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(path)], cwd=Path(__file__).parents[2], env={**os.environ, "OMP_NUM_THREADS": "1"})


@pytest.mark.slow
def test_a_killed_worker_loses_nothing_and_a_told_one_ends_in_time(bench: Bench, forum: Forum, tmp_path: Path) -> None:
    forum.threads = dict.fromkeys(range(40, 0, -1), 3)
    killed = start(bench, tmp_path)
    while len(bench.site.pages()) < 20:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait(5)
    with bench.ledger.engine.begin() as c:
        c.execute(sa.update(t.fetch_jobs).values(lease_until=now.machine()))  # the lease runs out
    second = start(bench, tmp_path)
    deadline = time.monotonic() + 40
    while set(bench.keys()) != everything(forum) and time.monotonic() < deadline:
        time.sleep(0.1)
    told = time.monotonic()
    second.terminate()
    assert second.wait(10) == STOPPED and time.monotonic() - told < 6
    assert set(bench.keys()) == everything(forum) and len(bench.keys()) == len(everything(forum))


def test_stop_is_heard_at_once(bench: Bench) -> None:
    stop = threading.Event()
    stop.set()

    async def work() -> int:
        return await worker_for(bench.settings, bench.ledger).work(stop)

    reactor.loop()
    assert reactor.run(work()) == STOPPED and bench.site.asked == []

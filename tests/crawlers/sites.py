"""Small real web sites on loopback for the tests of the crawlers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Site:
    """Answers by ``answer(path, query)``; ``asked`` is the server's own log of what was asked for."""

    answer: Callable[[str, dict[str, str]], Answer]
    robots: Answer = (404, {}, b"")
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def pages(self) -> list[str]:
        return [path for path in self.asked if path != "/robots.txt"]


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            site.asked.append(self.path)
            site.headers.append(dict(self.headers))
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            status, headers, body = site.robots if parts.path == "/robots.txt" else site.answer(parts.path, query)
            if status == 0:  # hang up without a word
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()


def html(text: str, status: int = 200, **headers: str) -> Answer:
    return status, {"Content-Type": "text/html; charset=utf-8", **headers}, text.encode()


def feed(answer: Any, status: int = 200, **headers: str) -> Answer:
    return status, {"Content-Type": "application/json", **headers}, json.dumps(answer, ensure_ascii=False).encode()


@dataclass
class Forum:
    """A Discuz!-shaped forum whose threads can be changed while it is read. ``threads``: tid → number of replies, newest first."""

    threads: dict[int, int]
    pinned: tuple[int, ...] = ()
    per_page: int = 5
    posts_per_page: int = 10
    before: Callable[[int], None] = lambda page: None
    charset: str = "utf-8"

    def reply(self, tid: int, times: int) -> None:
        """New replies, which bring the thread to the top as on every forum."""
        self.threads = {tid: self.threads.pop(tid) + times, **self.threads}

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        page = int(query.get("page", "1"))
        if query.get("mod") == "viewthread":
            text = self._thread(int(query["tid"]), page)
        else:
            self.before(page)
            text = self._list(page)
        body = f'<html><head><meta charset="{self.charset}"><meta name="generator" content="Discuz! X3.4"></head><body>{text}</body></html>'
        return 200, {"Content-Type": "text/html"}, body.encode("gb18030" if self.charset == "gbk" else "utf-8")

    def _list(self, page: int) -> str:
        order = [*self.pinned, *(tid for tid in self.threads if tid not in self.pinned)]
        last = max(1, -(-len(order) // self.per_page))
        page = min(page, last)  # a page past the end answers with the last one
        rows = "".join(self._row(tid) for tid in order[(page - 1) * self.per_page : page * self.per_page])
        return f'<div id="threadlist"><table>{rows}</table></div>{_pager("forum.php?mod=forumdisplay&amp;fid=2", page, last)}'

    def _row(self, tid: int) -> str:
        kind = "stick" if tid in self.pinned else "normal"
        return (f'<tbody id="{kind}thread_{tid}"><tr><th><a class="s xst" href="forum.php?mod=viewthread&amp;tid={tid}&amp;extra=page%3D1">星辰汽车 {tid}</a></th>'
                f'<td class="num"><a class="xi2">{self.threads[tid]}</a><em>{self.threads[tid] * 10}</em></td></tr></tbody>')

    def _thread(self, tid: int, page: int) -> str:
        if tid not in self.threads:
            return '<div id="messagetext"><p>抱歉，指定的主题不存在或已被删除或正在被审核</p></div>'
        total = self.threads[tid] + 1
        last = max(1, -(-total // self.posts_per_page))
        page = min(page, last)
        floors = range((page - 1) * self.posts_per_page, min(page * self.posts_per_page, total))
        head = f'<td class="pls"><div class="hm"><span class="xi1">{self.threads[tid] * 10}</span><span class="xi1">{self.threads[tid]}</span></div></td>' if page == 1 else ""
        posts = "".join(self._post(tid, floor) for floor in floors)
        return f'<div id="postlist">{head}<span id="thread_subject">星辰汽车 {tid}</span>{posts}</div>{_pager(f"forum.php?mod=viewthread&amp;tid={tid}", page, last)}'

    def _post(self, tid: int, floor: int) -> str:
        pid = tid * 1000 + floor
        name = "楼主" if floor == 0 else f"<em>{floor + 1}</em><sup>#</sup>"
        return (f'<div id="post_{pid}"><div class="authi"><a href="home.php?mod=space&amp;uid={floor + 1}">车友{floor}</a></div><a id="postnum{pid}">{name}</a>'
                f'<em id="authorposton{pid}">发表于 <span title="2026-11-22 02:{floor % 60:02d}:57">2&nbsp;小时前</span></em>'
                f'<table><tr><td class="t_f" id="postmessage_{pid}">星辰汽车刹车异响 {tid} 楼 {floor}</td></tr></table></div>')


def _pager(base: str, page: int, last: int) -> str:
    following = f'<a href="{base}&amp;page={page + 1}" class="nxt">下一页</a>' if page < last else ""
    back = f'<a href="{base}&amp;page={page - 1}" class="prev">上一页</a>' if page > 1 else ""
    return f'<div class="pg">{back}<strong>{page}</strong>{following}</div>'


@dataclass
class Weibo:
    """An m.weibo.cn-shaped feed. ``posts``: mid → reposts, newest first."""

    posts: dict[str, int]
    per_page: int = 5
    before: Callable[[int], None] = lambda page: None
    long: frozenset[str] = frozenset()

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        if path == "/statuses/show":
            mid = query["id"]
            return feed({"ok": 1, "data": self._post(mid)} if mid in self.posts else {"ok": 0, "msg": "抱歉，此微博已被作者删除"})
        if path == "/statuses/extend":
            return feed({"ok": 1, "data": {"longTextContent": f"星辰汽车全文 {query['id']}<br/>第二段"}})
        page = int(query.get("page", "1"))
        self.before(page)
        shown = list(self.posts)[(page - 1) * self.per_page : page * self.per_page]
        if not shown:
            return feed({"ok": 0, "msg": "这里还没有内容", "data": {"cards": []}})
        return feed({"ok": 1, "data": {"cards": [{"card_type": 9, "mblog": self._post(mid)} for mid in shown]}})

    def _post(self, mid: str) -> dict[str, Any]:
        return {"id": mid, "mid": mid, "created_at": "Sat Nov 21 10:00:00 +0800 2026", "text": f"星辰汽车 {mid}", "reposts_count": self.posts[mid],
                "comments_count": 0, "attitudes_count": 3, "isLongText": mid in self.long, "user": {"id": 7, "screen_name": "车主"}}

"""A forum that answers like Discuz! X3.5: board list, threads of ten posts a page, 提示信息 for what is not there.

Kept as the real one does it, traps included: relative times with ``&nbsp;`` whose ``title`` holds the moment
(a date only in the list), absolute dates without leading zeros, and ``page=999`` that answers with the last page.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from incidents import now
from monitor.drill.paper import Markup, fill, robots
from monitor.drill.plot import Post
from monitor.drill.world import World

POSTS_A_PAGE = 10
THREADS_A_PAGE = 20
GONE = "抱歉，指定的主题不存在或已被删除或正在被审核"
NO_BOARD = "抱歉，指定的版块不存在"


@dataclass(frozen=True, kw_only=True)
class Thread:
    """A thread as it stands at one moment: the opener and its replies, oldest first."""

    tid: int
    posts: tuple[Post, ...]

    @property
    def opener(self) -> Post:
        return self.posts[0]

    @property
    def pages(self) -> int:
        return pages(len(self.posts), POSTS_A_PAGE)


class Forum:
    """The forum of a drill's world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.site = world.script.forum
        posts = world.script.on("forum")
        self._pids = {post.id: place for place, post in enumerate(posts, start=1)}
        openers = [post for post in posts if post.parent is None]
        self._openers = dict(enumerate(openers, start=1))

    def thread(self, tid: int, moment: datetime) -> Thread | None:
        """The thread at ``moment``, None when there is none or it is not yet begun."""
        opener = self._openers.get(tid)
        if opener is None or self.world.published(opener) > moment:
            return None
        return Thread(tid=tid, posts=(opener, *self.world.answers(opener, moment)))

    def threads(self, moment: datetime) -> list[Thread]:
        """Pinned first, then by the newest post."""
        found = [thread for tid in self._openers if (thread := self.thread(tid, moment))]
        return sorted(found, key=lambda thread: (thread.opener.pinned, self.world.published(thread.posts[-1])), reverse=True)

    def index_page(self, base: str, moment: datetime) -> str:
        threads = self.threads(moment)
        body = fill("forum_index", site=self.site.name, board=self.site.board, fid=self.site.fid, threads=len(threads),
                    posts=sum(len(thread.posts) for thread in threads))
        return self._frame(base, moment, body, title="论坛", pageclass="pg_index")

    def list_page(self, base: str, fid: int, page: int, moment: datetime) -> str:
        if fid != self.site.fid:
            return self._notice(base, moment, NO_BOARD)
        threads = self.threads(moment)
        total = pages(len(threads), THREADS_A_PAGE)
        page = min(max(1, page), total)
        shown = threads[(page - 1) * THREADS_A_PAGE : page * THREADS_A_PAGE]
        body = fill(
            "forum_list", fid=fid, board=self.site.board, threads=len(threads), today=self._today(threads, moment),
            pager=pager(f"forum.php?mod=forumdisplay&fid={fid}", page, total),
            pinned=Markup("".join(self._row(thread, page, moment) for thread in shown if thread.opener.pinned)),
            rows=Markup("".join(self._row(thread, page, moment) for thread in shown if not thread.opener.pinned)),
        )
        return self._frame(base, moment, body, title=self.site.board, crumbs=self._board_crumb())

    def thread_page(self, base: str, tid: int, page: int, moment: datetime) -> str:
        thread = self.thread(tid, moment)
        if thread is None:
            return self._notice(base, moment, GONE)
        page = min(max(1, page), thread.pages)
        first = (page - 1) * POSTS_A_PAGE
        body = fill(
            "forum_thread", fid=self.site.fid, tid=tid, title=thread.opener.title, replies=len(thread.posts) - 1,
            views=self._views(thread, moment), pager=pager(f"forum.php?mod=viewthread&tid={tid}&amp;extra=", page, thread.pages),
            posts=Markup("".join(self._post(thread, place, moment)
                                 for place in range(first, min(first + POSTS_A_PAGE, len(thread.posts))))),
        )
        crumbs = Markup(f'{self._board_crumb()} <em>&rsaquo;</em> <a href="forum.php?mod=viewthread&amp;tid={tid}">'
                        f"{html.escape(thread.opener.title)}</a>")
        return self._frame(base, moment, body, title=f"{thread.opener.title} - {self.site.board}",
                           pageclass="pg_viewthread", crumbs=crumbs)

    def _row(self, thread: Thread, page: int, moment: datetime) -> str:
        opener, last = thread.opener, thread.posts[-1]
        kind = "stickthread" if opener.pinned else "normalthread"
        return fill(
            "forum_row", bodyid=f"{kind}_{thread.tid}", tid=thread.tid, page=page, title=opener.title,
            icon="fico-stickpost fic6 fc-p" if opener.pinned else "fico-thread fic6 fc-l",
            icontitle="全局置顶主题 - 新窗口打开" if opener.pinned else "有新回复 - 新窗口打开",
            rowclass="common" if opener.pinned else "new",
            morepages=_more_pages(thread), author=opener.author, uid=self._uid(opener),
            dated=relative(self.world.published(opener), moment, day_only=True),
            replies=len(thread.posts) - 1, views=self._views(thread, moment),
            lastauthor=last.author, lastquoted=quote(last.author),
            lastdated=relative(self.world.published(last), moment, seconds=False),
        )

    def _post(self, thread: Thread, place: int, moment: datetime) -> str:
        post = thread.posts[place]
        pid, profile = self._pids[post.id], self.world.profile(post.author)
        link = f"viewthread&tid={thread.tid}" if place == 0 else f"redirect&goto=findpost&ptid={thread.tid}&pid={pid}"
        return fill(
            "forum_post", pid=pid, tid=thread.tid, author=post.author, uid=self._uid(post), postlink=Markup(link),
            userthreads=profile.posts // 40, userposts=profile.posts // 4, floor=Markup(_floor(place)),
            dated=relative(self.world.published(post), moment), quote=self._quote(post),
            text=Markup(html.escape(post.text).replace("\n", "<br />\n")),
        )

    def _quote(self, post: Post) -> Markup:
        if not post.quote or post.quote_of is None:
            return Markup("")
        quoted = self.world.script.post(post.quote_of)
        said = f"{html.escape(quoted.author)} 发表于 {_stamp(self.world.published(quoted), seconds=False)}"
        return Markup(f'<div class="quote"><blockquote><font size="2"><font color="#999999">{said}</font></font><br />\n'
                      f"{html.escape(post.quote)}</blockquote></div><br />\n")

    def _views(self, thread: Thread, moment: datetime) -> int:
        return self.world.count(thread.opener, "views", moment) + len(thread.posts)

    def _uid(self, post: Post) -> int:
        return self.world.profile(post.author).uid % 1_000_000

    def _today(self, threads: Sequence[Thread], moment: datetime) -> int:
        day = now.shanghai(moment).date()
        return sum(now.shanghai(self.world.published(post)).date() == day for thread in threads for post in thread.posts)

    def _board_crumb(self) -> Markup:
        board = html.escape(self.site.board)
        return Markup(f'<em>&rsaquo;</em> <a href="forum.php?mod=forumdisplay&fid={self.site.fid}">{board}</a>')

    def _notice(self, base: str, moment: datetime, text: str) -> str:
        return self._frame(base, moment, fill("forum_notice", text=text), title="提示信息")

    def _frame(self, base: str, moment: datetime, body: Markup, *, title: str, pageclass: str = "pg_forumdisplay",
               crumbs: str = "") -> str:
        return fill("forum_frame", title=title, keywords=title, site=self.site.name, base=base, pageclass=pageclass,
                    crumbs=Markup(crumbs), body=body, clock=_stamp(moment, seconds=False))


def pages(count: int, size: int) -> int:
    return max(1, -(-count // size))


def pager(link: str, page: int, total: int) -> Markup:
    """Discuz!'s pager; nothing when there is one page."""
    if total == 1:
        return Markup("")
    numbers = "".join(f"<strong>{n}</strong>" if n == page else f'<a href="{link}&amp;page={n}">{n}</a>'
                      for n in range(1, total + 1))
    before = f'<a href="{link}&amp;page={page - 1}" class="prev">&nbsp;&nbsp;</a>' if page > 1 else ""
    after = f'<a href="{link}&amp;page={page + 1}" class="nxt">下一页</a>' if page < total else ""
    return Markup(f'<div class="pg">{before}{numbers}<label><span title="共 {total} 页"> / {total} 页</span></label>{after}</div>')


def _more_pages(thread: Thread) -> Markup:
    if thread.pages == 1:
        return Markup("")
    links = "".join(f'<a href="forum.php?mod=viewthread&tid={thread.tid}&amp;extra=page%3D1&amp;page={n}" '
                    f'onclick="atarget(this)">{n}</a>' for n in range(2, thread.pages + 1))
    return Markup(f'<span class="tps">&nbsp;...{links}</span>\n')


def _floor(place: int) -> str:
    names = ("楼主", "沙发", "板凳", "地板")
    return names[place] if place < len(names) else f"<em>{place + 1}</em><sup>#</sup>"


def _stamp(at: datetime, *, seconds: bool = True, day_only: bool = False) -> str:
    """Discuz!'s ``Y-n-j H:i:s``: month and day without leading zeros."""
    local = now.shanghai(at)
    day = f"{local.year}-{local.month}-{local.day}"
    return day if day_only else f"{day} {local:%H:%M:%S}" if seconds else f"{day} {local:%H:%M}"


def relative(at: datetime, moment: datetime, *, seconds: bool = True, day_only: bool = False) -> Markup:
    """``dgmdate($time, 'u')`` of Discuz! X3.5: words for a week, then the bare date."""
    stamp = _stamp(at, seconds=seconds, day_only=day_only)
    words = _words(at, moment)
    return Markup(stamp if words is None else f'<span title="{stamp}">{words}</span>')


def _words(at: datetime, moment: datetime) -> str | None:
    local, here = now.shanghai(at), now.shanghai(moment)
    days = (here.date() - local.date()).days
    if days == 0:
        return _today_words(int((moment - at).total_seconds()))
    if days <= 2:
        return f"{'昨天' if days == 1 else '前天'}&nbsp;{local:%H:%M}"
    return f"{days}&nbsp;天前" if days <= 7 else None


def _today_words(age: int) -> str:
    if age > 3600:
        return f"{age // 3600}&nbsp;小时前"
    if age > 1800:
        return "半小时前"
    if age > 60:
        return f"{age // 60}&nbsp;分钟前"
    return f"{age}&nbsp;秒前" if age > 0 else "刚刚"


def _number(request: Request, name: str, otherwise: int) -> int:
    value = request.query_params.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else otherwise


def forum_app(world: World) -> Starlette:
    """The forum over HTTP: ``/``, ``/forum.php`` and ``/robots.txt``."""
    forum = Forum(world)

    def answer(request: Request) -> Response:
        base, moment, page = str(request.base_url), now.world(), _number(request, "page", 1)
        wanted = request.query_params.get("mod", "")
        if wanted == "viewthread":
            return HTMLResponse(forum.thread_page(base, _number(request, "tid", 0), page, moment))
        if wanted == "forumdisplay":
            return HTMLResponse(forum.list_page(base, _number(request, "fid", 0), page, moment))
        return HTMLResponse(forum.index_page(base, moment))

    def rules(_: Request) -> Response:
        return PlainTextResponse(robots("forum"))

    return Starlette(routes=[Route("/", answer), Route("/forum.php", answer), Route("/robots.txt", rules)])

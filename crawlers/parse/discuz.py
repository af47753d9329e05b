"""Discuz! X3.4 and X3.5: thread lists, threads, notices.

The opener of thread TID is the mention ``t<TID>`` everywhere, a reply is ``p<PID>`` with root ``t<TID>``, so the
counts of a list page (replies, views) belong to the opener without the thread being opened.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from crawlers.counts import read_count
from crawlers.parse.result import PICTURES_UNREAD, WORDLESS, PageResult, Reading
from crawlers.parse.tree import (
    HtmlElement,
    base_of,
    first,
    has_class,
    join,
    query_of,
    text_of,
    tree_of,
    value,
    with_query,
)
from crawlers.times import UNREAD, When, read_time
from incidents.model import Author, Follow, Health, Mention

PLATFORM = "forum"
LIST_ROW = "//tbody[starts-with(@id, 'normalthread_') or starts-with(@id, 'stickthread_')]"
POST = "//div[starts-with(@id, 'post_') and number(substring(@id, 6)) = number(substring(@id, 6))]"
GONE = re.compile(r"主题不存在|帖子不存在|已被删除|正在被审核|指定的主题不存在|不存在或已被")
LOGIN = re.compile(r"需要登录|请先登录|登录后|无权(?:访问|进行|浏览|查看)|没有权限|抱歉，您所在的用户组")
BLOCKED = re.compile(r"安全验证|验证码|访问过于频繁|请求来自非正常|防护|防火墙|IP.{0,8}(?:禁止|屏蔽|限制)")
NO_THREADS = re.compile(r"本版块或指定的范围内尚无主题|尚无主题")
REWRITTEN = re.compile(r"(?P<head>.*/)?thread-(?P<tid>\d+)-(?P<page>\d+)-(?P<from>\d+)\.html$")
FEW_WORDS = 40  # with pictures and fewer characters than this, what matters may well be in the pictures
QUOTE = f".//div[{has_class('quote')}]|.//blockquote"
LEFT_OUT = f".//i[{has_class('pstatus')}]|.//div[{has_class('attach_nopermission')} or {has_class('tip')} or {has_class('aimg_tip')}]|.//*[{has_class('jammer')}]"


@dataclass(frozen=True, kw_only=True)
class _Thread:
    tid: str
    title: str
    opener: str | None  # pid


def parse_discuz(body: bytes, url: str, fetched_at: datetime, *, source: str = "", platform: str = PLATFORM,
                 content_type: str = "") -> PageResult:
    """Read any page of a Discuz! forum: a thread list, a thread, or a notice in their place.

    A page that is none of these has ``health`` CHANGED; a log-in or block page says so in ``health``; a thread
    that was deleted is named in ``gone``.
    """
    tree = tree_of(body, content_type)
    read = Reading(url=url, at=fetched_at, source=source, platform=platform, base=base_of(tree, url))
    if tree.xpath(POST):
        return _thread(tree, read)
    if tree.xpath(LIST_ROW) or first(tree, "//*[@id='threadlist']|//table[@id='threadlisttableid']") is not None:
        return _list(tree, read)
    return _notice(tree, read)


def is_discuz(body: bytes) -> bool:
    """True when the generator tag or the "Powered by" line names Discuz!."""
    return re.search(rb"Discuz!|discuz_uid|Powered by <[^>]+>Discuz", body[:200_000], re.IGNORECASE) is not None


def thread_id(url: str) -> str | None:
    """The TID of a thread's address in either form, or None."""
    if found := REWRITTEN.search(urlsplit(url).path):
        return found["tid"]
    asked = query_of(url)
    tid = asked.get("tid") or asked.get("ptid")
    return tid if tid and tid.isdigit() else None


def thread_address(url: str, page: int = 1) -> str:
    """The thread's address at ``page`` without what only says where the reader came from."""
    parts = urlsplit(url)
    if found := REWRITTEN.search(parts.path):
        return parts._replace(path=f"{found['head'] or ''}thread-{found['tid']}-{page}-1.html", query="", fragment="").geturl()
    return with_query(url, extra=None, fromuid=None, mobile=None, page=None if page == 1 else page)


def _list(tree: HtmlElement, read: Reading) -> PageResult:
    rows = tree.xpath(LIST_ROW)
    for row in rows:
        _row(row, read)
    empty = not rows and NO_THREADS.search(text_of(first(tree, "//body"))) is not None
    if not read.follow and not empty:
        read.warn("structure", "a list without readable threads")
        return read.result(health=Health.CHANGED)
    return read.result(next_page=_next(tree, read))


def _row(row: HtmlElement, read: Reading) -> None:
    link = first(row, f".//a[{has_class('xst')}]")
    href = join(read.base, link.get("href", "")) if link is not None else None
    tid = thread_id(href) if href else None
    if href is None or tid is None:
        read.warn("row_unread", row.get("id", ""))
        return
    if row.get("id", "").startswith("stick"):
        read.pinned.add(read.key(f"t{tid}"))
    cell = first(row, f".//td[{has_class('num')}]")
    if cell is not None:
        read.count(f"t{tid}", comments=read_count(value(cell, ".//a/text()")), views=read_count(value(cell, ".//em/text()")))
    read.follow.append(Follow(url=thread_address(href), kind="thread", key=read.key(f"t{tid}")))


def _thread(tree: HtmlElement, read: Reading) -> PageResult:
    tid = thread_id(read.url) or thread_id(value(tree, "//link[@rel='canonical']/@href"))
    if tid is None:
        read.warn("thread_unidentified", read.url)
        return read.result(health=Health.CHANGED)
    thread = _Thread(tid=tid, title=text_of(first(tree, "//*[@id='thread_subject']")), opener=_opener(tree))
    for post in tree.xpath(POST):
        _post(post, read, thread)
    cells = tree.xpath(f"//*[@id='postlist']//td[{has_class('pls')}]//div[{has_class('hm')}]//span[{has_class('xi1')}]")
    if len(cells) >= 2:
        read.count(f"t{tid}", comments=read_count(text_of(cells[1])), views=read_count(text_of(cells[0])))
    return read.result(next_page=_next(tree, read), health=None if read.mentions else Health.CHANGED)


def _opener(tree: HtmlElement) -> str | None:
    """The pid of the first post, where it is on this page: the floor called 楼主 or 1, else the first of page 1."""
    floors = {one.get("id", "").removeprefix("postnum"): text_of(one) for one in tree.xpath("//*[starts-with(@id, 'postnum')]")}
    pid: str
    for pid, floor in floors.items():
        if re.search(r"楼主|樓主", floor) or re.sub(r"\D", "", floor) == "1":
            return pid
    numbered = any(re.search(r"\d", floor) for floor in floors.values())
    if numbered or first(tree, f"//div[{has_class('pg')}]//a[{has_class('prev')}]") is not None:
        return None
    return next((str(post.get("id", "")).removeprefix("post_") for post in tree.xpath(POST)), None)


def _post(post: HtmlElement, read: Reading, thread: _Thread) -> None:
    pid = post.get("id", "").removeprefix("post_")
    body = first(post, f".//*[@id='postmessage_{pid}']")
    if body is None:
        read.warn("post_locked" if first(post, f".//div[{has_class('locked')}]") is not None else "post_unread", f"p{pid}")
        return
    opener = pid == thread.opener
    text, quote = _own_and_quoted(body)
    wordless = not text and _pictures(post)
    if not text and not wordless and not opener:
        read.warn("post_empty", f"p{pid}")
        return
    when = _posted(post, pid, read)
    read.mentions.append(Mention(
        source=read.source, platform=read.platform, site=read.site, native_id=f"t{thread.tid}" if opener else f"p{pid}",
        kind="post" if opener else "reply", url=_post_address(read, thread.tid, pid, opener), title=thread.title if opener else "",
        text=WORDLESS if wordless else text, quote=quote, author=_author(post), published=when.at, precision=when.precision,
        root=None if opener else f"t{thread.tid}", revisit=thread_address(read.url) if opener else None,
        flags=frozenset({PICTURES_UNREAD} if _pictures(post) and len(text) < FEW_WORDS else ()),
    ))


def _pictures(post: HtmlElement) -> bool:
    return bool(post.xpath(f".//div[{has_class('pcb')}]//img[@aid or @zoomfile or @file or contains(@src, 'attachment')]"))


def _posted(post: HtmlElement, pid: str, read: Reading) -> When:
    stamp = first(post, f".//*[@id='authorposton{pid}']")
    if stamp is None:
        read.warn("time_unread", f"p{pid}")
        return UNREAD
    when = read_time(value(stamp, ".//span/@title"), read.at)
    when = read_time(text_of(stamp), read.at) if when.at is None else when
    if when.at is None:
        read.warn("time_unread", f"p{pid}: {text_of(stamp)}")
    return when


def _own_and_quoted(body: HtmlElement) -> tuple[str, str]:
    quotes = tuple(body.xpath(QUOTE))
    noise = tuple(body.xpath(LEFT_OUT))
    outer = [quote for quote in quotes if not any(other is not quote and other in set(quote.iterancestors()) for other in quotes)]
    return text_of(body, without=(*quotes, *noise)), "\n".join(filter(None, (text_of(quote) for quote in outer)))


def _author(post: HtmlElement) -> Author | None:
    link = first(post, f".//div[{has_class('authi')}]//a[contains(@href, 'uid') or contains(@href, 'space')]")
    if link is None:
        return None
    uid = re.search(r"uid[=-](\d+)", link.get("href", ""))
    name = text_of(link)
    posts = read_count(value(post, ".//div[contains(@class, 'tns')]//td/p//text()|.//div[contains(@class, 'tns')]//th[2]/p//text()"))
    return Author(native_id=uid[1] if uid else name, name=name, posts=posts.value)


def _post_address(read: Reading, tid: str, pid: str, opener: bool) -> str:
    if opener:
        return thread_address(read.url)
    folder = urlsplit(read.url)
    path = folder.path.rsplit("/", 1)[0] + "/forum.php"
    return folder._replace(path=path, query=f"mod=redirect&goto=findpost&ptid={tid}&pid={pid}", fragment="").geturl()


def _next(tree: HtmlElement, read: Reading) -> str | None:
    """The following page. A page past the end answers with the last one, so only the page's own link is followed."""
    href = value(tree, f"//div[{has_class('pg')}]//a[{has_class('nxt')}]/@href") or value(tree, f"//a[{has_class('nxt')}]/@href")
    return join(read.base, href) if href else None


def _notice(tree: HtmlElement, read: Reading) -> PageResult:
    """提示信息 and other pages without threads: gone, log in, blocked, or a structure that is not known."""
    words = text_of(first(tree, "//*[@id='messagetext' or @id='messagelogin']")) or text_of(first(tree, "//body"))[:2000]
    if GONE.search(words):
        tid = thread_id(read.url)
        read.warn("gone", words)
        read.gone.update([read.key(f"t{tid}")] if tid else [])
        return read.result()
    if "阅读权限" in words:
        read.warn("restricted", words)
        return read.result()
    if LOGIN.search(words) or _is_login_form(tree):
        read.warn("login_page", words)
        return read.result(health=Health.AUTH_REQUIRED)
    if BLOCKED.search(words):
        read.warn("block_page", words)
        return read.result(health=Health.BLOCKED)
    read.warn("structure", words)
    return read.result(health=Health.CHANGED)


def _is_login_form(tree: HtmlElement) -> bool:
    """A page whose only matter is a password field (every Discuz! page has a small one in its head, with id lsform)."""
    return first(tree, "//form[not(@id='lsform')]//input[@type='password']") is not None

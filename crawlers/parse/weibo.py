"""Weibo-shaped JSON: m.weibo.cn (getIndex, show, extend, hotflow, repostTimeline) and weibo.com/ajax.

A post is told by its shape (id, created_at, text), wherever it is nested: cards, card_group, statuses, data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from crawlers.charset import decode
from crawlers.counts import Count, read_count
from crawlers.parse.result import PICTURES_UNREAD, PINNED, TRUNCATED, WORDLESS, PageResult, Reading
from crawlers.parse.tree import query_of, text_of, tree_of_text, with_query
from crawlers.times import read_time
from incidents.model import Author, Follow, Health, Mention

PLATFORM = "weibo"
DEEPEST = 12  # levels of nesting that are searched for posts; getIndex needs 5
LOGIN_CODES = frozenset({-100, "-100"})
LOGIN = re.compile(r"passport\.weibo|login\.sina|请先?登录|需要登录|\"?login_?url|/signin/|用户登录|登录微博|请登录", re.IGNORECASE)
BLOCKED = re.compile(r"安全验证|验证码|访问(?:过于)?频繁|请求过于频繁|captcha|verify\.html|网络行为异常", re.IGNORECASE)
NOTHING = re.compile(r"没有内容|还没有|暂无|no more|not found", re.IGNORECASE)
GONE = re.compile(r"不存在|已被删除|抱歉，此微博已被|作者删除|无法查看|无查看权限|仅.{0,8}可见")
GONE_CODES = frozenset({20101, 20112})
BASE62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
PIECES = {"reposts": "reposts_count", "comments": "comments_count", "likes": "attitudes_count", "views": "reads_count"}


def parse_weibo(body: bytes, url: str, fetched_at: datetime, *, source: str = "", platform: str = PLATFORM,
                content_type: str = "", status: int = 200) -> PageResult:
    """Read one answer of a Weibo-shaped feed.

    HTML where JSON was expected, ``ok: -100`` and block pages are told in ``health``; ``ok: 0`` without posts is an
    end or a block, which the source's healthy range decides: it gives the warning ``empty``.
    """
    read = Reading(url=url, at=fetched_at, source=source, platform=platform)
    text = decode(body, content_type).strip()
    if status == 432 or (not text.startswith(("{", "[")) and BLOCKED.search(text)):
        return _sign(read, Health.BLOCKED, "block_page", text)
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        health = Health.AUTH_REQUIRED if LOGIN.search(f"{url} {text}") else Health.CHANGED
        return _sign(read, health, "login_page" if health is Health.AUTH_REQUIRED else "not_json", text)
    if not isinstance(answer, dict | list):
        return _sign(read, Health.CHANGED, "not_json", text)
    return _answer(answer, read)


def longtext_of(body: bytes, content_type: str = "") -> str | None:
    """The whole text from an answer of /statuses/extend (or ajax/statuses/longtext), None when it holds none."""
    try:
        answer = json.loads(decode(body, content_type))
        held = answer["data"].get("longTextContent")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return plain(held) if isinstance(held, str) and held else None


def mid_to_bid(mid: str) -> str:
    """3501756485200075 → z0JH2lOMb: groups of seven digits from the right become four base-62 characters."""
    groups: list[str] = []
    for end in range(len(mid), 0, -7):
        number, group = int(mid[max(0, end - 7) : end]), ""
        while number:
            number, rest = divmod(number, 62)
            group = BASE62[rest] + group
        groups.insert(0, group.rjust(4, "0") if end > 7 else group)
    return "".join(groups)


def bid_to_mid(bid: str) -> str:
    """z0JH2lOMb → 3501756485200075."""
    groups: list[str] = []
    for end in range(len(bid), 0, -4):
        number = 0
        for char in bid[max(0, end - 4) : end]:
            number = number * 62 + BASE62.index(char)
        groups.insert(0, str(number).rjust(7, "0") if end > 4 else str(number))
    return "".join(groups)


def plain(markup: str) -> str:
    """The text of a post: emoticons by their names, links by their words, no "全文" link."""
    if "<" not in markup and "&" not in markup:
        return markup.strip()
    tree = tree_of_text(f"<div>{markup}</div>")
    whole = tuple(link for link in tree.xpath("//a") if text_of(link) in ("全文", "展开"))
    return text_of(tree, without=whole)


def _sign(read: Reading, health: Health, code: str, text: str) -> PageResult:
    read.warn(code, text)
    return read.result(health=health)


def _answer(answer: dict[str, Any] | list[Any], read: Reading) -> PageResult:
    for post in _posts(answer):
        _post(post, read)
    if read.mentions:
        return read.result(next_page=_next(answer, read))
    if isinstance(answer, list):
        read.warn("empty")
        return read.result()
    return _without_posts(answer, read)


def _without_posts(answer: Mapping[str, Any], read: Reading) -> PageResult:
    said = " ".join(str(answer.get(name) or "") for name in ("msg", "message", "error", "error_type", "url", "errmsg"))
    if answer.get("ok") in LOGIN_CODES or LOGIN.search(said):
        return _sign(read, Health.AUTH_REQUIRED, "login_page", said)
    if BLOCKED.search(said):
        return _sign(read, Health.BLOCKED, "block_page", said)
    asked = query_of(read.url).get("id") or ""
    if "/statuses/" in urlsplit(read.url).path and (GONE.search(said) or answer.get("error_code") in GONE_CODES):
        read.gone.update([read.key(asked)] if asked else [])
        return _sign_none(read, "gone", said)
    known_shape = any(name in answer for name in ("ok", "data", "statuses", "cards"))
    if not known_shape:
        return _sign(read, Health.CHANGED, "structure", said or json.dumps(answer, ensure_ascii=False)[:200])
    if read.warnings:  # posts were there and none could be read
        return read.result(health=Health.CHANGED)
    return _sign_none(read, "empty", said)


def _sign_none(read: Reading, code: str, text: str) -> PageResult:
    read.warn(code, text)
    return read.result()


def _posts(node: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Every post and comment, the outermost first; the original inside a repost belongs to its repost."""
    if depth > DEEPEST:
        return
    if isinstance(node, list):
        for one in node:
            yield from _posts(one, depth + 1)
    elif isinstance(node, dict):
        if _is_post(node):
            yield node
            return
        for name in ("mblog", "card_group", "cards", "statuses", "list", "data", "root_comments", "hot_data", "mblogs", "items"):
            if isinstance(node.get(name), dict | list):
                yield from _posts(node[name], depth + 1)


def _is_post(node: Mapping[str, Any]) -> bool:
    return any(node.get(name) for name in ("idstr", "mid", "id")) and "created_at" in node and ("text" in node or "text_raw" in node)


def _post(post: Mapping[str, Any], read: Reading, *, original: bool = False) -> str | None:
    """Take one post, and before it the original that it reposts (one level: Weibo has no more). Returns its id."""
    mid = _id(post)
    if not mid.isdigit():
        read.warn("post_unidentified", str(post.get("id")))
        return None
    if any(mention.native_id == mid for mention in read.mentions):
        return mid
    root = None if original else _root(post, read)
    comment = _is_comment(post, read.url)
    if comment and root is None:
        root = query_of(read.url).get("mid") or query_of(read.url).get("id")
    when = read_time(post.get("created_at"), read.at)
    if when.at is None:
        read.warn("time_unread", f"{mid}: {post.get('created_at')}")
    text, flags = _text(post, read, mid)
    read.mentions.append(Mention(
        source=read.source, platform=read.platform, site=read.site, native_id=mid, kind=_kind(comment, root), url=_address(read, mid),
        text=text, author=_author(post.get("user")), published=when.at, precision=when.precision,
        root=root if root != mid else None, revisit=None if comment else _show(read.url, mid), flags=flags,
    ))
    if _is_pinned(post):
        read.pinned.add(read.key(mid))
    _count(post, read, mid, comment)
    return mid


def _id(post: Mapping[str, Any]) -> str:
    """Ids exceed 2**53, so the string forms are read first."""
    return next((str(post[name]) for name in ("idstr", "mid", "id") if post.get(name)), "")


def _kind(comment: bool, root: str | None) -> str:
    return "comment" if comment else ("repost" if root else "post")


def _root(post: Mapping[str, Any], read: Reading) -> str | None:
    original = post.get("retweeted_status")
    if not isinstance(original, dict):
        return None
    if original.get("user") is None or original.get("deleted") in (1, "1", True):
        mid = _id(original)
        if mid.isdigit():
            read.gone.add(read.key(mid))
        return mid or None  # the original is gone: its place is known, its text is not shown
    return _post(original, read, original=True) if _is_post(original) else _id(original) or None


def _is_comment(post: Mapping[str, Any], url: str) -> bool:
    path = urlsplit(url).path.lower()
    return "comment" in path or "hotflow" in path or ("rootid" in post and "reposts_count" not in post)


def _text(post: Mapping[str, Any], read: Reading, mid: str) -> tuple[str, frozenset[str]]:
    held = post.get("longText")
    whole = held.get("longTextContent") if isinstance(held, dict) else None
    text = plain(str(whole or post.get("text_raw") or post.get("text") or ""))
    flags = {PINNED} if _is_pinned(post) else set()
    if post.get("isLongText") and not whole:
        flags.add(TRUNCATED)
        read.follow.append(Follow(url=_same_host(read.url, _longtext_path(read.url), id=mid), kind="longtext", key=read.key(mid)))
    if _has_media(post) and len(text) < 20:
        flags.add(PICTURES_UNREAD)
    return text or WORDLESS, frozenset(flags)


def _has_media(post: Mapping[str, Any]) -> bool:
    return bool(post.get("pics") or post.get("pic_infos") or post.get("pic_ids") or post.get("page_info", {}))


def _is_pinned(post: Mapping[str, Any]) -> bool:
    title = post.get("title")
    words = title.get("text", "") if isinstance(title, dict) else ""
    return post.get("isTop") in (1, "1", True) or "置顶" in str(words)


def _author(user: Any) -> Author | None:
    if not isinstance(user, dict) or not (user.get("idstr") or user.get("id")):
        return None
    followers, friends, posts = (read_count(_either(user, *names)).value for names in (
        ("followers_count", "followers_count_str"), ("follow_count", "friends_count"), ("statuses_count",)))
    verified = user.get("verified")
    return Author(native_id=str(user.get("idstr") or user["id"]), name=str(user.get("screen_name") or ""), followers=followers,
                  friends=friends, posts=posts, verified=verified if isinstance(verified, bool) else None)


def _either(node: Mapping[str, Any], *names: str) -> Any:
    return next((node[name] for name in names if node.get(name) is not None), None)


def _count(post: Mapping[str, Any], read: Reading, mid: str, comment: bool) -> None:
    """Counts of one post. ``number_display_strategy`` says which number is only shown as a floor (100万+)."""
    if comment:
        likes, replies = _either(post, "like_count", "like_counts"), _either(post, "total_number")
        read.count(mid, likes=read_count(likes), comments=read_count(replies))
        return
    counts = {metric: read_count(post.get(name)) for metric, name in PIECES.items()}
    read.count(mid, **{metric: _shown(post, metric, one) for metric, one in counts.items()})


def _shown(post: Mapping[str, Any], metric: str, count: Count) -> Count:
    strategy = post.get("number_display_strategy")
    if not isinstance(strategy, dict) or count.value is None or metric == "views":
        return count
    shown = read_count(strategy.get("display_text"))
    capped = shown.floor and shown.value is not None and count.value >= shown.value
    return Count(value=count.value, floor=count.floor or capped)


def _address(read: Reading, mid: str) -> str:
    """The page that a person can open: on Weibo its own, on another host of this shape that host's."""
    host = urlsplit(read.url).hostname or ""
    if host.endswith(("weibo.com", "weibo.cn")):
        return f"https://m.weibo.cn/detail/{mid}"
    return _same_host(read.url, f"/detail/{mid}")


def _show(url: str, mid: str) -> str:
    path = "/ajax/statuses/show" if "/ajax/" in url else "/statuses/show"
    return _same_host(url, path, id=mid)


def _longtext_path(url: str) -> str:
    return "/ajax/statuses/longtext" if "/ajax/" in url else "/statuses/extend"


def _same_host(url: str, path: str, **query: str) -> str:
    bare = urlsplit(url)._replace(path=path, query="", fragment="").geturl()
    return with_query(bare, **query) if query else bare


def _next(answer: Any, read: Reading) -> str | None:
    """The following page: by cursor where the answer gives one, else the next number."""
    asked, path = query_of(read.url), urlsplit(read.url).path
    if "/statuses/show" in path or "/statuses/extend" in path:
        return None
    inner = answer.get("data") if isinstance(answer, dict) else None
    outer = inner if isinstance(inner, dict) else (answer if isinstance(answer, dict) else {})
    if "hotflow" in path or "max_id_type" in outer:
        cursor = outer.get("max_id")
        return with_query(read.url, max_id=cursor, max_id_type=outer.get("max_id_type", 0)) if cursor not in (None, 0, "0", "") else None
    listing = outer.get("cardlistInfo")
    cursor = (listing or {}).get("since_id") if isinstance(listing, dict) else outer.get("since_id")
    if cursor not in (None, 0, "0", ""):
        return with_query(read.url, since_id=cursor)
    if isinstance(listing, dict) and "page" in listing:
        following = listing["page"]
        return with_query(read.url, page=int(following)) if str(following).isdigit() and int(following) > 0 else None
    page = asked.get("page", "1")
    return with_query(read.url, page=int(page) + 1) if page.isdigit() else None

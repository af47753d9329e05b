"""A feed that answers like the JSON behind m.weibo.cn: search, one blog, its long text, comments and reposts.

Open to all, as nothing real is: no cookie, no signature. Search finds a blog by the words of its own text
and of the blog that it reposts. ``type=61`` is newest first, any other type the most noticed first.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from incidents import now
from incidents.text import normal
from monitor.drill import feed_shapes as shapes
from monitor.drill.feed_shapes import Json
from monitor.drill.paper import Markup, fill
from monitor.drill.plot import Post
from monitor.drill.world import World

PAGE = 10
SEARCH = re.compile(r"^100103")
BLOGS_OF = re.compile(r"^107603(\d+)")


class Feed:
    """The feed of a drill's world."""

    def __init__(self, world: World) -> None:
        self.world = world
        posts = world.script.on("weibo")
        self._mids = {post.id: shapes.number_of(world.published(post), 400_000 + place) for place, post in enumerate(posts)}
        self._by_mid = {self._mids[post.id]: post for post in posts}

    def blogs(self, moment: datetime) -> list[Post]:
        """All blogs that are there, newest first; comments are not blogs."""
        return [post for post in reversed(self.world.seen("weibo", moment)) if post.comment_on is None]

    def find(self, name: str, moment: datetime) -> Post | None:
        """By mid or bid."""
        for post in self.blogs(moment):
            if name in (self._mids[post.id], shapes.short_of(self._mids[post.id])):
                return post
        return None

    def search(self, words: str, kind: str, page: int, moment: datetime) -> Json:
        """``getIndex?containerid=100103type=61&q=…``"""
        wanted = normal(words).split()
        found = [post for post in self.blogs(moment) if wanted and all(word in self._searched(post) for word in wanted)]
        if kind != "61":
            found.sort(key=lambda post: self.world.count(post, "likes", moment), reverse=True)
        return self._cards(found, page, moment, group=page == 1)

    def of_user(self, uid: int, page: int, moment: datetime) -> Json:
        """``getIndex?containerid=107603UID``"""
        found = [post for post in self.blogs(moment) if self.world.profile(post.author).uid == uid]
        return self._cards(found, page, moment, group=False)

    def _searched(self, post: Post) -> str:
        original = self.world.script.post(post.repost_of).text if post.repost_of else ""
        return normal(f"{post.text}\n{original}")

    def _cards(self, found: list[Post], page: int, moment: datetime, *, group: bool) -> Json:
        shown = found[(page - 1) * PAGE : page * PAGE]
        if not shown:
            return shapes.NOTHING
        cards = [shapes.card(self.blog(post, moment)) for post in shown]
        return {"ok": 1, "data": {
            "cardlistInfo": {"v_p": 42, "total": len(found), "page": page + 1, "show_style": 1},
            "cards": [shapes.grouped(cards[:2]), *cards[2:]] if group else cards,
            "scheme": "", "showAppTips": 0,
        }}

    def blog(self, post: Post, moment: datetime, *, whole: bool = False) -> Json:
        """``mblog``: one blog with its counts at ``moment`` and the blog that it reposts."""
        mid, long = self._mids[post.id], len(post.text) > shapes.SHORT
        counts = {metric: self.world.count(post, metric, moment) for metric in ("reposts", "comments", "likes")}
        profile = self.world.profile(post.author)
        found: Json = {
            "visible": {"type": 0, "list_id": 0}, "created_at": shapes.created(self.world.published(post)),
            "id": mid, "mid": mid, "idstr": mid, "bid": shapes.short_of(mid), "can_edit": False,
            "text": self._shown(post, whole=whole or not long), "textLength": len(post.text.encode("gb18030")),
            "source": post.device or "微博网页版", "favorited": False, "pic_ids": [], "pic_num": 0, "is_paid": False,
            "user": shapes.user(profile), "reposts_count": counts["reposts"], "comments_count": counts["comments"],
            "attitudes_count": counts["likes"], "reprint_cmt_count": 0, "pending_approval_count": 0,
            "isLongText": long, "mlevel": 0, "region_name": f"发布于 {profile.region}",
        }
        if post.repost_of:
            found |= {"retweeted_status": self.blog(self.world.script.post(post.repost_of), moment), "raw_text": post.text}
        return found

    def _shown(self, post: Post, *, whole: bool) -> str:
        if whole:
            return shapes.text_html(post.text)
        return f'{shapes.text_html(post.text[: shapes.SHORT])} ​​​...<a href="/status/{self._mids[post.id]}">全文</a>'

    def show(self, post: Post, moment: datetime) -> Json:
        return {"ok": 1, "data": self.blog(post, moment, whole=True)}

    def extend(self, post: Post, moment: datetime) -> Json:
        blog = self.blog(post, moment)
        counts = {name: blog[name] for name in ("reposts_count", "comments_count", "attitudes_count")}
        return {"ok": 1, "data": {"ok": 1, "longTextContent": shapes.text_html(post.text), **counts}}

    def comments(self, post: Post, after: int, moment: datetime) -> Json:
        """``comments/hotflow``: the comments with words, most liked first. ``after`` is the page's ``max_id``.

        Like the real one it shows fewer than the blog's counter says.
        """
        said = [other for other in self.world.answers(post, moment) if other.comment_on]
        said.sort(key=lambda other: self.world.count(other, "likes", moment), reverse=True)
        shown = said[after : after + PAGE]
        if not shown:
            return {"ok": 0, "msg": shapes.NOTHING["msg"]}
        further = after + PAGE if len(said) > after + PAGE else 0
        return {"ok": 1, "data": {
            "data": [self._comment(other, place, moment) for place, other in enumerate(shown, start=after + 1)],
            "total_number": self.world.count(post, "comments", moment), "status": {"comment_manage_info": {}},
            "max_id": further, "max": -(-len(said) // PAGE), "max_id_type": 0,
        }}

    def _comment(self, post: Post, floor: int, moment: datetime) -> Json:
        mid = self._mids[post.id]
        return {
            "created_at": shapes.created(self.world.published(post)), "id": mid, "rootid": mid, "rootidstr": mid,
            "floor_number": floor, "text": shapes.text_html(post.text), "max_id": 0, "total_number": 0, "comments": False,
            "user": shapes.user(self.world.profile(post.author)), "like_count": self.world.count(post, "likes", moment),
            "liked": False, "source": f"来自{self.world.profile(post.author).region}", "mid": mid, "bid": "",
        }

    def reposts(self, post: Post, page: int, moment: datetime) -> Json:
        """``repostTimeline``: as many as the counter says, newest first; most have no words of their own."""
        worded = [(self.world.published(other), self._repost(other, moment))
                  for other in self.world.answers(post, moment) if other.repost_of]
        bare = [(one.at, shapes.bare_repost(one)) for one in self.world.bare_reposts(post, moment)]
        found = sorted([*worded, *bare], key=lambda pair: pair[0], reverse=True)
        shown = [blog for _, blog in found[(page - 1) * PAGE : page * PAGE]]
        if not shown:
            return {"ok": 0, "msg": shapes.NOTHING["msg"]}
        return {"ok": 1, "data": {"data": shown, "total_number": len(found), "max": -(-len(found) // PAGE), "hot_total_number": 0}}

    def _repost(self, post: Post, moment: datetime) -> Json:
        blog = self.blog(post, moment, whole=True)
        del blog["retweeted_status"]
        return blog

    def index_page(self, base: str, moment: datetime) -> str:
        """For a person who looks: the newest blogs as a plain page."""
        rows = "".join(
            fill("feed_row", author=post.author, dated=f"{now.shanghai(self.world.published(post)):%m-%d %H:%M}",
                 text=Markup(shapes.text_html(post.text)), link=f"statuses/show?id={self._mids[post.id]}",
                 reposts=self.world.count(post, "reposts", moment), comments=self.world.count(post, "comments", moment),
                 likes=self.world.count(post, "likes", moment))
            for post in self.blogs(moment)[:50]
        )
        return fill("feed_index", site=self.world.script.weibo.name, base=base,
                    clock=f"{now.shanghai(moment):%Y-%m-%d %H:%M}", rows=Markup(rows))


def container(query: Any) -> tuple[str, dict[str, str]]:
    """A container id and what is packed into it: ``100103type=61&q=词`` → ("100103", {"type": "61", "q": "词"}).

    Clients send it percent-coded whole, or half, so that ``q`` arrives as a parameter of its own.
    """
    packed = unquote(str(query.get("containerid", "")))
    head = re.match(r"\d{6}", packed)
    if head is None:
        return "", {}
    inner = {name: values[0] for name, values in parse_qs(packed[6:]).items()}
    return packed, {"type": "61", "q": str(query.get("q", ""))} | inner


def _page(request: Request) -> int:
    value = request.query_params.get("page", "1")
    return max(1, int(value)) if value.isascii() and value.isdigit() and len(value) < 7 else 1


def feed_app(world: World) -> Starlette:
    """The feed over HTTP, at the paths of m.weibo.cn."""
    feed = Feed(world)

    def index(request: Request) -> Response:
        moment, (packed, inner) = now.world(), container(request.query_params)
        if found := BLOGS_OF.match(packed):
            return JSONResponse(feed.of_user(int(found[1]), _page(request), moment))
        if SEARCH.match(packed):
            return JSONResponse(feed.search(inner["q"], inner["type"], _page(request), moment))
        return JSONResponse(shapes.NOTHING)

    def about_one(answer: Any) -> Any:
        def respond(request: Request) -> Response:
            moment = now.world()
            post = feed.find(request.query_params.get("id", ""), moment)
            return JSONResponse(shapes.MISSING if post is None else answer(request, post, moment))

        return respond

    def after(request: Request) -> int:
        value = request.query_params.get("max_id", "0")
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0

    def human(request: Request) -> Response:
        return HTMLResponse(feed.index_page(str(request.base_url), now.world()))

    return Starlette(routes=[
        Route("/", human),
        Route("/robots.txt", lambda _: PlainTextResponse("User-agent: *\nAllow: /\n")),
        Route("/api/container/getIndex", index),
        Route("/statuses/show", about_one(lambda _, post, moment: feed.show(post, moment))),
        Route("/statuses/extend", about_one(lambda _, post, moment: feed.extend(post, moment))),
        Route("/comments/hotflow", about_one(lambda request, post, moment: feed.comments(post, after(request), moment))),
        Route("/api/statuses/repostTimeline",
              about_one(lambda request, post, moment: feed.reposts(post, _page(request), moment))),
    ])

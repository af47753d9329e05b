"""The script of a drill: what is posted where, when and by whom, read from a folder of TOML files.

``story.toml`` says how to write another one. Times are minutes from the origin of the world clock.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from incidents.errors import SettingsError

FOLDER = Path(__file__).with_name("script")


class Table(BaseModel):
    """A table of the script: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Boost(Table):
    """A later push, such as a newspaper's repost: ``at`` minutes from the origin, totals over its own 24 h."""

    at: float
    pace: float = Field(0.5, ge=0.1, le=0.9)
    reposts: int = Field(0, ge=0)
    comments: int = Field(0, ge=0)
    likes: int = Field(0, ge=0)
    views: int = Field(0, ge=0)


class Post(Table):
    """One text of the script with the counts it reaches about 24 h after publication."""

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    site: Literal["weibo", "forum", "news"]
    at: float
    author: str = Field(min_length=1)
    text: str = Field(min_length=1)
    title: str = ""
    section: str = ""
    followers: int | None = Field(None, ge=0)
    verified: bool | None = None
    verified_reason: str = ""
    region: str = ""
    device: str = ""
    pinned: bool = False
    repost_of: str | None = None
    comment_on: str | None = None
    reply_to: str | None = None
    quote: str = ""
    quote_of: str | None = None
    pace: float = Field(0.5, ge=0.1, le=0.9)
    reposts: int = Field(0, ge=0)
    comments: int = Field(0, ge=0)
    likes: int = Field(0, ge=0)
    views: int = Field(0, ge=0)
    boosts: tuple[Boost, ...] = ()

    @property
    def parent(self) -> str | None:
        return self.repost_of or self.comment_on or self.reply_to

    @property
    def own_text(self) -> str:
        """The text without what a repost carries along of others (``//@name:…``)."""
        return self.text.split("//@")[0].strip()


class FeedSite(Table):
    name: str


class ForumSite(Table):
    name: str
    board: str
    fid: int = Field(2, ge=1)


class NewsSite(Table):
    name: str
    outlet: str


class Script(Table):
    """A whole drill: three sites and the posts on them, in order of time."""

    city: str
    weibo: FeedSite
    forum: ForumSite
    news: NewsSite
    posts: tuple[Post, ...]

    def post(self, post_id: str) -> Post:
        return next(post for post in self.posts if post.id == post_id)

    def on(self, site: str) -> tuple[Post, ...]:
        return tuple(post for post in self.posts if post.site == site)


def load(folder: Path = FOLDER) -> Script:
    """Read and check the script in ``folder``.

    Raises:
        SettingsError: a file is not TOML, a key or value is wrong, or a post answers one that is not there.
    """
    raw: dict[str, object] = {}
    posts: list[object] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"The script file {path} is not valid TOML: {error}.") from error
        posts += found.pop("posts", [])
        raw |= found
    try:
        script = Script.model_validate(raw | {"posts": posts})
    except ValidationError as error:
        raise SettingsError(f"The script in {folder} cannot be used: {error}") from error
    return script.model_copy(update={"posts": _checked(script.posts, folder)})


def _checked(posts: Iterable[Post], folder: Path) -> tuple[Post, ...]:
    ordered = tuple(sorted((_tidy(post) for post in posts), key=lambda post: (post.at, post.id)))
    known: dict[str, Post] = {}
    for post in ordered:
        if post.id in known:
            raise SettingsError(f"{folder}: the post id {post.id!r} is there twice.")
        _check_parent(post, known, folder)
        known[post.id] = post
    return ordered


def _check_parent(post: Post, earlier: dict[str, Post], folder: Path) -> None:
    for name in (post.parent, post.quote_of):
        if name is None:
            continue
        if name not in earlier or earlier[name].site != post.site:
            raise SettingsError(f"{folder}: {post.id!r} answers {name!r}, which is not an earlier post on its site.")
    if post.quote and (post.quote_of is None or post.quote not in earlier[post.quote_of].text):
        raise SettingsError(f"{folder}: the quote of {post.id!r} does not stand in the post named by quote_of.")


def _tidy(post: Post) -> Post:
    return post.model_copy(update={"text": post.text.strip()})

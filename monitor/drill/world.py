"""The world of a drill: the script, dated. What a site shows at world time t is a pure function of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Literal

from monitor.drill import growth
from monitor.drill.growth import Push
from monitor.drill.plot import Post, Script

Metric = Literal["reposts", "comments", "likes", "views"]
METRICS: tuple[Metric, ...] = ("reposts", "comments", "likes", "views")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Who posts, as the sites show them."""

    uid: int
    name: str
    followers: int
    friends: int
    posts: int
    verified: bool
    reason: str
    region: str


@dataclass(frozen=True, kw_only=True)
class Bare:
    """A repost without words of its own: the ``ordinal``-th of its post."""

    ordinal: int
    at: datetime
    uid: int


class World:
    """The script with its minute zero at ``origin`` (aware)."""

    def __init__(self, script: Script, origin: datetime) -> None:
        self.script = script
        self.origin = origin.astimezone(UTC)
        self._moments: dict[tuple[str, Metric], list[float]] = {}
        self._published = {post.id: self.origin + _offset(post) for post in script.posts}

    def published(self, post: Post) -> datetime:
        """Publication of a post, aware UTC; its second is drawn from its id."""
        return self._published[post.id]

    def seen(self, site: str, now: datetime) -> list[Post]:
        """The posts of a site that are there at ``now``, oldest first."""
        there = [post for post in self.script.on(site) if self.published(post) <= now]
        return sorted(there, key=self.published)

    def answers(self, post: Post, now: datetime) -> list[Post]:
        """Scripted reposts, comments and replies of a post at ``now``, oldest first."""
        return [other for other in self.seen(post.site, now) if other.parent == post.id]

    def count(self, post: Post, metric: Metric, now: datetime) -> int:
        """The counter of a post at ``now``: never falls as ``now`` rises."""
        return growth.reached(self._passed(post, metric), now.timestamp()) + self._scripted(post, metric, now)

    def _scripted(self, post: Post, metric: Metric, now: datetime) -> int:
        if metric == "reposts":
            return sum(other.repost_of == post.id for other in self.answers(post, now))
        if metric == "comments":
            return sum(other.comment_on == post.id for other in self.answers(post, now))
        return 0

    def _passed(self, post: Post, metric: Metric) -> list[float]:
        place = (post.id, metric)
        if place not in self._moments:
            self._moments[place] = growth.moments(f"{post.id}/{metric}", tuple(self._pushes(post, metric)))
        return self._moments[place]

    def _pushes(self, post: Post, metric: Metric) -> Iterator[Push]:
        yield Push(start=self.published(post).timestamp(), total=getattr(post, metric), pace=post.pace)
        for boost in post.boosts:
            start = (self.origin + timedelta(minutes=boost.at)).timestamp()
            yield Push(start=start, total=getattr(boost, metric), pace=boost.pace)

    def bare_reposts(self, post: Post, now: datetime) -> list[Bare]:
        """The reposts behind the counter that have no words in the script, oldest first."""
        passed = self._passed(post, "reposts")
        passed = passed[: growth.reached(passed, now.timestamp())]
        return [
            Bare(ordinal=place, at=datetime.fromtimestamp(at, UTC), uid=uid_of(f"{post.id}/{place}"))
            for place, at in enumerate(passed)
        ]

    def profile(self, name: str) -> Profile:
        return self._profiles[name]

    @cached_property
    def _profiles(self) -> dict[str, Profile]:
        names = dict.fromkeys(post.author for post in self.script.posts)
        return {name: _profile(name, [post for post in self.script.posts if post.author == name]) for name in names}


def _offset(post: Post) -> timedelta:
    return timedelta(minutes=post.at, seconds=random.Random(post.id).randrange(60))


def uid_of(seed: str) -> int:
    """A ten-digit account number that belongs to the seed."""
    return random.Random(f"uid/{seed}").randrange(1_700_000_000, 7_900_000_000)


def _profile(name: str, posts: list[Post]) -> Profile:
    """What the script says of an author at any of their posts; the rest is drawn from the name."""
    chance = random.Random(f"profile/{name}")
    followers = next((post.followers for post in posts if post.followers is not None), chance.randrange(20, 400))
    return Profile(
        uid=uid_of(name),
        name=name,
        followers=followers,
        friends=chance.randrange(60, 900),
        posts=chance.randrange(150, 4_000) + followers // 40,
        verified=any(post.verified for post in posts),
        reason=next((post.verified_reason for post in posts if post.verified_reason), ""),
        region=next((post.region for post in posts if post.region), chance.choice(("漪川", "漪川", "漪川", "邻省"))),
    )

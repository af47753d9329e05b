"""What a page of a list adds to ``ParseResult``: which entries are pinned, which mentions are gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crawlers.counts import Count
from crawlers.parse.tree import site_of
from incidents.model import METRICS, Follow, Health, Mention, ParseResult, ParseWarning, Snapshot

WORDLESS = "[图片]"  # the text of a post that says nothing but shows pictures; its flag says that they were not read
PICTURES_UNREAD = "pictures_unread"
PINNED = "pinned"
TRUNCATED = "truncated"


@dataclass(frozen=True, kw_only=True)
class PageResult(ParseResult):
    """``pinned`` entries stand on top whatever their age; ``gone`` are mentions that the site says it deleted;
    ``ttl`` is how long a feed asks to be left alone."""

    pinned: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    ttl: timedelta | None = None

    @property
    def entries(self) -> frozenset[str]:
        """The keys of everything that is listed here."""
        return frozenset({mention.key for mention in self.mentions} | {one.key for one in self.follow if one.key})


@dataclass(kw_only=True)
class Reading:
    """What is gathered while one page is read."""

    url: str
    at: datetime
    source: str
    platform: str
    base: str = ""
    mentions: list[Mention] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    follow: list[Follow] = field(default_factory=list)
    warnings: list[ParseWarning] = field(default_factory=list)
    pinned: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    @property
    def site(self) -> str:
        return site_of(self.url)

    def key(self, native_id: str) -> str:
        return f"{self.platform}:{self.site}:{native_id}"

    def warn(self, code: str, text: str = "") -> None:
        self.warnings.append(ParseWarning(code=code, text=" ".join(text.split())[:200]))

    def count(self, native_id: str, **counts: Count) -> None:
        """Take a snapshot of what was counted; nothing readable is a warning, not a zero."""
        known = {name: one.value for name, one in counts.items() if one.value is not None}
        if not known:
            self.warn("counts_unread", native_id)
            return
        floors = frozenset(name for name, one in counts.items() if one.floor)
        full = {name: known.get(name) for name in METRICS}
        self.snapshots.append(Snapshot(key=self.key(native_id), at=self.at, floors=floors, **full))

    def result(self, *, health: Health | None = None, next_page: str | None = None,
               ttl: timedelta | None = None) -> PageResult:
        return PageResult(mentions=tuple(self.mentions), snapshots=tuple(self.snapshots), follow=tuple(self.follow),
                          warnings=tuple(self.warnings), health=health, next_page=next_page,
                          pinned=frozenset(self.pinned), gone=frozenset(self.gone), ttl=ttl)

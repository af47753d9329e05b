"""Builders of the tests: a ledger in a folder, a mention with defaults, a brand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from incidents.brands import Matcher
from incidents.lifecycle import Telling
from incidents.model import (
    Author,
    Grade,
    GradeReason,
    Mention,
    Precision,
    Receiver,
    Score,
    Snapshot,
    Span,
    Step,
    Verdict,
)
from incidents.settings import GradesSettings, Settings, parse
from incidents.store.door import Receipt
from incidents.store.ledger import Ledger, open_ledger

T0 = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

SETTINGS: dict[str, Any] = {
    "brands": [{"id": "wudao", "name": "雾岛茶", "any": ["雾岛茶"], "none": ["招聘"]}],
    "sources": [{"id": "wb", "name": "微博搜索", "kind": "weibo", "platform": "weibo", "url": "http://127.0.0.1:9/"}],
    "channels": [{"id": "ding", "kind": "console"}],
    "people": [{"login": "lin", "name": "林叙", "roles": ["duty"], "channels": ["ding"]}, {"login": "shen", "name": "沈禾", "roles": ["pr_head"], "channels": ["ding"]}],
}


def settings_in(folder: Path, **changes: Any) -> Settings:
    return parse({**SETTINGS, **changes}, folder / "yujing.toml")


def ledger_in(folder: Path, **changes: Any) -> Ledger:
    settings = settings_in(folder, **changes)
    ledger = open_ledger(settings)
    ledger.sources.sync(settings.sources, T0)
    ledger.people.sync(settings.people)
    return ledger


def mention(native_id: str = "1", text: str = "雾岛茶喝出虫子，我和同事都拉肚子了，门店还不承认", **changes: Any) -> Mention:
    values: dict[str, Any] = dict(source="wb", platform="weibo", site="m.example", native_id=native_id, kind="post", url=f"http://m.example/{native_id}", text=text,
                                  author=Author(native_id=f"u{native_id}", name="小满", followers=1500), published=T0, precision=Precision.SECOND)
    return Mention(**{**values, **changes})


def counts(one: Mention, at: datetime, **values: int) -> Snapshot:
    return Snapshot(key=one.key, at=at, **values)


def save(ledger: Ledger, *mentions: Mention, snapshots: tuple[Snapshot, ...] = (), at: datetime = T0, **more: Any) -> Receipt:
    matcher = Matcher(parse(SETTINGS, Path("yujing.toml")).brands)
    return ledger.door.save(source="wb", platform="weibo", tier="online", mentions=mentions, snapshots=snapshots, matcher=matcher, world=at, **more)


def score(mention_id: int, *, negative: float = 0.9, issue: str | None = None, signals: tuple[str, ...] = (), **changes: Any) -> Score:
    rest = (1 - negative) / 2
    return Score(mention_id=mention_id, brand="wudao", model="test@1", negative=negative, neutral=rest, positive=rest, alarm=negative > 0.5, relevance=1.0, issue=issue,
                 signals=tuple(Span(name=name, field="text", start=0, end=2) for name in signals), **changes)


def judge_all(ledger: Ledger, at: datetime = T0, **values: Any) -> None:
    """Score and place everything that waits, each mention the same way."""
    waiting = ledger.work.claim("judge", "t", machine=T0, lasts=MINUTE, limit=10_000)
    ledger.work.save_scores([score(one.mention_id, **values) for one in waiting], at)
    ledger.stories.place(ledger.work.claim("place", "t", machine=T0, lasts=MINUTE, limit=10_000), at)


def verdict(grade: Grade = Grade.ORANGE, code: str = "harm") -> Verdict:
    return Verdict(grade=grade, reasons=(GradeReason(code=code, grade=grade),) if grade else ())


def telling() -> Telling:
    chain = (Step(after=timedelta(0), people=("lin",)), Step(after=timedelta(minutes=15), people=("shen",)))
    return Telling(grades=GradesSettings(), chains={grade: chain for grade in Grade if grade}, receivers={login: (Receiver(person=login, channel="ding"),) for login in ("lin", "shen")})

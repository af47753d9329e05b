"""Waiting steps, claimed by lease: judge, place. A row leaves in the transaction that holds its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from incidents.brands import spans_from_json
from incidents.model import Score, Span
from incidents.store import tables as t
from incidents.store.door import queue_index
from incidents.store.engine import reading, writing

MAX_ATTEMPTS = 5  # a mention that kills its worker this often is set aside, the stream goes on
URGENT = sa.text("work.urgent = 1")  # as the index says it
OF_EACH = 32  # urgent mentions of one brand that go ahead together
SUSPECT = 2  # tries after which a mention is no longer claimed together with others


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One mention towards one brand that waits for a step."""

    mention_id: int
    brand: str
    platform: str
    kind: str
    title: str
    text: str
    quote: str
    root_key: str | None
    key: str
    fingerprint: str
    dated: datetime
    first_seen: datetime
    saved_at: datetime
    token: int
    urgent: bool = False


@dataclass(frozen=True, kw_only=True)
class Unread:
    """The words of a mention that waits to be judged."""

    mention_id: int
    title: str
    text: str


class WorkStore:
    """Claims and results of the judging step."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, kind: str, worker: str, *, machine: datetime, lasts: timedelta, limit: int = 256, urgent_only: bool = False) -> list[Waiting]:
        """Lease what waits: what is urgent before the longest waiting, or that alone (then of each brand only so many: a flood
        about one must not keep another's first from being told). What was leased together comes in order of arrival, for
        stories are made in that order."""
        w, m = t.work.c, t.mentions.c
        free = sa.and_(w.kind == kind, sa.or_(w.lease_until.is_(None), w.lease_until < machine), w.attempts < MAX_ATTEMPTS)
        chosen = (sa.select(w.mention_id, w.brand, w.token, w.attempts, w.urgent, m.platform, m.kind, m.title, m.text, m.quote, m.root_key, m.key, m.fingerprint,
                            m.dated, m.first_seen, m.saved_at)
                  .join(t.mentions, m.id == w.mention_id).where(free).order_by(w.mention_id))
        with reading(self._engine) as c:
            first = sa.select(w.mention_id).where(free, URGENT) if urgent_only else sa.select(w.mention_id).where(free)
            if c.execute(first.limit(1)).first() is None:
                return []
        with writing(self._engine, eager=urgent_only) as c:
            rows = list(c.execute(chosen.where(URGENT, *([_among_the_first(free)] if urgent_only else [])).limit(limit)).mappings())
            rows += [] if urgent_only else c.execute(chosen.where(~w.urgent).limit(limit - len(rows))).mappings().all()
            rows = sorted(_apart(rows), key=lambda row: (row["mention_id"], row["brand"]))
            if rows:
                mine = sa.and_(w.kind == kind, w.mention_id == sa.bindparam("of_mention"), w.brand == sa.bindparam("of_brand"))
                c.execute(sa.update(t.work).where(mine).values(lease_by=worker, lease_until=machine + lasts, token=w.token + 1, attempts=w.attempts + 1),
                          [dict(of_mention=row["mention_id"], of_brand=row["brand"]) for row in rows])
        return [Waiting(**{name: row[name] for name in row if name != "attempts"} | {"token": row["token"] + 1}) for row in rows]

    def save_scores(self, scores: Sequence[Score], world: datetime) -> None:
        """Keep the scores and hand each mention on to be placed. A second call changes nothing."""
        w = t.work.c
        with writing(self._engine) as c:
            mine = [score for score in scores if c.execute(
                sa.delete(t.work).where(w.kind == "judge", w.mention_id == score.mention_id, w.brand == score.brand)).rowcount]
            if not mine:
                return  # already judged by whoever took the leases over
            c.execute(sa.insert(t.scores), [_score_row(score, world) for score in mine])
            c.execute(sa.insert(t.work), [dict(kind="place", mention_id=score.mention_id, brand=score.brand, urgent=score.alarm and bool(score.signals)) for score in mine])
            queue_index(c, {score.mention_id for score in mine}, bump=True)

    def unread(self, after: int, *, more_than: int, limit: int) -> list[Unread]:
        """Texts that wait to be judged, of ids above ``after``, in order; none while no more than ``more_than`` wait."""
        w, m = t.work.c, t.mentions.c
        judge = w.kind == "judge"
        texts = sa.select(w.mention_id, m.title, m.text).join(t.mentions, m.id == w.mention_id).where(judge, w.mention_id > after).order_by(w.mention_id).limit(limit)
        with reading(self._engine) as c:
            if c.execute(sa.select(w.mention_id).where(judge).offset(more_than).limit(1)).first() is None:
                return []
            rows = {row.mention_id: row for row in c.execute(texts)}  # one of each, whatever the number of its brands
        return [Unread(mention_id=number, title=row.title, text=row.text) for number, row in rows.items()]

    def hasten(self, mention_ids: Sequence[int]) -> None:
        """These are judged before the others. Twice changes nothing."""
        w = t.work.c
        with writing(self._engine, eager=True) as c:
            c.execute(sa.update(t.work).where(w.kind == "judge", w.mention_id == sa.bindparam("of_mention")).values(urgent=True), [dict(of_mention=one) for one in mention_ids])

    def set_aside(self, kind: str, mention_id: int, brand: str, fault: str) -> None:
        """Quarantine one mention that a step cannot take; it is counted and shown, not lost."""
        w = t.work.c
        with writing(self._engine) as c:
            c.execute(sa.update(t.work).where(w.kind == kind, w.mention_id == mention_id, w.brand == brand)
                      .values(attempts=MAX_ATTEMPTS, fault=fault[:500], lease_until=None))

    def waiting(self) -> dict[str, int]:
        """How many rows wait for each step, set-aside ones under ``quarantined``."""
        w = t.work.c
        with reading(self._engine) as c:
            rows = c.execute(sa.select(w.kind, w.attempts >= MAX_ATTEMPTS, sa.func.count()).group_by(w.kind, w.attempts >= MAX_ATTEMPTS)).all()
        found: dict[str, int] = {}
        for kind, aside, number in rows:
            name = "quarantined" if aside else kind
            found[name] = found.get(name, 0) + number
        return found


def _among_the_first(free: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Of its brand, among what is urgent and free."""
    w = t.work.c
    nth = sa.func.row_number().over(partition_by=w.brand, order_by=w.mention_id).label("nth")
    ranked = sa.select(w.mention_id, w.brand, nth).where(free, URGENT).subquery()
    return sa.tuple_(w.mention_id, w.brand).in_(sa.select(ranked.c.mention_id, ranked.c.brand).where(ranked.c.nth <= OF_EACH))


def _score_row(score: Score, world: datetime) -> dict[str, Any]:
    plain = ("mention_id", "brand", "model", "negative", "neutral", "positive", "alarm", "relevance", "aspect_sentiment", "issue", "issue_p",
             "nature", "noise", "hostile", "abstains")
    return {**{name: getattr(score, name) for name in plain}, "at": world, "sentiment": score.sentiment.value,
            "signals": _places(score.signals), "reasons": _places(score.why)}


def _places(spans: Sequence[Span]) -> list[list[Any]]:
    return [[span.name, span.field, span.start, span.end] for span in spans]


def _apart(rows: list[sa.RowMapping]) -> list[sa.RowMapping]:
    """What was in hand twice when a worker died is tried alone, so that one poisonous text sets no others aside with it."""
    return [row for row in rows if row["attempts"] < SUSPECT] or rows[:1]


def score_from_row(row: sa.RowMapping) -> Score:
    return Score(
        mention_id=row["mention_id"], brand=row["brand"], model=row["model"], negative=row["negative"], neutral=row["neutral"],
        positive=row["positive"], alarm=row["alarm"], relevance=row["relevance"], aspect_sentiment=row["aspect_sentiment"],
        issue=row["issue"], issue_p=row["issue_p"], nature=row["nature"], noise=row["noise"], hostile=row["hostile"],
        signals=spans_from_json(row["signals"]), abstains=row["abstains"], why=spans_from_json(row["reasons"] or ()))


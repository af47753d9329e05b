"""What the team says of single mentions: drawn, kept append-only, read back for the brand's own accuracy.

Half of what is drawn is random, so that an accuracy can be told from it; the other half is what the model is least
sure of (uncertainty sampling: Lewis & Gale 1994), which teaches most and would make any accuracy look worse than it is.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from incidents.errors import Refused
from incidents.store import tables as t
from incidents.store.engine import reading, writing

Drawn = Literal["random", "uncertain"]
SINCE = timedelta(days=30)  # what is drawn is not older: an accuracy is of the present
MOST = 20_000  # labels of a brand that are read back, the newest
VALUES = {"sentiment": frozenset({"negative", "neutral", "positive"}), "relevance": frozenset({"about", "not"})}
ABOUT = 0.5


@dataclass(frozen=True, kw_only=True)
class ToLabel:
    """A scored mention that nobody has labelled for this brand, with what the model says of it."""

    mention_id: int
    brand: str
    drawn: Drawn
    platform: str
    url: str
    title: str
    text: str
    dated: datetime
    model: str
    sentiment: str
    probabilities: tuple[float, float, float]
    relevance: float | None
    issue: str | None

    def said(self, field: str) -> str:
        """What the model says in a field of a label."""
        if field == "relevance":
            return "not" if self.relevance is not None and self.relevance < ABOUT else "about"
        return self.sentiment if field == "sentiment" else (self.issue or "none")


@dataclass(frozen=True, kw_only=True)
class Label:
    """One word of one person on one mention. ``probabilities`` are the model's for negative, neutral, positive."""

    mention_id: int
    brand: str
    field: str
    value: str
    said: str
    probabilities: tuple[float, float, float]
    model: str
    drawn: Drawn
    dated: datetime
    made_by: str
    made_at: datetime

    @property
    def right(self) -> bool:
        return self.value == self.said


class LabelStore:
    """Draw, keep, read back."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def draw(self, brand: str, world: datetime) -> ToLabel | None:
        """The next mention to look at: by turns a random one and the one that the model is least sure of.

        The same until somebody labels it, so that a page that is loaded again shows the same mention.
        """
        with reading(self._engine) as c:
            done = c.execute(sa.select(sa.func.count(sa.distinct(t.labels.c.mention_id))).where(t.labels.c.brand == brand)).scalar_one()
            drawn: Drawn = "uncertain" if done % 2 else "random"
            row = _pick(c, brand, world - SINCE, drawn, done)
        return None if row is None else _to_label(row, drawn)

    def keep(self, one: ToLabel, field: str, value: str, *, by: str, world: datetime) -> None:
        """Append a label.

        Raises:
            Refused: the field has no such value.
        """
        if field in VALUES and value not in VALUES[field]:
            raise Refused(f"A label of {field} cannot be {value!r}.")
        negative, neutral, positive = one.probabilities
        with writing(self._engine) as c:
            c.execute(sa.insert(t.labels).values(
                mention_id=one.mention_id, brand=one.brand, field=field, value=value, said=one.said(field), negative=negative, neutral=neutral,
                positive=positive, model=one.model, drawn=one.drawn, dated=one.dated, made_by=by, made_at=world))

    def all(self, brand: str) -> list[Label]:
        """The newest label of each mention and field, oldest first."""
        k = t.labels.c
        newest = sa.select(sa.func.max(k.id)).where(k.brand == brand).group_by(k.mention_id, k.field)
        with reading(self._engine) as c:
            rows = c.execute(sa.select(t.labels).where(k.id.in_(newest)).order_by(k.id.desc()).limit(MOST)).mappings().all()
        return [_label(row) for row in reversed(rows)]

    def tones(self, brand: str, since: datetime, until: datetime) -> dict[str, int]:
        """How many of the brand's mentions dated within [since, until) the model called negative, neutral, positive."""
        s, b = t.scores.c, t.mention_brands.c
        joined = t.mention_brands.join(t.scores, sa.and_(s.mention_id == b.mention_id, s.brand == b.brand))
        asked = sa.select(s.sentiment, sa.func.count()).select_from(joined).where(b.brand == brand, b.dated >= since, b.dated < until).group_by(s.sentiment)
        with reading(self._engine) as c:
            return {name: int(count) for name, count in c.execute(asked)}


def _pick(c: Connection, brand: str, since: datetime, drawn: Drawn, done: int) -> Any:
    m, s, b = t.mentions.c, t.scores.c, t.mention_brands.c
    labelled = sa.exists(sa.select(t.labels.c.id).where(t.labels.c.brand == brand, t.labels.c.mention_id == m.id))
    joined = t.mention_brands.join(t.mentions, m.id == b.mention_id).join(t.scores, sa.and_(s.mention_id == m.id, s.brand == b.brand))
    open_ones = (b.brand == brand, b.dated >= since, m.forgotten.is_(None), m.tombstone_at.is_(None), s.abstains.is_(None), ~labelled)
    asked = sa.select(m.id, b.brand, m.platform, m.url, m.title, m.text, m.dated, s.model, s.sentiment, s.negative, s.neutral, s.positive, s.relevance, s.issue)
    asked = asked.select_from(joined).where(*open_ones)
    if drawn == "uncertain":
        surest = sa.func.max(s.negative, s.neutral, s.positive)
        return c.execute(asked.order_by(surest, m.id).limit(1)).mappings().first()
    count = c.execute(sa.select(sa.func.count()).select_from(joined).where(*open_ones)).scalar_one()
    place = zlib.crc32(f"{brand}:{done}".encode()) % count if count else 0
    return c.execute(asked.order_by(m.id).offset(place).limit(1)).mappings().first()


def _to_label(row: Any, drawn: Drawn) -> ToLabel:
    return ToLabel(
        mention_id=row["id"], brand=row["brand"], drawn=drawn, platform=row["platform"], url=row["url"], title=row["title"], text=row["text"], dated=row["dated"],
        model=row["model"], sentiment=row["sentiment"], probabilities=(row["negative"], row["neutral"], row["positive"]), relevance=row["relevance"], issue=row["issue"])


def _label(row: Any) -> Label:
    return Label(
        mention_id=row["mention_id"], brand=row["brand"], field=row["field"], value=row["value"], said=row["said"], model=row["model"], drawn=row["drawn"],
        probabilities=(row["negative"], row["neutral"], row["positive"]), dated=row["dated"], made_by=row["made_by"], made_at=row["made_at"])

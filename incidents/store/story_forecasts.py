"""Forecasts of whole stories: which are due, what they are made of, what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from incidents.model import METRICS, Snapshot
from incidents.store import tables as t
from incidents.store.engine import reading, writing
from incidents.store.forecasts import GIVE_UP, NEAR, SLACK, in_ms
from incidents.store.look import COUNTED, JOINED, MEMBER, snapshots_of

FORESEEN = 30  # largest members that are forecast one by one; the others stand still until they are counted again
COUNTED_MEMBERS = 5_000  # members whose counts are added: the largest of a story that has more


@dataclass(frozen=True, kw_only=True)
class Due:
    """The story of an open incident whose forecast is due."""

    story_id: int
    brand: str
    first_appeared: datetime


@dataclass(frozen=True, kw_only=True)
class Members:
    """A story's members, largest first. ``rows`` are whole for the first FORESEEN, with their ``snapshots``."""

    rows: tuple[Mapping[str, Any], ...]
    snapshots: tuple[tuple[Snapshot, ...], ...]
    counts: tuple[Mapping[str, int | None], ...]
    times: tuple[datetime, ...]


@dataclass(frozen=True, kw_only=True)
class KeptStory:
    """A story's forecast as it was kept: heat at its horizons, its parts, and what came when it matured."""

    made_at: datetime
    matures_at: datetime
    body: Mapping[str, Any]
    came: float | None


class StoryForecastStore:
    """Heat of whole stories."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def due(self, before: datetime, limit: int) -> list[Due]:
        """Stories of open incidents that were not foreseen since ``before``; longest ago first."""
        i, s, f = t.incidents.c, t.stories.c, t.story_forecasts.c
        last = sa.select(sa.func.max(f.made_at, type_=t.UtcTime)).where(f.story_id == s.id).scalar_subquery()
        asked = (sa.select(s.id, s.brand, s.first_appeared).join(t.incidents, i.story_id == s.id)
                 .where(i.closed_at.is_(None), sa.or_(last.is_(None), last <= before)).order_by(last.isnot(None), last).limit(limit))
        with reading(self._engine) as c:
            return [Due(story_id=row.id, brand=row.brand, first_appeared=row.first_appeared) for row in c.execute(asked)]

    def members(self, story_id: int, brand: str) -> Members:
        """The members that count (relevant, no advert), with what a forecast of each wants."""
        of = {"story": story_id, "brand": brand}
        with reading(self._engine) as c:
            times = tuple(row.dated for row in c.execute(_TIMES, of))
            rows = [dict(row) for row in c.execute(_MEMBERS, of).mappings()]
            snapshots = tuple(snapshots_of(c, row["id"]) for row in rows[:FORESEEN])
        return Members(rows=tuple(rows[:FORESEEN]), snapshots=snapshots, times=times, counts=tuple({name: row[name] for name in METRICS} for row in rows))

    def keep(self, story_id: int, body: Mapping[str, Any], *, made_at: datetime, matures_at: datetime) -> None:
        with writing(self._engine) as c:
            c.execute(sa.insert(t.story_forecasts).values(story_id=story_id, made_at=made_at, matures_at=matures_at, body=dict(body)))

    def newest(self, story_id: int) -> KeptStory | None:
        f = t.story_forecasts.c
        with reading(self._engine) as c:
            row = c.execute(sa.select(t.story_forecasts).where(f.story_id == story_id).order_by(f.made_at.desc(), f.id.desc()).limit(1)).mappings().first()
        return None if row is None else _kept(row)

    def mature(self, world: datetime, weights: Mapping[str, Mapping[str, float]], limit: int = 50) -> int:
        """Give matured forecasts their outcome: the heat of all members by their last counts before the horizon, by the
        ``weights`` of each brand. What was not counted near its horizon gets none. Returns how many got one."""
        f, s = t.story_forecasts.c, t.stories.c
        due = (sa.select(f.id, f.story_id, f.matures_at, s.brand).join(t.stories, s.id == f.story_id)
               .where(f.came.is_(None), f.matures_at <= world - SLACK, f.matures_at > world - GIVE_UP, _followed()).order_by(f.matures_at).limit(limit))
        with reading(self._engine) as c:
            came = [(row.id, _heat_at(c, row.story_id, row.matures_at, weights.get(row.brand, {}))) for row in c.execute(due).all()]
        if not came:
            return 0
        with writing(self._engine) as c:
            return sum(c.execute(sa.update(t.story_forecasts).where(f.id == number, f.came.is_(None)).values(came=heat)).rowcount for number, heat in came)

    def outcomes(self, brand: str | None, since: datetime) -> list[KeptStory]:
        """One matured forecast a story and horizon, the first that was made: those that matured at or after ``since``."""
        f, s = t.story_forecasts.c, t.stories.c
        spoke = sa.func.json_array_length(f.body, "$.horizons") > 0
        first = sa.select(sa.func.min(f.id)).where(f.came.isnot(None), f.matures_at >= since, spoke).group_by(f.story_id)
        asked = sa.select(t.story_forecasts).where(f.id.in_(first))
        if brand is not None:
            asked = asked.join(t.stories, s.id == f.story_id).where(s.brand == brand)
        with reading(self._engine) as c:
            return [_kept(row) for row in c.execute(asked).mappings()]


def _kept(row: Mapping[Any, Any]) -> KeptStory:
    return KeptStory(made_at=row["made_at"], matures_at=row["matures_at"], body=row["body"], came=row["came"])


def _followed() -> sa.ColumnElement[bool]:
    """Was any member counted near the horizon?"""
    f, sm, s = t.story_forecasts.c, t.story_mentions.c, t.snapshots.c
    near = sa.and_(s.at <= f.matures_at + in_ms(SLACK), s.at > f.matures_at - in_ms(NEAR))
    return sa.exists(sa.select(s.id).join(t.story_mentions, sm.mention_id == s.mention_id).where(sm.story_id == f.story_id, near).correlate(t.story_forecasts))


def _heat_at(c: Connection, story_id: int, at: datetime, weights: Mapping[str, float]) -> float:
    """Heat at a past moment. A metric that was not counted by then adds nothing; each member stands by its last count."""
    sm, s, m = t.story_mentions.c, t.snapshots.c, t.mentions.c
    newest = (sa.select(s.mention_id, sa.func.max(s.at).label("at")).join(t.story_mentions, sm.mention_id == s.mention_id)
              .join(t.mentions, m.id == s.mention_id).where(sm.story_id == story_id, s.at <= at, m.dated <= at).group_by(s.mention_id).subquery())
    sums = [sa.func.sum(s[name]).label(name) for name in METRICS]
    row = c.execute(sa.select(*sums).join(newest, sa.and_(newest.c.mention_id == s.mention_id, newest.c.at == s.at))).mappings().one()
    return float(sum(weights.get(name, 0.0) * (row[name] or 0) for name in METRICS))


def horizons(first_appeared: datetime, now: datetime, ahead: Sequence[float] = (12.0, 24.0)) -> list[datetime]:
    """The ends of the spread windows that are still ahead; for an older story, twelve hours from now."""
    ends = [first_appeared + timedelta(hours=hours) for hours in ahead]
    return [end for end in ends if end - now >= SLACK] or [now + timedelta(hours=12)]


_TIMES = sa.select(t.mentions.c.dated).select_from(JOINED).where(COUNTED).order_by(t.mentions.c.dated)
_MEMBERS = (sa.select(*MEMBER).select_from(JOINED).where(COUNTED)
            .order_by(sa.func.coalesce(t.mentions.c.reposts, -1).desc(), sa.func.coalesce(t.mentions.c.comments, -1).desc(), t.mentions.c.dated).limit(COUNTED_MEMBERS))

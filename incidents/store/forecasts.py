"""The track record: every forecast is kept, and when it matures it is held against what came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection, Engine

from incidents.model import METRICS, Forecast, Horizon
from incidents.store import tables as t
from incidents.store.engine import reading, writing
from incidents.store.stories import forecast_from_row

NEAR = timedelta(hours=3)  # a count this close to the horizon stands for it; further off, nothing is claimed
SLACK = timedelta(minutes=30)
GIVE_UP = timedelta(days=2)
DAY = timedelta(hours=24)
STEP = 200  # mentions whose snapshots are read at once


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One matured forecast: ``forecast`` without its path and reasons, ``came`` the total at its 24 h."""

    mention_id: int
    forecast: Forecast
    came: int


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """A mention that reached a threshold within its 24 h: when that was first seen, its newest count, the highest
    probability that was said before (None: none was), and the newest abstention before it, if any."""

    mention_id: int
    at: datetime
    count: int
    highest: float | None
    abstained: str | None


@dataclass(frozen=True, kw_only=True)
class FollowedMention:
    """A stored mention with every count of one metric: (when, how many, is it only a floor)."""

    mention_id: int
    name: str
    platform: str
    first_seen: datetime
    counts: tuple[tuple[datetime, int | None, bool], ...]
    followers: int | None
    friends: int | None
    posts: int | None
    verified: bool | None
    text: str


class ForecastStore:
    """Forecasts that were made, and what came."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def matured(self) -> int:
        """How many of one's own mentions have a forecast whose 24 h are over and whose end was seen."""
        f = t.forecasts.c
        with reading(self._engine) as c:
            return int(c.execute(sa.select(sa.func.count(sa.distinct(f.mention_id))).where(f.came.isnot(None))).scalar_one())

    def outcomes(self, platform: str, metric: str, since: datetime) -> list[tuple[int, Forecast, int]]:
        """Mention, its first forecast and what came, for forecasts that matured at or after ``since``. One a mention: many looks at one post are no many proofs."""
        f = t.forecasts.c
        first = (sa.select(sa.func.min(f.id)).where(f.came.isnot(None), f.abstains.is_(None), f.platform == platform, f.metric == metric, f.matures_at >= since)
                 .group_by(f.mention_id))
        with reading(self._engine) as c:
            return [(row["mention_id"], forecast_from_row(row), row["came"]) for row in c.execute(sa.select(t.forecasts).where(f.id.in_(first))).mappings()]

    def mature(self, world: datetime, limit: int = 500) -> int:
        """Score forecasts whose horizon has passed; returns how many got their outcome. What was not followed to its
        end keeps no other waiting."""
        f = t.forecasts.c
        ends = {metric: _count_near(metric) for metric in METRICS}
        came = sa.case(*((f.metric == metric, end) for metric, end in ends.items()), else_=None)
        due = (sa.select(f.id, came.label("end"))
               .where(f.came.is_(None), f.abstains.is_(None), f.matures_at <= world - NEAR, f.matures_at > world - GIVE_UP, came.isnot(None)).limit(limit))
        with reading(self._engine) as c:
            rows = c.execute(due).all()
        if not rows:
            return 0
        with writing(self._engine) as c:
            return sum(c.execute(sa.update(t.forecasts).where(f.id == row.id, f.came.is_(None)).values(came=row.end)).rowcount for row in rows)

    # -- what the track record is made of ---------------------------------------------------------------------

    def history(self, brand: str | None, metric: str, since: datetime) -> list[Outcome]:
        """Every matured forecast of a brand (None: of all) that matured at or after ``since``, by mention and time."""
        f = t.forecasts.c
        asked = (sa.select(f.mention_id, f.made_at, f.platform, f.metric, f.first_seen, f.observed, f.model, f.came, f.body["h24"].label("h24"))
                 .where(f.came.isnot(None), f.abstains.is_(None), f.metric == metric, f.matures_at >= since).order_by(f.mention_id, f.made_at))
        if brand is not None:
            asked = asked.join(t.stories, t.stories.c.id == f.story_id).where(t.stories.c.brand == brand)
        with reading(self._engine) as c:
            return [Outcome(mention_id=row["mention_id"], forecast=_bare(row), came=row["came"]) for row in c.execute(asked).mappings()]

    def crossings(self, brand: str | None, metric: str, threshold: int, since: datetime) -> dict[int, Crossing]:
        """Mentions that appeared at or after ``since`` and reached ``threshold`` within 24 h (a floor counts). Only those
        whose newest count is still there are looked at: else every snapshot of three weeks would be read."""
        s, m, b, f = t.snapshots.c, t.mentions.c, t.mention_brands.c, t.forecasts.c
        asked = (sa.select(s.mention_id, m.dated, _of(m, metric).label("count"), sa.func.min(s.at, type_=t.UtcTime).label("at")).join(t.mentions, m.id == s.mention_id)
                 .where(_of(m, metric) >= threshold, _of(s, metric) >= threshold, m.dated >= since).group_by(s.mention_id, m.dated, _of(m, metric)))
        if brand is not None:
            asked = asked.where(sa.exists(sa.select(b.brand).where(b.mention_id == m.id, b.brand == brand)))
        with reading(self._engine) as c:
            rows = [row for row in c.execute(asked).all() if row.at <= row.dated + DAY]
            before = sa.select(f.made_at, f.abstains, f.body["h24"].label("h24")).where(
                f.story_id.in_(sa.select(t.story_mentions.c.story_id).where(t.story_mentions.c.mention_id == sa.bindparam("mention"))),
                f.mention_id == sa.bindparam("mention"), f.made_at <= sa.bindparam("at", type_=t.UtcTime)).order_by(f.made_at)
            return {row.mention_id: _crossing(row, c.execute(before, {"mention": row.mention_id, "at": row.at}).all(), threshold) for row in rows}

    def followed(self, brand: str, metric: str, until: datetime) -> Iterator[FollowedMention]:
        """The brand's mentions that appeared before ``until`` and were counted at least once, oldest first."""
        m, b = t.mentions.c, t.mention_brands.c
        asked = (sa.select(t.mentions).join(t.mention_brands, b.mention_id == m.id)
                 .where(b.brand == brand, m.dated <= until, _of(m, metric).isnot(None), m.forgotten.is_(None)).order_by(m.dated, m.id))
        with reading(self._engine) as c:
            rows = c.execute(asked).mappings().all()
            for begin in range(0, len(rows), STEP):
                part = rows[begin : begin + STEP]
                counts = _counts(c, [row["id"] for row in part], metric)
                yield from (_followed(row, counts.get(row["id"], [])) for row in part)

    # -- the track of each brand ------------------------------------------------------------------------------

    def keep_track(self, brand: str, body: Mapping[str, Any], world: datetime) -> None:
        """The newest track of a brand ("" is all of them) takes the place of the one before."""
        made = sqlite_insert(t.tracks).values(brand=brand, made_at=world, body=dict(body))
        with writing(self._engine) as c:
            c.execute(made.on_conflict_do_update(index_elements=["brand"], set_=dict(made_at=world, body=dict(body))))

    def track(self, brand: str) -> tuple[datetime, Mapping[str, Any]] | None:
        """(when it was made, its content), or None while there is none."""
        with reading(self._engine) as c:
            row = c.execute(sa.select(t.tracks).where(t.tracks.c.brand == brand)).mappings().first()
        return None if row is None else (row["made_at"], row["body"])


def _crossing(row: Any, before: Sequence[Any], threshold: int) -> Crossing:
    said = [one.h24["p_over"].get(str(threshold)) for one in before if one.abstains is None and one.h24 and one.made_at < row.at]
    known = [float(p) for p in said if p is not None]
    abstained = next((one.abstains for one in reversed(before) if one.abstains), None)
    return Crossing(mention_id=row.mention_id, at=row.at, count=int(row.count), highest=max(known, default=None), abstained=abstained)


def _of(columns: Any, metric: str) -> sa.ColumnElement[int]:
    if metric not in METRICS:
        raise ValueError(metric)
    found: sa.ColumnElement[int] = columns[metric]
    return found


def _count_near(metric: str) -> sa.ScalarSelect[int]:
    """The last exact count before the horizon of a row of ``forecasts``, when it is near enough."""
    s, f = t.snapshots.c, t.forecasts.c
    exact = ~s.floors.contains(metric)  # "100万+" says at least, not how many
    near = sa.and_(s.at <= f.matures_at + in_ms(SLACK), s.at > f.matures_at - in_ms(NEAR))
    return sa.select(_of(s, metric)).where(s.mention_id == f.mention_id, exact, _of(s, metric).isnot(None), near).order_by(s.at.desc()).limit(1).correlate(t.forecasts).scalar_subquery()


def in_ms(length: timedelta) -> sa.ColumnElement[int]:
    return sa.literal(round(length.total_seconds() * 1000), sa.BigInteger)


def _bare(row: Mapping[Any, Any]) -> Forecast:
    """A forecast without path and reasons: there may be a hundred thousand of them."""
    kept = row["h24"]
    h24 = None if kept is None else Horizon(q=kept["q"], p_over={int(k): v for k, v in kept["p_over"].items()})
    return Forecast(metric=row["metric"], platform=row["platform"], first_seen=row["first_seen"], made_at=row["made_at"], observed=row["observed"],
                    h12=None, h24=h24, path=(), crosses_at={}, cold=False, reasons=(), abstains=None, model=row["model"])


def _counts(c: Connection, ids: Sequence[int], metric: str) -> dict[int, list[tuple[datetime, int | None, bool]]]:
    s = t.snapshots.c
    found: dict[int, list[tuple[datetime, int | None, bool]]] = {}
    for row in c.execute(sa.select(s.mention_id, s.at, _of(s, metric).label("n"), s.floors).where(s.mention_id.in_(ids)).order_by(s.at)):
        found.setdefault(row.mention_id, []).append((row.at, row.n, metric in row.floors.split(",")))
    return found


def _followed(row: Mapping[Any, Any], counts: Sequence[tuple[datetime, int | None, bool]]) -> FollowedMention:
    return FollowedMention(mention_id=row["id"], name=row["key"], platform=row["platform"], first_seen=row["dated"], counts=tuple(counts),
                           followers=row["followers"], friends=row["friends"], posts=row["posts"], verified=row["verified"], text=row["text"])

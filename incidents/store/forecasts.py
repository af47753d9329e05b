"""The track record: every forecast is kept, and when it matures it is held against what came."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from incidents.model import METRICS, Forecast
from incidents.store import tables as t
from incidents.store.engine import reading, writing
from incidents.store.stories import forecast_from_row

NEAR = timedelta(hours=3)  # a count this close to the horizon stands for it; further off, nothing is claimed
GIVE_UP = timedelta(days=2)


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
        """Score forecasts whose horizon has passed; returns how many got their outcome."""
        f = t.forecasts.c
        due = (sa.select(f.id, f.mention_id, f.metric, f.matures_at)
               .where(f.came.is_(None), f.abstains.is_(None), f.matures_at <= world - NEAR, f.matures_at > world - GIVE_UP).limit(limit))
        with reading(self._engine) as c:
            rows = c.execute(due).all()
        scored = 0
        if not rows:
            return 0
        with writing(self._engine) as c:
            for row in rows:
                came = c.execute(_count_near(row.mention_id, row.metric, row.matures_at)).scalar()
                if came is not None:
                    scored += c.execute(sa.update(t.forecasts).where(f.id == row.id, f.came.is_(None)).values(came=came)).rowcount
        return scored


def _count_near(mention_id: int, metric: str, at: datetime) -> sa.Select[tuple[int]]:
    """The last count before the horizon, when it is near enough."""
    if metric not in METRICS:
        raise ValueError(metric)
    s = t.snapshots.c
    exact = ~s.floors.contains(metric)  # "100万+" says at least, not how many
    return sa.select(s[metric]).where(s.mention_id == mention_id, exact, s.at <= at + timedelta(minutes=30), s.at > at - NEAR).order_by(s.at.desc()).limit(1)

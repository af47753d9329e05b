"""Stories in the ledger: placing mentions, and the look at a stirred story that the rules decide on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from incidents.errors import Conflict
from incidents.model import Forecast, Snapshot
from incidents.store import tables as t
from incidents.store.door import queue_index
from incidents.store.engine import reading, writing
from incidents.store.look import Stirred, look, snapshots_of
from incidents.store.placing import Placing, prepare
from incidents.store.work import Waiting


class StoryStore:
    """Place, look, remember what was foreseen."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def place(self, waiting: Sequence[Waiting], world: datetime) -> int:
        """Put each mention into a story of its brand (one that runs, or a new one). Twice changes nothing."""
        with reading(self._engine) as c:
            ready = prepare(c, waiting)
        with writing(self._engine) as c:
            placing = Placing(c, ready, world)
            placed = [one.one.mention_id for one in ready if placing.put(one)]
            placing.finish()
            queue_index(c, placed, bump=True)
        return len(placed)

    def claim_stirred(self, worker: str, *, world: datetime, machine: datetime, lasts: timedelta, limit: int = 64, untold: bool = False) -> list[Stirred]:
        """Stories with news, or whose forecast is due, leased to ``worker``; urgent ones, then the longest waiting first.

        ``untold``: only urgent ones of which nobody was told, for they have no open incident.
        """
        s = t.stories.c
        free = sa.and_(sa.or_(s.stirred > s.decided, s.look_again_at <= world), sa.or_(s.lease_until.is_(None), s.lease_until < machine))
        if untold:
            free = sa.and_(free, s.urgent, ~sa.exists().where(t.incidents.c.story_id == s.id, t.incidents.c.closed_at.is_(None)))
        with reading(self._engine) as c:
            if c.execute(sa.select(s.id).where(free).limit(1)).first() is None:
                return []
        with writing(self._engine, eager=True) as c:
            rows = c.execute(sa.select(t.stories).where(free).order_by(s.urgent.desc(), s.stirred_saved_at).limit(limit)).mappings().all()
            c.execute(sa.update(t.stories).where(s.id.in_([r["id"] for r in rows])).values(lease_by=worker, lease_until=machine + lasts, token=s.token + 1))
        with reading(self._engine) as c:
            return [look(c, row, world) for row in rows]

    def give_back(self, stirred: Stirred) -> None:
        """End the claim without a decision, so that the story is claimed again at once."""
        s = t.stories.c
        with writing(self._engine) as c:
            c.execute(sa.update(t.stories).where(s.id == stirred.story.id, s.token == stirred.token).values(lease_by=None, lease_until=None))

    def look_at(self, story_id: int, world: datetime) -> Stirred | None:
        """The same view of one story, without a claim (tests, pages)."""
        with reading(self._engine) as c:
            row = c.execute(sa.select(t.stories).where(t.stories.c.id == story_id)).mappings().first()
            return None if row is None else look(c, {**row, "token": row["token"] - 1}, world)

    def snapshots(self, mention_id: int) -> list[Snapshot]:
        with reading(self._engine) as c:
            return list(snapshots_of(c, mention_id))


def keep_forecast(c: Connection, stirred: Stirred, forecast: Forecast) -> None:
    """Every forecast is kept, so that it can be held against what came."""
    c.execute(sa.insert(t.forecasts).values(
        story_id=stirred.story.id, mention_id=stirred.story.largest_id, made_at=forecast.made_at, metric=forecast.metric,
        platform=forecast.platform, first_seen=forecast.first_seen, observed=forecast.observed, body=forecast_to_json(forecast),
        model=forecast.model, abstains=forecast.abstains, matures_at=forecast.first_seen + timedelta(hours=24)))


def hold(c: Connection, stirred: Stirred) -> None:
    """Make sure that the story is still ours to decide: who slept through its lease opens no second incident.

    Raises:
        Conflict: another worker has taken it since.
    """
    token = c.execute(sa.select(t.stories.c.token).where(t.stories.c.id == stirred.story.id)).scalar()
    if token != stirred.token:
        raise Conflict(f"Story {stirred.story.id} was taken over while it was decided.")


def settle(c: Connection, stirred: Stirred, look_again_at: datetime | None) -> None:
    """The story was decided on as it stood when claimed; what stirred it since keeps it waiting."""
    s = t.stories.c
    done = stirred.story.stirred_version
    c.execute(sa.update(t.stories).where(s.id == stirred.story.id, s.token == stirred.token)
              .values(decided=done, lease_by=None, lease_until=None, look_again_at=look_again_at,
                      stirred_saved_at=sa.case((s.stirred > done, s.stirred_saved_at), else_=None), urgent=sa.case((s.stirred > done, s.urgent), else_=False)))


def forecast_to_json(forecast: Forecast) -> dict[str, Any]:
    """The forecast as kept; ``forecast_from_row`` is its inverse."""
    def horizon(h: Any) -> Any:
        return None if h is None else {"q": dict(h.q), "p_over": {str(k): v for k, v in h.p_over.items()}}
    return {
        "h12": horizon(forecast.h12), "h24": horizon(forecast.h24), "cold": forecast.cold,
        "path": [{**asdict(p), "at": p.at.isoformat()} for p in forecast.path],
        "crosses_at": {str(k): v.isoformat() if v else None for k, v in forecast.crosses_at.items()},
        "reasons": [{"code": r.code, "values": dict(r.values)} for r in forecast.reasons],
    }


def forecast_from_row(row: Mapping[Any, Any]) -> Forecast:
    from incidents.model import ForecastReason, Horizon, PathPoint

    body = row["body"]
    def horizon(h: Any) -> Horizon | None:
        return None if h is None else Horizon(q=h["q"], p_over={int(k): v for k, v in h["p_over"].items()})
    return Forecast(
        metric=row["metric"], platform=row["platform"], first_seen=row["first_seen"], made_at=row["made_at"], observed=row["observed"],
        h12=horizon(body["h12"]), h24=horizon(body["h24"]), cold=body["cold"], model=row["model"], abstains=row["abstains"],
        path=tuple(PathPoint(**{**p, "at": datetime.fromisoformat(p["at"])}) for p in body["path"]),
        crosses_at={int(k): datetime.fromisoformat(v) if v else None for k, v in body["crosses_at"].items()},
        reasons=tuple(ForecastReason(code=r["code"], values=r["values"]) for r in body["reasons"]))

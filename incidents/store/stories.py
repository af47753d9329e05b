"""Stories in the ledger: placing mentions, and the look at a stirred story that the rules decide on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from incidents import stories as rules
from incidents.errors import Conflict
from incidents.model import Forecast, Snapshot
from incidents.store import tables as t
from incidents.store.door import queue_index
from incidents.store.engine import new_id, reading, writing
from incidents.store.look import Stirred, look, snapshots_of
from incidents.store.work import Waiting
from incidents.text import excerpt

CANDIDATES = 8  # near-copies compared one by one, newest first


class StoryStore:
    """Place, look, remember what was foreseen."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def place(self, waiting: Sequence[Waiting], world: datetime) -> int:
        """Put each mention into a story of its brand (one that runs, or a new one). Twice changes nothing."""
        signed = [(one, rules.signature(one.title, one.text)) for one in waiting]
        with writing(self._engine) as c:
            placed = [one.mention_id for one, own in signed if _place_one(c, one, own, world)]
            queue_index(c, placed, bump=True)
        return len(placed)

    def claim_stirred(self, worker: str, *, world: datetime, machine: datetime, lasts: timedelta, limit: int = 64) -> list[Stirred]:
        """Stories with news, or whose forecast is due, leased to ``worker``; longest waiting first."""
        s = t.stories.c
        free = sa.and_(sa.or_(s.stirred > s.decided, s.look_again_at <= world), sa.or_(s.lease_until.is_(None), s.lease_until < machine))
        with reading(self._engine) as c:
            if c.execute(sa.select(s.id).where(free).limit(1)).first() is None:
                return []
        with writing(self._engine) as c:
            rows = c.execute(sa.select(t.stories).where(free).order_by(s.stirred_saved_at).limit(limit)).mappings().all()
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
                      stirred_saved_at=sa.case((s.stirred > done, s.stirred_saved_at), else_=None)))


def _place_one(c: Connection, one: Waiting, own: rules.Signature | None, world: datetime) -> bool:
    w = t.work.c
    if c.execute(sa.delete(t.work).where(w.kind == "place", w.mention_id == one.mention_id, w.brand == one.brand)).rowcount == 0:
        return False
    score = c.execute(sa.select(t.scores).where(t.scores.c.mention_id == one.mention_id, t.scores.c.brand == one.brand)).mappings().one()
    issue = score["issue"] if rules.joins_by_issue(issue=score["issue"], sentiment=score["sentiment"], noise=score["noise"], relevance=score["relevance"]) else None
    where = rules.place(own=own, root_story=_root_story(c, one), candidates=_candidates(c, one, own) if own else (),
                        issue_story=_issue_story(c, one, issue) if issue else None)
    story_id = where.story_id or _new_story(c, one, issue, world)
    c.execute(sa.insert(t.story_mentions).values(mention_id=one.mention_id, brand=one.brand, story_id=story_id, why=where.why, at=world))
    if own is not None:
        c.execute(sa.insert(t.near_bands), [dict(brand=one.brand, band=band, mention_id=one.mention_id, at=one.dated) for band in own.bands()])
    s = t.stories.c
    c.execute(sa.update(t.stories).where(s.id == story_id).values(
        stirred=s.stirred + 1, stirred_saved_at=sa.func.coalesce(s.stirred_saved_at, sa.literal(one.saved_at, t.UtcTime)),
        first_appeared=sa.func.min(s.first_appeared, sa.literal(one.dated, t.UtcTime)),
        last_known=sa.func.max(s.last_known, sa.literal(one.dated, t.UtcTime)), issue=sa.func.coalesce(s.issue, issue)))
    return True


def _root_story(c: Connection, one: Waiting) -> int | None:
    if one.root_key is None:
        return None
    root = sa.select(t.mentions.c.id).where(t.mentions.c.key == one.root_key).scalar_subquery()
    return c.execute(sa.select(t.story_mentions.c.story_id).where(t.story_mentions.c.mention_id == root, t.story_mentions.c.brand == one.brand)).scalar()


def _candidates(c: Connection, one: Waiting, own: rules.Signature) -> tuple[rules.Candidate, ...]:
    n, sm, m = t.near_bands.c, t.story_mentions.c, t.mentions.c
    near = sa.select(n.mention_id).where(n.brand == one.brand, n.band.in_(own.bands())).distinct().order_by(n.mention_id.desc()).limit(CANDIDATES).subquery()
    rows = c.execute(sa.select(sm.story_id, m.id, m.title, m.text).join(near, near.c.mention_id == m.id)
                     .join(t.story_mentions, sa.and_(sm.mention_id == m.id, sm.brand == one.brand))).all()
    signed = ((r.story_id, r.id, rules.signature(r.title, r.text)) for r in rows)
    return tuple(rules.Candidate(story_id=s, mention_id=i, signature=g) for s, i, g in signed if g is not None)


def _issue_story(c: Connection, one: Waiting, issue: str) -> int | None:
    s = t.stories.c
    row = c.execute(sa.select(s.id, s.last_known).where(s.brand == one.brand, s.issue == issue).order_by(s.last_known.desc()).limit(1)).first()
    return row.id if row is not None and rules.still_running(row.last_known, one.dated) else None


def _new_story(c: Connection, one: Waiting, issue: str | None, world: datetime) -> int:
    made = c.execute(sa.insert(t.stories).values(brand=one.brand, lead_id=one.mention_id, title=excerpt(one.title or one.text, 60), issue=issue,
                                                 first_appeared=one.dated, first_known=world, last_known=one.dated))
    return new_id(made)


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

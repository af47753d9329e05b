"""What the page 预测战绩 shows: the track as the monitor reckoned it, and the names of the mentions that it points to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dashboard import desk
from dashboard.reads.kept import ROWS, briefly
from incidents.effect import Effect, refusal, statement_effect
from incidents.model import METRICS, Event
from incidents.store import tables as t
from incidents.store.engine import reading
from incidents.store.stories import forecast_from_row
from incidents.store.story_forecasts import KeptStory


@dataclass(frozen=True, kw_only=True)
class Track:
    """The newest track of a brand. ``body`` is what monitor/track_keeping.py made."""

    made_at: datetime
    body: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Pointed:
    """A mention that the track names. ``number`` is the incident of its story, if there is one."""

    title: str
    url: str
    platform: str
    gone: bool
    number: str | None


@briefly(10.0)
def track(brand: str) -> Track | None:
    found = desk.here().ledger.forecasts.track(brand)
    return None if found is None else Track(made_at=found[0], body=found[1])


@briefly(10.0)
def pointed(ids: tuple[int, ...], brand: str) -> Mapping[int, Pointed]:
    """Title and incident of these mentions (at most a page's worth)."""
    m, sm, i = t.mentions.c, t.story_mentions.c, t.incidents.c
    newest = sa.select(sa.func.max(i.number)).where(i.story_id == sm.story_id).scalar_subquery()
    joined = sa.outerjoin(t.mentions, t.story_mentions, sa.and_(sm.mention_id == m.id, sm.brand == brand))
    asked = sa.select(m.id, m.title, m.text, m.url, m.platform, m.forgotten, m.tombstone_at, newest.label("number")).select_from(joined).where(m.id.in_(ids[:ROWS]))
    with reading(desk.here().ledger.engine) as c:
        return {row.id: Pointed(title=row.title or row.text, url=row.url, platform=row.platform, number=row.number,
                                gone=row.forgotten is not None or row.tombstone_at is not None) for row in c.execute(asked)}


@briefly(3.0)
def story_heat(story_id: int) -> KeptStory | None:
    """The newest forecast of the whole story."""
    return desk.here().ledger.story_forecasts.newest(story_id)


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """One published statement: what came of the forecast made before it, or why nothing can be said."""

    event: Event
    effects: tuple[Effect, ...]
    refused: str | None


@briefly(3.0)
def reactions(incident_id: int, story_id: int) -> tuple[Reaction, ...]:
    """Every statement that was recorded for an incident, newest first."""
    events = [event for event in desk.here().ledger.incidents.events(incident_id) if event.kind == "statement_published"]
    return tuple(_reaction(event, story_id) for event in sorted(events, key=lambda one: one.happened_at, reverse=True))


def _reaction(event: Event, story_id: int) -> Reaction:
    f, s = t.forecasts.c, t.snapshots.c
    with reading(desk.here().ledger.engine) as c:
        row = c.execute(sa.select(t.forecasts).where(f.story_id == story_id, f.made_at <= event.happened_at).order_by(f.made_at.desc(), f.id.desc()).limit(1)).mappings().first()
        later = row is None and c.execute(sa.select(f.id).where(f.story_id == story_id).limit(1)).first() is not None
        if row is None or row["metric"] not in METRICS:
            return Reaction(event=event, effects=(), refused="after" if later else "no_forecast")
        counted = sa.select(s.at, s[row["metric"]]).where(s.mention_id == row["mention_id"], s.at > event.happened_at, s[row["metric"]].isnot(None), ~s.floors.contains(row["metric"]))
        came = [(at, int(n)) for at, n in c.execute(counted.order_by(s.at).limit(5_000))]
    before = forecast_from_row(row)
    return Reaction(event=event, effects=statement_effect(before, event.happened_at, came) or (), refused=refusal(before, event.happened_at, came))

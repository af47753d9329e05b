"""Incidents as the overview and the room show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard import desk
from dashboard.reads.kept import ROWS, briefly
from incidents.model import METRICS, Clock, Event, Forecast, Incident, Task
from incidents.store import tables as t
from incidents.store.engine import reading
from incidents.store.incidents import clock_from_row, incident_from_row, task_from_row
from incidents.store.outbox import Told
from incidents.store.stories import forecast_from_row

SHOWN = 12  # incidents with curve and clocks on the overview; the others are in the list
CURVE = 400  # points of one observed curve


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """The newest forecast of a story and the mention whose counts it is about."""

    forecast: Forecast
    mention_id: int


@dataclass(frozen=True, kw_only=True)
class Burning:
    """One open incident as a row of the overview shows it."""

    incident: Incident
    clocks: tuple[Clock, ...]
    foreseen: Foreseen | None
    curve: tuple[tuple[datetime, int], ...]
    platforms: tuple[str, ...]
    first_platform: str
    growth: int | None  # added in the last hour of world time on the largest member; None = not known


@briefly(2.0)
def open_incidents() -> tuple[Incident, ...]:
    """Open incidents, gravest first."""
    return tuple(desk.here().ledger.incidents.open(ROWS))


@briefly(2.0)
def all_incidents(limit: int = ROWS) -> tuple[Incident, ...]:
    """Newest first, closed ones too."""
    with reading(desk.here().ledger.engine) as c:
        rows = c.execute(sa.select(t.incidents).order_by(t.incidents.c.id.desc()).limit(limit)).mappings().all()
    return tuple(incident_from_row(row) for row in rows)


@briefly(2.0)
def incident(number: str) -> Incident | None:
    return desk.here().ledger.incidents.by_number(number)


@briefly(2.0)
def burning(ids: tuple[int, ...]) -> tuple[Burning, ...]:
    """What the overview shows of these open incidents, in this order; a handful of queries however many they are."""
    chosen = {one.id: one for one in open_incidents() if one.id in ids[:SHOWN]}
    stories = [one.story_id for one in chosen.values()]
    with reading(desk.here().ledger.engine) as c:
        clocks = _clocks(c, list(chosen.values()))
        foreseen = _foreseen(c, stories)
        first = _first_platforms(c, stories)
        lines: dict[int, Any] = {story: _curve(c, one.mention_id, one.forecast.metric, 60) for story, one in foreseen.items()}
    return tuple(
        Burning(incident=one, clocks=tuple(clocks.get(one.id, ())), foreseen=foreseen.get(one.story_id), curve=lines.get(one.story_id, ()),
                platforms=_platforms(one, first.get(one.story_id, "")), growth=_grown(lines.get(one.story_id, ())), first_platform=first.get(one.story_id, ""))
        for number in ids[:SHOWN] if (one := chosen.get(number)) is not None)


def _clocks(c: sa.Connection, incidents: Sequence[Incident]) -> dict[int, list[Clock]]:
    k, episode = t.clocks.c, {one.id: one.episode for one in incidents}
    found: dict[int, list[Clock]] = {}
    for row in c.execute(sa.select(t.clocks).where(k.incident_id.in_(episode)).order_by(k.due_at)).mappings():
        if row["episode"] == episode[row["incident_id"]]:
            found.setdefault(row["incident_id"], []).append(clock_from_row(row))
    return found


def _foreseen(c: sa.Connection, stories: Sequence[int]) -> dict[int, Foreseen]:
    f = t.forecasts.c
    newest = sa.select(sa.func.max(f.id)).where(f.story_id.in_(stories)).group_by(f.story_id)
    rows = c.execute(sa.select(t.forecasts).where(f.id.in_(newest))).mappings()
    return {row["story_id"]: Foreseen(forecast=forecast_from_row(row), mention_id=row["mention_id"]) for row in rows}


def _first_platforms(c: sa.Connection, stories: Sequence[int]) -> dict[int, str]:
    """Where each story's first mention stood."""
    s, m = t.stories.c, t.mentions.c
    return {row.id: row.platform for row in c.execute(sa.select(s.id, m.platform).join(t.mentions, m.id == s.lead_id).where(s.id.in_(stories)))}


def _platforms(incident: Incident, first: str) -> tuple[str, ...]:
    """As of the last decision: counting anew would read every mention of the story for each look."""
    return tuple(dict.fromkeys([*([first] if first else []), *incident.brief.get("platforms", ())]))


def _curve(c: sa.Connection, mention_id: int, metric: str, points: int) -> tuple[tuple[datetime, int], ...]:
    """Counts of one mention over time, thinned to ``points`` with the first and the last kept."""
    if metric not in METRICS:
        return ()
    s = t.snapshots.c
    rows = c.execute(sa.select(s.at, s[metric]).where(s.mention_id == mention_id, s[metric].isnot(None)).order_by(s.at.desc()).limit(5_000)).all()
    rows = rows[::-1]
    step = max(1, -(-len(rows) // points))
    kept = rows[::step] if rows and (len(rows) - 1) % step == 0 else [*rows[::step], *rows[-1:]]
    return tuple((at, int(value)) for at, value in kept)


def _grown(curve: Sequence[tuple[datetime, int]]) -> int | None:
    if len(curve) < 2:
        return None
    last = curve[-1]
    before = [value for at, value in curve if at <= last[0] - timedelta(hours=1)]
    return last[1] - (before[-1] if before else 0)


@dataclass(frozen=True, kw_only=True)
class Room:
    """Everything of one incident's page but its mentions."""

    clocks: tuple[Clock, ...]
    tasks: tuple[Task, ...]
    events: tuple[Event, ...]  # newest first
    told: tuple[Told, ...]  # newest first
    foreseen: Foreseen | None
    curve: tuple[tuple[datetime, int], ...]
    largest_name: str  # who wrote the mention that the curve is about


@briefly(2.0)
def room(number: str) -> Room | None:
    one = incident(number)
    if one is None:
        return None
    ledger = desk.here().ledger
    with reading(ledger.engine) as c:
        foreseen = _foreseen(c, [one.story_id]).get(one.story_id)
        subject, metric = _subject(c, one.story_id, foreseen)
        curve = _curve(c, subject, metric, CURVE)
        tasks = c.execute(sa.select(t.tasks).where(t.tasks.c.incident_id == one.id, t.tasks.c.episode == one.episode).order_by(t.tasks.c.id).limit(ROWS)).mappings().all()
        name = c.execute(sa.select(t.mentions.c.author_name).where(t.mentions.c.id == subject)).scalar() or ""
    return Room(clocks=tuple(ledger.incidents.clocks(one)), tasks=tuple(task_from_row(row) for row in tasks), foreseen=foreseen,
                events=tuple(ledger.incidents.events(one.id, limit=ROWS)), told=tuple(ledger.outbox.of_incident(one.id, limit=100)),
                curve=curve, largest_name=name)


def _subject(c: sa.Connection, story_id: int, foreseen: Foreseen | None) -> tuple[int, str]:
    """The mention whose curve is shown, and the metric: the forecast's, else the story's first one."""
    if foreseen is not None:
        return foreseen.mention_id, foreseen.forecast.metric
    lead = c.execute(sa.select(t.stories.c.lead_id).where(t.stories.c.id == story_id)).scalar() or 0
    reposts = c.execute(sa.select(t.mentions.c.reposts).where(t.mentions.c.id == lead)).scalar()
    return lead, "comments" if reposts is None else "reposts"


@briefly(10.0)
def shares(story_id: int) -> tuple[tuple[str, int], ...]:
    """Platform → mentions of a story, most first. It reads each of them once, hence the longer memory."""
    m, sm = t.mentions.c, t.story_mentions.c
    many = sa.func.count()
    with reading(desk.here().ledger.engine) as c:
        rows = c.execute(sa.select(m.platform, many).join(t.mentions, m.id == sm.mention_id).where(sm.story_id == story_id)
                         .group_by(m.platform).order_by(many.desc())).all()
    return tuple((platform, int(n)) for platform, n in rows)

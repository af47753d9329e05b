"""Incidents in the ledger: one ``Change`` is one transaction; a version that moved is a Conflict."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection, Engine

from incidents import now as times
from incidents.errors import Conflict, Refused
from incidents.lifecycle import Change, NewAlert, NewEvent, notification_key
from incidents.model import (
    Clock,
    Event,
    Forecast,
    Grade,
    GradeReason,
    Incident,
    OutboxState,
    Stage,
    Step,
    Task,
)
from incidents.store import tables as t
from incidents.store.engine import new_id, reading, writing
from incidents.store.look import Stirred
from incidents.store.stories import forecast_from_row, hold, keep_forecast, settle


class IncidentStore:
    """Read incidents; apply changes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # -- reading ---------------------------------------------------------------------------------------------

    def of_story(self, story_id: int) -> Incident | None:
        """The story's newest incident, open or closed."""
        return self._one(t.incidents.c.story_id == story_id)

    def one(self, incident_id: int) -> Incident | None:
        return self._one(t.incidents.c.id == incident_id)

    def by_number(self, number: str) -> Incident | None:
        return self._one(t.incidents.c.number == number)

    def _one(self, where: sa.ColumnElement[bool]) -> Incident | None:
        with reading(self._engine) as c:
            row = c.execute(sa.select(t.incidents).where(where).order_by(t.incidents.c.id.desc()).limit(1)).mappings().first()
        return None if row is None else incident_from_row(row)

    def open(self, limit: int = 200) -> list[Incident]:
        i = t.incidents.c
        with reading(self._engine) as c:
            rows = c.execute(sa.select(t.incidents).where(i.closed_at.is_(None)).order_by(i.grade.desc(), i.opened_at).limit(limit)).mappings().all()
        return [incident_from_row(row) for row in rows]

    def overdue(self, world: datetime, limit: int = 100) -> list[Incident]:
        """Open incidents whose acknowledgement ran out, whose next step or whose repeat is due."""
        i = t.incidents.c
        late = sa.or_(i.ack_until <= world, sa.and_(i.acked_by.is_(None), i.next_step_at <= world), i.next_repeat_at <= world)
        with reading(self._engine) as c:
            rows = c.execute(sa.select(t.incidents).where(i.closed_at.is_(None), late).order_by(i.grade.desc()).limit(limit)).mappings().all()
        return [incident_from_row(row) for row in rows]

    def late_clocks(self, world: datetime) -> list[tuple[Incident, tuple[Clock, ...]]]:
        """Open incidents with clocks that ran out and are not yet recorded as breached."""
        k, i = t.clocks.c, t.incidents.c
        with reading(self._engine) as c:
            rows = c.execute(sa.select(t.clocks).join(t.incidents, sa.and_(i.id == k.incident_id, i.episode == k.episode))
                             .where(i.closed_at.is_(None), k.due_at <= world, k.met_at.is_(None), k.breached_at.is_(None))).mappings().all()
            grouped: dict[int, list[Clock]] = {}
            for row in rows:
                grouped.setdefault(row["incident_id"], []).append(clock_from_row(row))
            found = {r["id"]: incident_from_row(r) for r in c.execute(sa.select(t.incidents).where(i.id.in_(grouped))).mappings()}
        return [(found[number], tuple(late)) for number, late in grouped.items()]

    def clocks(self, incident: Incident) -> list[Clock]:
        return [clock_from_row(r) for r in self._rows(t.clocks, incident, t.clocks.c.due_at)]

    def tasks(self, incident: Incident) -> list[Task]:
        return [task_from_row(r) for r in self._rows(t.tasks, incident, t.tasks.c.id)]

    def _rows(self, table: sa.Table, incident: Incident, order: sa.ColumnElement[Any]) -> Sequence[sa.RowMapping]:
        with reading(self._engine) as c:
            return c.execute(sa.select(table).where(table.c.incident_id == incident.id, table.c.episode == incident.episode).order_by(order)).mappings().all()

    def events(self, incident_id: int, known_by: datetime | None = None, limit: int = 500) -> list[Event]:
        """The timeline, newest first; with ``known_by`` only what was known then."""
        e = t.events.c
        chosen = sa.select(t.events).where(e.incident_id == incident_id)
        if known_by is not None:
            chosen = chosen.where(e.known_at <= known_by)
        with reading(self._engine) as c:
            rows = c.execute(chosen.order_by(e.known_at.desc(), e.id.desc()).limit(limit)).mappings().all()
        return [Event(id=r["id"], incident_id=r["incident_id"], happened_at=r["happened_at"], known_at=r["known_at"], kind=r["kind"], by=r["by"], values=r["values"]) for r in rows]

    def forecast(self, story_id: int) -> Forecast | None:
        """The newest forecast that was kept for the story."""
        f = t.forecasts.c
        with reading(self._engine) as c:
            row = c.execute(sa.select(t.forecasts).where(f.story_id == story_id).order_by(f.made_at.desc(), f.id.desc()).limit(1)).mappings().first()
        return None if row is None else forecast_from_row(row)

    # -- writing ---------------------------------------------------------------------------------------------

    def decide(self, stirred: Stirred, forecast: Forecast | None, change: Change | None, world: datetime, look_again_at: datetime | None) -> int | None:
        """One story's decision, whole: forecast kept, incident changed, alerts in the outbox, story settled.

        Raises:
            Conflict: the incident has moved on, or another worker has taken the story; nothing is kept.
        """
        with writing(self._engine, eager=True) as c:
            hold(c, stirred)
            if forecast is not None:
                keep_forecast(c, stirred, forecast)
            incident_id = apply_in(c, change, world) if change is not None else None
            settle(c, stirred, look_again_at)
        return incident_id

    def apply(self, change: Change, world: datetime) -> int:
        """Apply a change to the incident it was decided on.

        Raises:
            Conflict: the incident has moved on since it was read.
        """
        with writing(self._engine, eager=True) as c:
            return apply_in(c, change, world)

    def finish_task(self, task_id: int, version: int, *, person: str, evidence: Mapping[str, Any] | None, waived: str | None, world: datetime) -> None:
        """Tick a line with its evidence, or waive it with a signed reason.

        Raises:
            Refused: neither evidence nor a reason was given.
            Conflict: somebody else changed the line.
        """
        if not (evidence and str(evidence.get("text", "")).strip()) and not (waived and waived.strip()):
            raise Refused("A line is ticked with its evidence, or waived with a reason.")
        k = t.tasks.c
        with writing(self._engine) as c:
            row = c.execute(sa.select(t.tasks).where(k.id == task_id)).mappings().one()
            proof = [*row["evidence"], {**evidence, "by": person, "at": world.isoformat()}] if evidence else row["evidence"]
            changed = c.execute(sa.update(t.tasks).where(k.id == task_id, k.version == version, k.done_at.is_(None))
                                .values(done_at=world, done_by=person, waived=waived, evidence=proof, version=version + 1)).rowcount
            if changed == 0:
                raise Conflict("Somebody else changed this line a moment ago; it is shown as it is now.")
            kind = "task_waived" if waived else "task_done"
            add_event(c, row["incident_id"], NewEvent(kind=kind, by=person, happened_at=world, values={"line": row["line"], "title": row["title"], "waived": waived, "evidence": proof[-1:] if evidence else []}), world)
            _meet_clock(c, row["incident_id"], row["episode"], row["line"], person, world)

    def undo_task(self, task_id: int, version: int, *, person: str, world: datetime) -> None:
        """Open a ticked line again; its evidence stays, the timeline says who and when."""
        k = t.tasks.c
        with writing(self._engine) as c:
            row = c.execute(sa.select(t.tasks).where(k.id == task_id)).mappings().one()
            changed = c.execute(sa.update(t.tasks).where(k.id == task_id, k.version == version, k.done_at.isnot(None))
                                .values(done_at=None, done_by=None, waived=None, version=version + 1)).rowcount
            if changed == 0:
                raise Conflict("Somebody else changed this line a moment ago; it is shown as it is now.")
            add_event(c, row["incident_id"], NewEvent(kind="task_reopened", by=person, happened_at=world, values={"line": row["line"], "title": row["title"]}), world)


CLOCK_OF_LINE = {"facts": "facts", "brief": "brief", "first_statement": "first_statement"}


def _meet_clock(c: Connection, incident_id: int, episode: int, line: str, person: str, world: datetime) -> None:
    """A line whose name is a clock's keeps that clock."""
    kind = CLOCK_OF_LINE.get(line)
    if kind is not None and _meet(c, incident_id, episode, kind, world):
        add_event(c, incident_id, NewEvent(kind="clock_met", by=person, happened_at=world, values={"clock": kind}), world)


def _meet(c: Connection, incident_id: int, episode: int, kind: str, world: datetime) -> bool:
    k = t.clocks.c
    return c.execute(sa.update(t.clocks).where(k.incident_id == incident_id, k.episode == episode, k.kind == kind, k.met_at.is_(None)).values(met_at=world)).rowcount > 0


def apply_in(c: Connection, change: Change, world: datetime) -> int:
    """Everything of a change, inside an open transaction."""
    incident_id = _incident_row(c, change, world)
    if change.cancels:
        o = t.outbox.c
        c.execute(sa.update(t.outbox).where(o.incident_id == incident_id, o.state == OutboxState.PENDING.value)
                  .values(state=OutboxState.CANCELLED.value, answer="acknowledged, raised or closed before it was due"))
    of = dict(incident_id=incident_id, episode=change.episode)
    if change.clocks:
        c.execute(_NEW_CLOCK, [{**of, **vars(clock)} for clock in change.clocks])
    if change.tasks:
        c.execute(_NEW_TASK, [{**of, "evidence": [], **vars(task)} for task in change.tasks])
    for kind, due in change.redue.items():
        k = t.clocks.c
        c.execute(sa.update(t.clocks).where(k.incident_id == incident_id, k.episode == change.episode, k.kind == kind, k.met_at.is_(None), k.due_at > due).values(due_at=due))
    for kind in change.met:
        _meet(c, incident_id, change.episode, kind, world)
    if change.breached:
        c.execute(sa.update(t.clocks).where(t.clocks.c.id.in_(change.breached), t.clocks.c.breached_at.is_(None)).values(breached_at=world))
    for event in change.events:
        add_event(c, incident_id, event, world)
    if change.alerts:
        c.execute(_NEW_ALERT, [_outbox_row(incident_id, change.episode, alert, world) for alert in change.alerts])
    return incident_id


_NEW_CLOCK = sa.insert(t.clocks)
_NEW_TASK = sqlite_insert(t.tasks).on_conflict_do_nothing(index_elements=["incident_id", "episode", "line"])
_NEW_ALERT = sqlite_insert(t.outbox).on_conflict_do_nothing(index_elements=["key"])
_NEW_EVENT = sa.insert(t.events)
_LAST_DIGEST = sa.select(t.events.c.digest).where(t.events.c.incident_id == sa.bindparam("incident")).order_by(t.events.c.id.desc()).limit(1)


def _incident_row(c: Connection, change: Change, world: datetime) -> int:
    if change.incident_id is None:
        return new_id(c.execute(sa.insert(t.incidents).values(number=_number(c, world), **change.values)))
    i = t.incidents.c
    changed = c.execute(sa.update(t.incidents).where(i.id == change.incident_id, i.version == change.version)
                        .values(version=i.version + 1, **change.values)).rowcount
    if changed == 0:
        raise Conflict("The incident has changed since it was read; it is shown as it is now.")
    return change.incident_id


def _number(c: Connection, world: datetime) -> str:
    """MMDD-NN of the day in Shanghai; from the year's second lap on the year stands before it."""
    day = times.shanghai(world)
    prefix = day.strftime("%Y-%m%d-")
    used = c.execute(sa.select(sa.func.count()).where(t.incidents.c.number.startswith(prefix))).scalar_one()
    return f"{prefix}{used + 1:02d}"


def _outbox_row(incident_id: int, episode: int, alert: NewAlert, world: datetime) -> dict[str, Any]:
    return dict(
        key=notification_key(incident_id, episode, alert), incident_id=incident_id, episode=episode, grade=int(alert.grade),
        reason=alert.reason.value, step=alert.step, ordinal=alert.ordinal, person=alert.receiver.person, channel=alert.receiver.channel,
        mobile=alert.receiver.mobile, body=dict(alert.body), created_at=world, due_at=alert.due_at, saved_at=times.machine())


def add_event(c: Connection, incident_id: int, event: NewEvent, world: datetime) -> None:
    """Append to the timeline; each event's digest covers the one before it, so that a later change shows."""
    before = c.execute(_LAST_DIGEST, {"incident": incident_id}).scalar() or ""
    row = [incident_id, event.happened_at.isoformat(), world.isoformat(), event.kind, event.by, dict(event.values)]
    digest = hashlib.sha256((before + json.dumps(row, ensure_ascii=False, sort_keys=True)).encode("utf-8", "surrogatepass")).hexdigest()
    c.execute(_NEW_EVENT, dict(incident_id=incident_id, happened_at=event.happened_at, known_at=world, kind=event.kind, by=event.by,
                               values=dict(event.values), digest=digest))


def incident_from_row(r: Mapping[Any, Any]) -> Incident:
    plain = ("id", "number", "story_id", "brand", "title", "episode", "opened_at", "first_appeared", "closed_at", "playbook", "owner", "acked_by",
             "acked_at", "ack_until", "step", "round", "chain_from", "next_step_at", "first_told_at", "next_repeat_at", "graded_at", "lower_since",
             "brief", "version")
    return Incident(
        **{name: r[name] for name in plain}, grade=Grade(r["grade"]), stage=Stage(r["stage"]),
        acked_grade=None if r["acked_grade"] is None else Grade(r["acked_grade"]), reasons=_reasons(r["reasons"]), holds_back=_reasons(r["holds_back"]),
        chain=tuple(Step(after=timedelta(seconds=s["after"]), people=tuple(s["people"]), label=s["label"]) for s in r["chain"]))


def _reasons(rows: Sequence[Mapping[str, Any]]) -> tuple[GradeReason, ...]:
    return tuple(GradeReason(code=r["code"], grade=Grade(r["grade"]), values=r["values"]) for r in rows)


def clock_from_row(r: Mapping[Any, Any]) -> Clock:
    return Clock(**{name: r[name] for name in Clock.__dataclass_fields__})


def task_from_row(r: Mapping[Any, Any]) -> Task:
    return Task(**{**{name: r[name] for name in Task.__dataclass_fields__}, "evidence": tuple(r["evidence"])})

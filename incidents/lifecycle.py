"""What becomes of an incident: opened, raised, lowered, escalated, acknowledged, closed. Pure.

Every function returns a ``Change`` (or None): what one ledger transaction must do. The notification
keys make a second run of the same step a no-op.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from incidents import clocks
from incidents.clocks import NewClock
from incidents.errors import Conflict, Refused
from incidents.model import (
    Clock,
    Grade,
    GradeReason,
    Incident,
    Reason,
    Receiver,
    Stage,
    Step,
    Story,
    Task,
    Verdict,
)
from incidents.settings import GradeSettings, GradesSettings

REFIRE_WITHIN = timedelta(hours=72)
MAX_ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    kind: str
    by: str
    happened_at: datetime
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class NewTask:
    line: str
    pillar: str
    title: str
    role: str
    due_at: datetime | None
    due_words: str
    evidence_kind: str
    evidence_hint: str
    help: str
    seed: str


@dataclass(frozen=True, kw_only=True)
class NewAlert:
    """One outbox row, but for the incident's id and key, which the ledger adds."""

    grade: Grade
    reason: Reason
    receiver: Receiver
    step: int
    ordinal: int
    due_at: datetime
    body: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One transaction's worth. ``incident_id`` None opens an incident; ``version`` is the one decided on."""

    incident_id: int | None
    version: int | None
    values: Mapping[str, Any]
    episode: int
    events: tuple[NewEvent, ...] = ()
    clocks: tuple[NewClock, ...] = ()
    tasks: tuple[NewTask, ...] = ()
    alerts: tuple[NewAlert, ...] = ()
    met: tuple[str, ...] = ()  # clock kinds kept now
    breached: tuple[int, ...] = ()  # clock ids
    redue: Mapping[str, datetime] = field(default_factory=dict)  # clock kind → earlier due time
    cancels: bool = False  # pending escalation alerts of the incident


@dataclass(frozen=True, kw_only=True)
class Telling:
    """Who is told, on what, by which times. ``receivers`` maps a login to their channels, best first.

    ``keepers`` are the logins that mend sources and channels (admins and coordinators).
    """

    grades: GradesSettings
    chains: Mapping[Grade, tuple[Step, ...]]
    receivers: Mapping[str, tuple[Receiver, ...]]
    keepers: tuple[str, ...] = ()

    def times(self, grade: Grade) -> GradeSettings:
        return self.grades.of(grade.code)

    def to(self, people: Sequence[str], grade: Grade = Grade.RED) -> tuple[Receiver, ...]:
        """橙 and 红 ring on every channel of a person; 蓝 and 黄 on the best one (the next takes over when it fails)."""
        every = None if grade >= Grade.ORANGE else 1
        seen: dict[tuple[str, str], Receiver] = {}
        for login in people:
            for receiver in self.receivers.get(login, ())[:every]:
                seen.setdefault((receiver.person, receiver.channel), receiver)
        return tuple(seen.values())


def notification_key(incident: int, episode: int, alert: NewAlert, salt: str = "") -> str:
    """The unique key that makes telling the same thing twice impossible: a second insert is a no-op."""
    parts = (incident, episode, int(alert.grade), alert.reason.value, alert.ordinal, alert.receiver.person, alert.receiver.channel, alert.step, salt)
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:40]


def follow(*, story: Story, verdict: Verdict, incident: Incident | None, brief: Mapping[str, Any], playbook: str,
           tasks: Sequence[NewTask], telling: Telling, now: datetime) -> Change | None:
    """What the verdict on a stirred story changes. ``incident`` is the story's newest one, open or closed."""
    if incident is not None and incident.is_open:
        if verdict.grade > incident.grade:
            return _raise(incident, verdict, brief, telling, now)
        if verdict.grade < incident.grade:
            return _lower(incident, verdict, brief, telling, now)
        return _keep(incident, verdict, brief)
    if verdict.grade == Grade.NONE:
        return None
    if incident is not None and incident.closed_at is not None and now - incident.closed_at <= REFIRE_WITHIN:
        return _open(story, verdict, brief, playbook, tasks, telling, now, again=incident)
    return _open(story, verdict, brief, playbook, tasks, telling, now, again=None)


def _open(story: Story, verdict: Verdict, brief: Mapping[str, Any], playbook: str, tasks: Sequence[NewTask], telling: Telling,
          now: datetime, *, again: Incident | None) -> Change:
    times = telling.times(verdict.grade)
    episode = 1 if again is None else again.episode + 1
    appeared = story.first_appeared if again is None else now
    values: dict[str, Any] = dict(
        story_id=story.id, brand=story.brand, title=story.title, stage=Stage.PREVENT.value, episode=episode, opened_at=now,
        first_appeared=appeared, closed_at=None, playbook=playbook, first_told_at=now, lower_since=None,
        **_graded(verdict, brief, now), **_unacknowledged(verdict.grade, telling, now))
    return Change(
        incident_id=None if again is None else again.id, version=None if again is None else again.version, values=values, episode=episode,
        events=(*_appearance(story, again), NewEvent(kind="opened", by="yujing", happened_at=now, values=_grade_values(verdict))),
        clocks=clocks.start(appeared=appeared, known=now, times=times), tasks=tuple(tasks),
        alerts=_tell(telling, _first_people(telling, verdict.grade), verdict.grade, _opening_reason(verdict), brief, due=now + times.group_wait, step=0))


def _appearance(story: Story, again: Incident | None) -> tuple[NewEvent, ...]:
    if again is not None:
        return ()
    return (NewEvent(kind="appeared", by="yujing", happened_at=story.first_appeared, values={"title": story.title, "platforms": list(story.platforms)}),)


def _raise(incident: Incident, verdict: Verdict, brief: Mapping[str, Any], telling: Telling, now: datetime) -> Change:
    """Raising is immediate; it voids the acknowledgement, and whoever had it is told with the others."""
    times = telling.times(verdict.grade)
    people = (*_first_people(telling, verdict.grade), *((incident.acked_by,) if incident.acked_by else ()))
    values = dict(lower_since=None, first_told_at=now, **_graded(verdict, brief, now), **_unacknowledged(verdict.grade, telling, now))
    voided = (NewEvent(kind="acknowledgement_void", by="yujing", happened_at=now, values={"person": incident.acked_by}),) if incident.acked_by else ()
    reason = Reason.FORECAST if _opening_reason(verdict) is Reason.FORECAST else Reason.RAISED
    return Change(
        incident_id=incident.id, version=incident.version, episode=incident.episode, values=values, cancels=True,
        events=(NewEvent(kind="raised", by="yujing", happened_at=now, values={"from": int(incident.grade), **_grade_values(verdict)}), *voided),
        redue={"first_statement": incident.first_appeared + times.first_response},
        alerts=_tell(telling, people, verdict.grade, reason, brief, due=now + times.group_wait, step=0, ordinal=_minute(now)))


def _lower(incident: Incident, verdict: Verdict, brief: Mapping[str, Any], telling: Telling, now: datetime) -> Change | None:
    """Lowering waits for the hold time of the grade, and never falls below 蓝 by itself; 红 needs a person."""
    times = telling.times(incident.grade)
    target = max(verdict.grade, Grade.BLUE)
    if target == incident.grade or times.lowering_needs_person:
        return _keep(incident, verdict, brief, keep_reasons=True)
    if incident.lower_since is None:
        return Change(incident_id=incident.id, version=incident.version, episode=incident.episode, values=dict(lower_since=now, brief=refreshed(incident.brief, brief)))
    if now - incident.lower_since < times.lower_after:
        return _keep(incident, verdict, brief, keep_reasons=True)
    lowered = Verdict(grade=target, reasons=verdict.reasons, holds_back=verdict.holds_back)
    values = dict(lower_since=None, **_graded(lowered, brief, now))
    people = (incident.acked_by,) if incident.acked_by else _first_people(telling, target)
    return Change(
        incident_id=incident.id, version=incident.version, episode=incident.episode, values=values,
        events=(NewEvent(kind="lowered", by="yujing", happened_at=now, values={"from": int(incident.grade), **_grade_values(lowered)}),),
        alerts=_tell(telling, people, target, Reason.LOWERED, brief, due=now + telling.times(target).group_wait, step=0, ordinal=_minute(now)))


WAVERING = ("forecast", "attention", "speed")  # reasons that come and go with every count are no evidence of their own


def _keep(incident: Incident, verdict: Verdict, brief: Mapping[str, Any], *, keep_reasons: bool = False) -> Change | None:
    """The grade stays; newly named reasons go on the timeline, the brief is refreshed."""
    fresh = refreshed(incident.brief, brief)
    values: dict[str, Any] = {} if same_brief(fresh, incident.brief) else {"brief": fresh}
    events: tuple[NewEvent, ...] = ()
    if not keep_reasons:
        known = {reason.code for reason in incident.reasons}
        added = [reason for reason in verdict.reasons if reason.code not in known and not reason.code.startswith(WAVERING)]
        if added:
            events = (NewEvent(kind="new_evidence", by="yujing", happened_at=brief_time(brief), values={"reasons": _as_json(added)}),)
        if _as_json(verdict.reasons) != _as_json(incident.reasons) or incident.lower_since is not None:
            values |= dict(reasons=_as_json(verdict.reasons), holds_back=_as_json(verdict.holds_back), lower_since=None)
    if not values and not events:
        return None
    return Change(incident_id=incident.id, version=incident.version, episode=incident.episode, values=values, events=events)


PROMISED = ("first_task", "next")  # dated when the grade was given; a later look must not move them


def refreshed(before: Mapping[str, Any], brief: Mapping[str, Any]) -> dict[str, Any]:
    """The newer brief, with the promises that were made with the grade."""
    return {**brief, **{name: before[name] for name in PROMISED if name in before}}


def same_brief(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Do both say the same? When it was said (``at``) does not count: a look that finds nothing new changes nothing."""
    return {**a, "at": None} == {**b, "at": None}


def brief_time(brief: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(brief["at"])


def advance(incident: Incident, telling: Telling, now: datetime) -> Change | None:
    """One overdue thing of an incident: an acknowledgement that ran out, the next step, a repeat."""
    if not incident.is_open:
        return None
    if incident.ack_until is not None and incident.ack_until <= now:
        return _expire(incident, telling, now)
    if incident.acked_by is None and incident.next_step_at is not None and incident.next_step_at <= now:
        return _step(incident, telling, now)
    if incident.next_repeat_at is not None and incident.next_repeat_at <= now:
        return _repeat(incident, telling, now)
    return None


def _expire(incident: Incident, telling: Telling, now: datetime) -> Change:
    people = (*_first_people(telling, incident.grade), incident.acked_by or "")
    return Change(
        incident_id=incident.id, version=incident.version, episode=incident.episode, values=_unacknowledged(incident.grade, telling, now),
        events=(NewEvent(kind="acknowledgement_expired", by="yujing", happened_at=now, values={"person": incident.acked_by}),),
        alerts=_tell(telling, people, incident.grade, Reason.ACK_EXPIRED, incident.brief, due=now, step=0, ordinal=_minute(now)))


def _step(incident: Incident, telling: Telling, now: datetime) -> Change:
    chain = incident.chain
    step, round_ = incident.step + 1, incident.round
    if step >= len(chain):  # the chain is through: the next round begins
        step, round_ = 0, round_ + 1
    following, following_at = _after(chain, step, round_, incident.chain_from, telling.times(incident.grade), now)
    values = dict(step=step, round=round_, next_step_at=following_at, chain_from=following)
    people = chain[step].people
    # The minute, not the round: after an acknowledgement that ran out the chain is walked again, and must ring again.
    return Change(
        incident_id=incident.id, version=incident.version, episode=incident.episode, values=values,
        events=(NewEvent(kind="escalated", by="yujing", happened_at=now, values={"step": step, "round": round_, "people": list(people)}),),
        alerts=_tell(telling, people, incident.grade, Reason.STEP, incident.brief, due=now, step=step, ordinal=_minute(now)))


def _after(chain: Sequence[Step], step: int, round_: int, chain_from: datetime, times: GradeSettings, now: datetime) -> tuple[datetime, datetime | None]:
    """(when the running round began, when the next step is due). A round of 红 is followed by the next, at most five."""
    began = now if step == 0 and round_ > 0 else chain_from
    if step + 1 < len(chain):
        return began, began + chain[step + 1].after
    rounds = MAX_ROUNDS if times.lowering_needs_person else 1
    if round_ + 1 < rounds and times.acknowledge_within is not None:
        return began, now + times.acknowledge_within
    return began, None


def _repeat(incident: Incident, telling: Telling, now: datetime) -> Change:
    times = telling.times(incident.grade)
    every = times.repeat if incident.acked_by is None else times.repeat_acknowledged
    told = incident.first_told_at or incident.opened_at
    ordinal = 0 if every is None else int((now - told) / every)
    slot = told if every is None else told + every * ordinal  # the same for whoever computes it, never that of an earlier acknowledgement
    people = (incident.acked_by,) if incident.acked_by else tuple(p for s in incident.chain[: incident.step + 1] for p in s.people)
    return Change(
        incident_id=incident.id, version=incident.version, episode=incident.episode,
        values=dict(next_repeat_at=None if every is None else told + every * (ordinal + 1)),
        alerts=() if every is None else _tell(telling, people, incident.grade, Reason.REPEAT, incident.brief, due=now, step=incident.step, ordinal=_minute(slot)))


def breach(incident: Incident, late: Sequence[Clock], telling: Telling, now: datetime) -> Change:
    """Clocks that ran out: each is an event, together they are one alert to whoever has the incident.

    No alert for 蓝, which asks for no acknowledgement, nor for a clock that was past when the incident opened
    (a late discovery): the alert that opened it says so.
    """
    people = (incident.acked_by,) if incident.acked_by else _first_people(telling, incident.grade)
    new = [clock for clock in late if clock.due_at > incident.opened_at] if incident.grade > Grade.BLUE else []
    return Change(
        incident_id=incident.id, version=incident.version, episode=incident.episode, values={}, breached=tuple(clock.id for clock in late),
        events=tuple(NewEvent(kind="clock_breached", by="yujing", happened_at=clock.due_at, values={"clock": clock.kind}) for clock in late),
        alerts=_tell(telling, people, incident.grade, Reason.CLOCK, {**incident.brief, "clocks": [clock.kind for clock in new]}, due=now,
                     step=incident.step, ordinal=min(clock.id for clock in new)) if new else ())


def acknowledge(incident: Incident, person: str, seen_grade: Grade, telling: Telling, now: datetime) -> Change:
    """A person's word that they have it. Bound to the grade: who saw another grade must look again.

    Raises:
        Refused: the incident is closed.
        Conflict: the grade is not the one the person saw.
    """
    if not incident.is_open:
        raise Refused("The incident is closed; there is nothing to take over.")
    if incident.grade != seen_grade:
        raise Conflict("The grade has changed since this page was opened; look at it again, then take it.")
    times = telling.times(incident.grade)
    until = now + times.acknowledgement_lasts if times.acknowledgement_lasts else None
    values = dict(acked_by=person, acked_at=now, acked_grade=int(incident.grade), ack_until=until, next_step_at=None, owner=person,
                  next_repeat_at=now + times.repeat_acknowledged if times.repeat_acknowledged else None, first_told_at=now)
    return Change(incident_id=incident.id, version=incident.version, episode=incident.episode, values=values, cancels=True,
                  events=(NewEvent(kind="acknowledged", by=person, happened_at=now, values={"grade": int(incident.grade), "until": until.isoformat() if until else None}),))


def branch(incident: Incident, name: str, title: str, tasks: Sequence[NewTask], person: str, now: datetime) -> Change:
    """A person chooses a branch of the playbook: its lines join the list (a second time adds nothing)."""
    if not incident.is_open:
        raise Refused("The incident is closed; its list no longer changes.")
    return Change(incident_id=incident.id, version=incident.version, values={}, episode=incident.episode, tasks=tuple(tasks),
                  events=(NewEvent(kind="branch_chosen", by=person, happened_at=now, values={"branch": name, "title": title}),))


def close(incident: Incident, open_tasks: Sequence[Task], root_cause: str, person: str, telling: Telling, now: datetime) -> Change:
    """Raises Refused while a line of the checklist is open or the root cause is missing (S0-53)."""
    if open_tasks:
        raise Refused(f"{len(open_tasks)} lines of the checklist are open: do them or waive them with a reason.")
    if len(root_cause.strip()) < 4:
        raise Refused("Write the root cause before closing: what made it possible, not what was seen.")
    return Change(
        incident_id=incident.id, version=incident.version, episode=incident.episode, cancels=True,
        values=dict(closed_at=now, root_cause=root_cause.strip(), next_step_at=None, next_repeat_at=None, ack_until=None),
        events=(NewEvent(kind="closed", by=person, happened_at=now, values={"root_cause": root_cause.strip()}),),
        alerts=_tell(telling, (*_first_people(telling, incident.grade), person), incident.grade, Reason.RESOLVED, incident.brief, due=now, step=0,
                     ordinal=incident.episode))


def _tell(telling: Telling, people: Sequence[str], grade: Grade, reason: Reason, brief: Mapping[str, Any], *, due: datetime, step: int,
          ordinal: int = 0) -> tuple[NewAlert, ...]:
    return tuple(NewAlert(grade=grade, reason=reason, receiver=receiver, step=step, ordinal=ordinal, due_at=due, body=dict(brief))
                 for receiver in telling.to(people, grade))


def _first_people(telling: Telling, grade: Grade) -> tuple[str, ...]:
    chain = telling.chains[grade]
    return chain[0].people if chain else ()


def _opening_reason(verdict: Verdict) -> Reason:
    leading = [reason for reason in verdict.reasons if reason.grade == verdict.grade]
    foreseen = leading and all(reason.code.startswith("forecast") for reason in leading)
    return Reason.FORECAST if foreseen else Reason.FIRST


def _graded(verdict: Verdict, brief: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return dict(grade=int(verdict.grade), graded_at=now, reasons=_as_json(verdict.reasons), holds_back=_as_json(verdict.holds_back), brief=dict(brief))


def _unacknowledged(grade: Grade, telling: Telling, now: datetime) -> dict[str, Any]:
    """Nobody has it: the chain is copied and begins at its first step."""
    chain, times = telling.chains[grade], telling.times(grade)
    following = now + chain[1].after if len(chain) > 1 else None
    return dict(acked_by=None, acked_at=None, acked_grade=None, ack_until=None, step=0, round=0, chain_from=now, next_step_at=following,
                next_repeat_at=now + times.repeat, chain=[{"after": s.after.total_seconds(), "people": list(s.people), "label": s.label} for s in chain])


def _grade_values(verdict: Verdict) -> dict[str, Any]:
    return {"grade": int(verdict.grade), "reasons": _as_json(verdict.reasons)}


def _as_json(reasons: Sequence[GradeReason]) -> list[dict[str, Any]]:
    return [{"code": r.code, "grade": int(r.grade), "values": dict(r.values)} for r in reasons]


def _minute(now: datetime) -> int:
    """An ordinal for things that may happen again: the world minute. A re-run within it is the same alert."""
    return int(now.timestamp() // 60)

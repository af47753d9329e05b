"""The one sentence at the top: what burns, what I do first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dashboard import say as words
from dashboard.reads import Burning
from dashboard.say import of_playbook, say
from incidents.i18n import clock_time, number
from incidents.model import Grade, Incident, Task


def sentence(incidents: Sequence[Incident], shown: Sequence[Burning], mine: Sequence[Task], late: int, now: datetime) -> str:
    """``一件橙色仍在涨，一件黄色没人接。您先做：10:00 前发出第二次更新。`` ``mine`` are one's open lines, most pressing first."""
    state = say("list.clause").join(_states(incidents, shown))
    first = next((task for task in mine if task.due_at is not None), None)
    if first is None or first.due_at is None:
        return say("lede.only", state=state)
    if first.due_at <= now:
        return say("lede.overdue", state=state, n=late, task=of_playbook(first.title, 22))
    return say("lede.do", state=state, time=clock_time(first.due_at, now), task=of_playbook(first.title, 22))


def _states(incidents: Sequence[Incident], shown: Sequence[Burning]) -> list[str]:
    """At most two clauses: the gravest first; then those that nobody has."""
    gravest = max(one.grade for one in incidents)
    top = [one for one in incidents if one.grade == gravest]
    rising = [one for one in shown if one.incident.grade == gravest and (one.growth or 0) > 0]
    clauses = [_clause("lede.rising" if rising else "lede.burning", gravest, len(rising or top))]
    alone = [one for one in incidents if one.acked_by is None and one.grade > Grade.BLUE]
    if alone:
        grade = max(one.grade for one in alone)
        same = [one for one in alone if one.grade == grade]
        clauses = [_clause("lede.alone", grade, len(same))] if grade == gravest and len(same) == len(top) else [*clauses, _clause("lede.alone", grade, len(same))]
    return clauses


def _clause(key: str, grade: Grade, n: int) -> str:
    return say(key, n=words.counted(n, say("unit.incident")), grade=words.grade(grade))


def calm(today: int, inside: bool | None) -> str:
    """Nothing burns, and how one can tell."""
    key = "lede.calm_unknown" if inside is None else "lede.calm" if inside else "lede.calm_above"
    return say(key, n=number(today))

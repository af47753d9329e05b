"""Should an alert wait for the morning? Pure, with a named reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from incidents.model import Grade
from incidents.now import shanghai
from incidents.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Hush:
    """Not now: until when (aware), and why."""

    until: datetime
    why: str


def hush(grade: Grade, settings: Settings, now: datetime) -> Hush | None:
    """None when the alert may speak. 蓝 and 黄 obey the night (Asia/Shanghai) unless their settings say otherwise."""
    if grade == Grade.NONE or not settings.grades.of(grade.code).quiet_hours:
        return None
    morning = _night_ends(_clock(settings.quiet.begin), _clock(settings.quiet.end), now)
    return None if morning is None else Hush(until=morning, why="quiet_hours")


def _clock(text: str) -> time:
    hour, minute = text.split(":")
    return time(int(hour), int(minute))


def _night_ends(begin: time, end: time, now: datetime) -> datetime | None:
    """When the night that holds ``now`` ends; None by day, and always when begin and end are the same."""
    here = shanghai(now)
    clock = here.time()
    inside = begin <= clock < end if begin <= end else clock >= begin or clock < end
    if not inside:
        return None
    morning = datetime.combine(here.date(), end, here.tzinfo)
    return morning if morning > here else morning + timedelta(days=1)

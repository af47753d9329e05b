"""When to look again: at a mention for new counts, at a list for new mentions. Pure, in world time.

About 25 visits a mention in its first week against 2 016 at a fixed five minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from incidents.model import METRICS
from incidents.store.door import Visit

SHARE_OF_AGE, SHARE_WHILE_HOT = 0.35, 0.15
SHORTEST, SHORTEST_HOT, LONGEST = timedelta(minutes=5), timedelta(minutes=2), timedelta(hours=24)
STOPS, STOPS_HOT = timedelta(days=7), timedelta(days=14)
CALM_VISITS, CALM_AFTER = 3, timedelta(hours=48)
GREW, STOOD = 0.5, 1.5  # the next wait is halved after growth, and half as long again after none
JITTER = 0.1
LIST_FASTEST = 4  # a list that brings news is read up to this much more often than asked
LIST_STEP = 8  # and each visit without news adds this part of the asked interval again


def next_visit(visit: Visit, chance: float) -> datetime | None:
    """When the counts of a mention are read again; None when it has come to rest or no brand is named in it.

    ``a · age · f`` between 5 min (2 min while an open incident names it) and 24 h, ± 10 %. It ends after 7 days
    (14 with an open incident) or after three visits without change once it is 48 h old.

    Args:
        visit: what was seen now and before.
        chance: a number in [0, 1) that spreads visits which would fall together.
    """
    age = max(visit.now - visit.published, timedelta(0))
    if not visit.matched or age > (STOPS_HOT if visit.hot else STOPS):
        return None
    if visit.unchanged >= CALM_VISITS and age > CALM_AFTER and not visit.hot:
        return None
    wait = age * (SHARE_WHILE_HOT if visit.hot else SHARE_OF_AGE) * pace(visit)
    wait = min(max(wait, SHORTEST_HOT if visit.hot else SHORTEST), LONGEST)
    return visit.now + wait * (1 + JITTER * (2 * chance - 1))


def pace(visit: Visit) -> float:
    """0.5 when interactions grew by more than max(5, 10 %), 1.5 when nothing changed, else 1."""
    if visit.unchanged:
        return STOOD
    if not visit.before:
        return 1.0
    before = interactions(visit.before)
    return GREW if interactions(visit.counts) - before > max(5.0, 0.1 * before) else 1.0


def interactions(counts: Mapping[str, int | None]) -> int:
    """Reposts, comments and likes together; views only where nothing else is counted."""
    acts = [counts.get(name) for name in METRICS if name != "views"]
    known = [count for count in acts if count is not None]
    return sum(known) if known else counts.get("views") or 0


def next_interval(current: timedelta | None, asked: timedelta, *, found_new: bool, floor: timedelta | None = None) -> timedelta:
    """How long a list rests: halved when it brought news, longer step by step when not (AIMD, Chiu and Jain 1989).

    Never longer than ``asked`` (the source's ``every``), never shorter than a quarter of it, nor than ``floor``
    (the feed's own <ttl>).
    """
    now = asked if current is None else current
    after = now / 2 if found_new else now + asked / LIST_STEP
    bounded = min(max(after, asked / LIST_FASTEST), asked)
    return max(bounded, floor) if floor is not None else bounded

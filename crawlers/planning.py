"""What a page makes us read next, and how a trip's job ends. Pure: values in, plans and outcomes out.

An entry is *settled* when it was known as the last complete visit ended and has not grown; on a page of those alone
(pinned entries aside) reading stops early. A visit that broke off on page 2 is read through the next time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from crawlers.parse.result import PageResult
from crawlers.retry import JOB_LONGEST, job_again
from crawlers.revisit import next_interval
from crawlers.trips import Trip
from incidents.model import Follow, Health
from incidents.store.door import Known, Plan
from incidents.store.fetches import FetchJob, Outcome, Standing

FOLLOWED = 5  # priority of threads and articles: after lists (10), before revisits (0)
MISSING_AGAIN = timedelta(hours=1)  # a page that is not found is looked for once more before it counts as gone


def last_complete(job: FetchJob) -> datetime | None:
    """When the last visit of a list ended, None when it did not come to its end.

    Every lease raises the job's token by one, so a lease that nobody finished leaves a gap.
    """
    read_at, token = job.payload.get("read_at"), job.payload.get("token")
    if job.attempts or not isinstance(read_at, str) or token != job.token - 1:
        return None
    return datetime.fromisoformat(read_at)


def plan(result: PageResult, *, known: Mapping[str, Known], standing: Mapping[str, Standing], before: datetime | None,
         world: datetime) -> tuple[list[Plan], frozenset[str]]:
    """What to read because of this page, and which of its entries are not settled.

    Args:
        known: the listed mentions that the ledger holds already, by key.
        standing: the jobs that the followed addresses have already, by address.
        before: when the last complete visit of this list ended, None when there was none.
    """
    replies = {snapshot.key: snapshot.comments for snapshot in result.snapshots}
    plans: list[Plan] = []
    unsettled = {mention.key for mention in result.mentions if not _is_old(known.get(mention.key), before)}
    for one in result.follow:
        made = _plan_one(one, known, standing.get(one.url), replies.get(one.key or ""), world)
        if made is not None:
            plans.append(made)
            unsettled.add(one.key or one.url)
    return plans, result.entries if before is None else frozenset(unsettled)


def _is_old(known: Known | None, before: datetime | None) -> bool:
    return known is not None and before is not None and known.first_seen <= before


def _plan_one(one: Follow, known: Mapping[str, Known], standing: Standing | None, replies: int | None, world: datetime) -> Plan | None:
    if one.kind == "thread":
        if standing is not None and (replies is None or standing.payload.get("seen") == replies):
            return None
        return Plan(follow=one, due_at=world, priority=FOLLOWED, payload={"seen": replies, "key": one.key}, again=standing is not None)
    if one.kind == "article" and standing is None and one.key not in known:
        return Plan(follow=one, due_at=world, priority=FOLLOWED)
    if one.kind == "list" and (standing is None or standing.ended):
        return Plan(follow=one, due_at=world, priority=FOLLOWED, again=standing is not None)
    return None


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the end of a trip depends on beside the trip itself. ``interval`` is the list's current one."""

    every: timedelta
    interval: timedelta | None
    standing_list: bool  # the source's own list, read for ever; other lists (sitemaps) are read once a plan
    counted: bool  # the page of a revisit gave new counts
    next_visit: datetime | None  # what the revisit policy said of them; None when it has come to rest
    world: datetime


def interval_after(trip: Trip, terms: Terms) -> timedelta:
    """How long the list rests now."""
    stated = trip.answer.get("ttl_s")
    floor = timedelta(seconds=int(stated)) if stated else None
    return next_interval(terms.interval, terms.every, found_new=trip.stored + trip.planned > 0, floor=floor)


def is_missing(trip: Trip) -> bool:
    return trip.status in (404, 410)


def was_missing(trip: Trip) -> bool:
    """True when the page was not found the last time either."""
    return bool(trip.job is not None and trip.job.payload.get("missing"))


def outcome_of(trip: Trip, terms: Terms) -> Outcome:
    """How the trip's job ends and when it is due again."""
    state = trip.state()
    if trip.kind == "list":
        return _end_of_list(trip, terms, failed=state.broken)
    if is_missing(trip):
        return _missing(trip, terms)
    if state.broken or trip.fault is not None or (state.health is Health.CHANGED and trip.stored == 0 and not trip.met):
        return _failed(trip, terms)
    if trip.kind == "thread":
        return _end_of_thread(trip, terms)
    if trip.kind == "revisit" and not trip.gone:
        return _done(trip, "read" if terms.next_visit else "calm", terms.next_visit) if terms.counted else _failed(trip, terms)
    return _done(trip, "gone" if trip.gone else "read", None)


def _done(trip: Trip, code: str, due: datetime | None, payload: Mapping[str, Any] | None = None, *, failed: bool = False) -> Outcome:
    return Outcome(code=code, next_due=due, pages=trip.pages, found=trip.found, new=trip.stored, detail=trip.detail, failed=failed, payload=payload)


def _end_of_list(trip: Trip, terms: Terms, *, failed: bool) -> Outcome:
    """The source's own list comes back for ever: the breaker decides when, after failures."""
    if failed or trip.fault is not None:
        again = job_again(trip.job.attempts if trip.job else 0, terms.world) or terms.world + JOB_LONGEST
        return _done(trip, trip.state().reason, again if terms.standing_list else None, failed=True)
    due = terms.world + interval_after(trip, terms) if terms.standing_list else None
    return _done(trip, "unchanged" if trip.status == 304 else trip.state().reason if trip.state().health.blind else "read", due, _read_through(trip, terms))


def _read_through(trip: Trip, terms: Terms) -> dict[str, Any] | None:
    """What a complete visit leaves for the next; None (nothing is noted) when a page could not be read."""
    if trip.job is None or trip.state().health.blind:
        return None
    validators = {name: trip.answer.get(name) or trip.job.payload.get(name, "") for name in ("etag", "modified")}
    span = len(trip.met) if trip.deep else 0
    return {"read_at": terms.world.isoformat(), "token": trip.job.token, "span": span, **(validators if trip.status == 304 else {name: trip.answer.get(name, "") for name in validators})}


def _end_of_thread(trip: Trip, terms: Terms) -> Outcome:
    """A thread is done until its replies grow; the page that was the last is where the next trip begins."""
    kept = {name: trip.job.payload[name] for name in ("seen", "key") if trip.job and name in trip.job.payload}
    payload = {**kept, "at": trip.more_url or trip.last_url or trip.url}
    return _done(trip, "more" if trip.more_url else "read", terms.world if trip.more_url else None, payload)


def _missing(trip: Trip, terms: Terms) -> Outcome:
    if trip.kind == "article" or was_missing(trip):
        return _done(trip, "gone", None)
    payload = {**(trip.job.payload if trip.job else {}), "missing": 1}
    return _done(trip, "missing", terms.world + MISSING_AGAIN, payload)


def _failed(trip: Trip, terms: Terms) -> Outcome:
    due = job_again(trip.job.attempts if trip.job else 0, terms.world)
    return _done(trip, trip.state().reason if due else "given_up", due, failed=True)

"""One source's desk in the crawl worker: takes pages to the ledger, ends jobs, says how the source does."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from crawlers.health import History, Range, Seen, judge
from crawlers.parse.result import TRUNCATED, PageResult
from crawlers.planning import Terms, interval_after, is_missing, last_complete, outcome_of, plan, was_missing
from crawlers.retry import breaker_until
from crawlers.revisit import next_visit
from crawlers.trips import Kept, Trip
from incidents import now
from incidents.brands import Matcher
from incidents.errors import LeaseLost, SettingsError
from incidents.model import Health
from incidents.settings import Settings, SourceSettings
from incidents.store.door import Receipt, Visit
from incidents.store.fetches import FetchJob, Outcome
from incidents.store.ledger import Ledger
from incidents.store.sources import SourceState

T = TypeVar("T")
log = logging.getLogger(__name__)

# One writer a process: SQLite lets waiting writers sleep up to 100 ms at a time, so threads that queue for it lose
# most of their time (126 pages on a busy machine: 15 s with a thread a page, 7.5 s with this one).
WRITER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="crawl-writer")
PUT_OFF = timedelta(seconds=2)  # machine: how soon what could not be run now is offered again
A_DAY, A_WHILE = timedelta(days=1), timedelta(hours=1)
BROKEN = (Health.UNREACHABLE, Health.BLOCKED, Health.AUTH_REQUIRED)


@dataclass(kw_only=True)
class Desk:
    """The keeper of one crawl (``crawlers.trips.Keeper``), writing to the ledger."""

    ledger: Ledger
    settings: Settings
    source: SourceSettings
    platform: str = ""
    visits: list[Seen] = field(default_factory=list)
    due: dict[int, datetime | None] = field(default_factory=dict)  # job id → what the revisit policy said
    newest: datetime | None = None
    interval: timedelta | None = None
    interval_s: int | None = None  # the list's interval before this crawl
    asked_to_wait: float = 0.0

    @cached_property
    def _matcher(self) -> Matcher:
        wanted = self.source.brands
        return Matcher([brand for brand in self.settings.brands if not wanted or brand.id in wanted])

    def _state(self) -> SourceState:
        found = self.ledger.sources.one(self.source.id)
        assert found is not None, self.source.id
        return found

    def choose(self, jobs: Sequence[FetchJob]) -> tuple[list[FetchJob], int]:
        """The jobs that may run now and the requests they may make; the others are put off.

        A source that failed is tried with one probe; a source whose budget of the day is spent waits for midnight.
        """
        state, world = self._state(), now.world()
        self.interval_s = state.interval_s
        left = self.source.daily_requests - (state.requests_today if state.day == _day(world) else 0)
        if left <= 0:
            log.info("%s: the %d requests of today are spent", self.source.id, self.source.daily_requests)
            self.ledger.fetches.put_off(jobs, _midnight(world))
            return [], 0
        if state.failures == 0 or len(jobs) == 1:
            return list(jobs), left
        probe = min(jobs, key=lambda job: job.kind != "list")
        self.ledger.fetches.put_off([job for job in jobs if job is not probe], self._soon())
        return [probe], left

    def refuse(self, jobs: Sequence[FetchJob], health: Health, reason: str) -> None:
        """Jobs that nobody here can run before the settings change."""
        self.ledger.fetches.put_off(jobs, now.world() + A_WHILE)
        self.ledger.sources.report(self.source.id, health, reason, now.world())

    def has_cookie(self) -> bool:
        """False when the settings name a cookie whose secret is not set."""
        try:
            self.settings.secret(self.source.cookie)
        except SettingsError as error:
            log.warning("%s: %s", self.source.id, error)
            return False
        return True

    def trip(self, job: FetchJob) -> Trip:
        """The way that a job is gone: a thread from where it was left, a list with its validators."""
        headers: dict[str, str] = {}
        if cookie := self.settings.secret(self.source.cookie):
            headers["Cookie"] = cookie
        if job.kind == "list" and last_complete(job) is not None:
            headers |= {name: str(job.payload[key]) for name, key in (("If-None-Match", "etag"), ("If-Modified-Since", "modified")) if job.payload.get(key)}
        at = job.payload.get("at") if job.kind == "thread" else None
        return Trip(kind=job.kind, url=str(at or job.url), job=job, headers=headers, most_pages=self.source.max_pages,
                    span=int(job.payload.get("span", 0)) if job.kind == "list" else 0)

    async def unknown(self, keys: frozenset[str]) -> frozenset[str]:
        return keys - (await in_writer(self.ledger.door.known, keys)).keys()

    async def keep(self, trip: Trip, result: PageResult) -> Kept:
        return await in_writer(self._keep, trip, result)

    async def end(self, trip: Trip) -> None:
        await in_writer(self._end, trip)

    def _keep(self, trip: Trip, result: PageResult) -> Kept:
        """One page, one transaction."""
        world = now.world()
        known = self.ledger.door.known(result.entries)
        standing = self.ledger.fetches.standing(self.source.id, {one.url for one in result.follow if one.kind != "longtext"}) if result.follow else {}
        plans, unsettled = plan(result, known=known, standing=standing, before=last_complete(trip.job), world=world)
        cut = {mention.key for mention in result.mentions if TRUNCATED in mention.flags and mention.key in known}
        settled = trip.weigh(result.entries - result.pinned, unsettled)
        following = trip.onward(result, settled=settled)
        trip.planned += len(plans)
        try:
            self.ledger.door.save(
                source=self.source.id, platform=self.platform, tier=self.source.tier, snapshots=result.snapshots, follow=plans, gone=result.gone,
                mentions=[mention for mention in result.mentions if mention.key not in cut],  # a cut text is no new wording
                matcher=self._matcher, world=world, schedule=lambda visit: self._next_visit(trip, visit), job=trip.job,
                outcome=lambda receipt: self._outcome(trip, receipt, last=following is None),
            )
        except LeaseLost as error:
            log.info("%s: %s", self.source.id, error)
            following = None
        trip.ended = following is None
        return Kept(following=following)

    def _outcome(self, trip: Trip, receipt: Receipt, *, last: bool) -> Outcome | None:
        """Count what the page brought; on the last page, how the job ends, in the page's own transaction."""
        for rejected in receipt.rejected:
            log.warning("%s: rejected %s", self.source.id, rejected)
        trip.stored += receipt.stored
        if receipt.stored:
            heard = receipt.newest or now.world()
            self.newest = heard if self.newest is None else max(self.newest, heard)
        return outcome_of(trip, self._terms(trip)) if last else None

    def _next_visit(self, trip: Trip, visit: Visit) -> datetime | None:
        due = next_visit(visit, random.random())
        if trip.kind == "revisit" and visit.mention_id == trip.job.mention_id:
            self.due[trip.job.id] = due
        return due

    def _end(self, trip: Trip) -> None:
        """Note what the trip saw; end its job, where its last page has not done so."""
        world = now.world()
        if is_missing(trip) and was_missing(trip):
            self._bury(trip, world)
        if trip.kind == "list" and trip.job.url == self.source.url:
            self.interval = interval_after(trip, self._terms(trip))
        self.visits.append(trip.seen())
        self.asked_to_wait = max(self.asked_to_wait, trip.retry_after or 0.0)
        if not trip.ended:
            self._finish(trip, outcome_of(trip, self._terms(trip)), world)
        trip.ended = True

    def _terms(self, trip: Trip) -> Terms:
        seconds = self.interval_s
        return Terms(every=self.source.every, interval=timedelta(seconds=seconds) if seconds else None, standing_list=trip.job.url == self.source.url,
                     counted=trip.job.id in self.due, next_visit=self.due.get(trip.job.id), world=now.world())

    def _bury(self, trip: Trip, world: datetime) -> None:
        key = trip.job.payload.get("key") or self.ledger.door.key_of(trip.job.mention_id)
        if key:
            self.ledger.door.save(source=self.source.id, platform=self.platform, tier=self.source.tier, mentions=(), snapshots=(),
                                  matcher=self._matcher, world=world, gone=(str(key),))

    def _finish(self, trip: Trip, outcome: Outcome, world: datetime) -> None:
        try:
            self.ledger.fetches.finish(trip.job, outcome, world)
        except LeaseLost as error:
            log.info("%s: %s", self.source.id, error)

    def close(self, trips: Sequence[Trip], requests: int) -> None:
        """After the crawl: what did not run is put off, the budget is charged, the source's state is told."""
        for trip in trips:
            if not trip.ended and trip.pages + (trip.status or 0) > 0 and not trip.undone:
                trip.fault = trip.fault or "parser"  # it broke in our hands: counted, so that it does not come back for ever
                self._end(trip)
        world = now.world()
        self.ledger.fetches.put_off([trip.job for trip in trips if not trip.ended], self._soon())
        self.ledger.sources.spend(self.source.id, requests, _day(world))
        if self.visits:
            self._report(world)

    def _report(self, world: datetime) -> None:
        state = self._state()
        since, new = self.ledger.sources.heard(self.source.id, world - A_DAY)
        newest = max((at for at in (state.newest_at, self.newest) if at is not None), default=None)
        history = History(newest_at=newest, since=since, new_in_a_day=new if since is not None and since <= world - A_DAY else None)
        found = judge(self.visits, Range(min_a_day=self.source.min_a_day, longest_silence=self.source.longest_silence), history, world)
        broken = found.health in BROKEN
        changes = dict(fetched_at=world, newest_at=newest, failures=state.failures + 1 if broken else 0, next_try_at=self._next_try(state, world) if broken else None)
        if self.interval is not None:
            changes["interval_s"] = int(self.interval.total_seconds())
        if not found.health.blind:
            changes["good_at"] = world
        listed = any(seen.kind == "list" for seen in self.visits)
        if not listed and not broken and state.health is not Health.NEW:
            found = type(found)(health=state.health, reason=state.health_reason)  # single pages do not speak for the list
        before = self.ledger.sources.report(self.source.id, found.health, found.reason, world, **changes)
        if before is not found.health:
            log.log(logging.WARNING if found.health.blind else logging.INFO, "%s: %s → %s (%s)", self.source.id, before.value, found.health.value, found.reason)

    def _next_try(self, state: SourceState, world: datetime) -> datetime:
        asked = world + timedelta(seconds=self.asked_to_wait) * now.speed()
        return max(breaker_until(state.failures + 1, world), asked)

    def _soon(self) -> datetime:
        return now.world() + PUT_OFF * now.speed()


async def in_writer(call: Callable[..., T], *args: Any) -> T:
    """Run ``call`` in the thread that uses the ledger, and wait for it."""
    return await asyncio.get_running_loop().run_in_executor(WRITER, call, *args)


def _day(world: datetime) -> str:
    return now.shanghai(world).strftime("%Y-%m-%d")


def _midnight(world: datetime) -> datetime:
    """The coming midnight in Shanghai."""
    return now.shanghai(world).replace(hour=0, minute=0, second=0, microsecond=0) + A_DAY

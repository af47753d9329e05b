"""APScheduler as a clock only: it says when to look; what is due stands in the ledger.

Memory job store, ``misfire_grace_time=None, coalesce=True, max_instances=1``; every job is an idempotent
tick over due rows, done by whoever leads (a lease with a fencing token). A watchdog on the monotonic
clock makes the scheduler anew when the machine's clock has jumped (an APScheduler whose wall clock went
back an hour runs nothing for that hour).
"""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from types import TracebackType

from apscheduler.schedulers.background import BackgroundScheduler

from incidents import now
from incidents.errors import YujingError
from incidents.store.ledger import Ledger
from monitor import pipeline, story_forecasts, upkeep

log = logging.getLogger(__name__)

LEAD_LASTS = timedelta(seconds=15)
LOOK_EVERY = 1.0  # machine seconds between two looks at due clocks and steps
UPKEEP_EVERY = 30.0
FORESEE_EVERY = 5.0
WATCH_EVERY = 5.0
JUMP = 30.0  # a difference between wall and monotonic clock that is no drift


class Timetable:
    """Runs while its ``with`` block does."""

    def __init__(self, ledger: Ledger, tools: pipeline.Tools) -> None:
        self._ledger = ledger
        self._tools = tools
        self._scheduler: BackgroundScheduler | None = None
        self._ended = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name="timetable-watchdog", daemon=True)

    def __enter__(self) -> Timetable:
        self._begin()
        self._watchdog.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._watchdog.join(timeout=WATCH_EVERY + 1)
        self._end()
        self._ledger.yield_lead("timetable", self._tools.worker)

    def _begin(self) -> None:
        scheduler = BackgroundScheduler(timezone="UTC", job_defaults=dict(misfire_grace_time=None, coalesce=True, max_instances=1))
        scheduler.add_job(self._look, "interval", seconds=LOOK_EVERY, id="look")
        scheduler.add_job(self._keep_up, "interval", seconds=UPKEEP_EVERY, id="upkeep")
        scheduler.add_job(self._foresee, "interval", seconds=FORESEE_EVERY, id="stories")
        scheduler.start()
        self._scheduler = scheduler

    def _end(self) -> None:
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._scheduler = None

    def _leads(self) -> bool:
        return self._ledger.lead("timetable", self._tools.worker, now.machine(), LEAD_LASTS) is not None

    def _look(self) -> None:
        try:
            if self._leads():
                pipeline.advance(self._tools)
        except YujingError as error:
            log.warning("timetable: %s", error)

    def _keep_up(self) -> None:
        try:
            if self._leads():
                upkeep.tick(self._tools)
        except YujingError as error:
            log.warning("upkeep: %s", error)

    def _foresee(self) -> None:
        try:
            if self._leads():
                story_forecasts.tick(self._tools)
        except YujingError as error:
            log.warning("story forecasts: %s", error)

    def _watch(self) -> None:
        wall, steady = now.machine(), now.monotonic()
        while not self._ended.wait(WATCH_EVERY):
            passed = now.monotonic() - steady
            if abs((now.machine() - wall).total_seconds() - passed) > JUMP:
                log.warning("the machine's clock jumped; the timetable begins anew")
                self._end()
                self._begin()
            wall, steady = now.machine(), now.monotonic()

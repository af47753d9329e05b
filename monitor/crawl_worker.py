"""The crawl worker: leases due fetch jobs, runs one crawl for each source's share, keeps every page in the ledger.

One long-lived process and one reactor: a crawler made in here costs 9 ms of CPU, a process per crawl 0.8 s. Each page is one transaction through the door; its job ends after that, never before. Whatever a
dead worker held is leased again when its lease runs out.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

import psutil
from scrapy.crawler import AsyncCrawlerRunner, Crawler
from scrapy.settings import Settings as ScrapySettings
from scrapy.utils.reactor import install_reactor

from crawlers import settings as project
from crawlers.base import SourceSpider
from crawlers.parse.tree import site_of
from crawlers.robots import delay_of
from incidents import now
from incidents.errors import LedgerError, LedgerFailed, YujingError
from incidents.model import Health
from incidents.settings import Settings, SourceSettings
from incidents.store.fetches import FetchJob
from incidents.store.ledger import Ledger
from monitor.crawl_desk import Desk, in_writer

log = logging.getLogger(__name__)

STOPPED, RECYCLE = 0, 3  # exit codes; the supervisor starts the process again after either, if it should run
LEASE = timedelta(seconds=90)  # machine; renewed every third of it
PAUSE = 0.2  # seconds between two looks when nothing is due
PAUSE_AFTER_FAULT = 2.0
SIDE_BY_SIDE = 8  # sources read at the same time by one worker
SHARE = 20  # jobs of one source in one crawl
OLDEST_S, GROWN_BYTES = 6 * 3600.0, 700 * 2**20  # age, and memory beyond that at birth; then the process begins anew
STOP_WITHIN = 4.0  # seconds that running pages get to come to their end


class Stop(Protocol):
    def is_set(self) -> bool: ...


@dataclass(kw_only=True)
class Share:
    """The jobs of one source that are run together."""

    source: SourceSettings
    jobs: list[FetchJob]


@dataclass(kw_only=True)
class Worker:
    """What one process holds: its leases and the crawls that run."""

    settings: Settings
    ledger: Ledger
    name: str
    runner: AsyncCrawlerRunner
    born: float = field(default_factory=now.monotonic)
    born_bytes: int = field(default_factory=lambda: _bytes())
    held: dict[int, FetchJob] = field(default_factory=dict)
    running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    resting: dict[str, float] = field(default_factory=dict)  # host → monotonic time before which it is left alone
    hosts: dict[str, asyncio.Lock] = field(default_factory=dict)
    broken: bool = False  # the disk failed under this process

    async def work(self, stop: Stop) -> int:
        """Run until told to stop or old enough to begin anew; returns the exit code."""
        beat = asyncio.create_task(self._heartbeat())
        try:
            while not stop.is_set() and not self._worn():
                if not await self._one_look():
                    await asyncio.sleep(PAUSE)
        finally:
            beat.cancel()
            await self._leave()
        return STOPPED if stop.is_set() else RECYCLE

    def _worn(self) -> bool:
        return self.broken or now.monotonic() - self.born > OLDEST_S or _bytes() - self.born_bytes > GROWN_BYTES

    async def _one_look(self) -> bool:
        """Lease what is due and start a crawl for each source; True when something was found."""
        if len(self.running) >= SIDE_BY_SIDE:
            await asyncio.wait(self.running.values(), timeout=PAUSE, return_when=asyncio.FIRST_COMPLETED)
            return True
        try:
            jobs = await in_writer(self._lease)
        except LedgerFailed as error:
            log.error("crawl: %s", error)
            self.broken = True
            return False
        except YujingError as error:
            log.warning("crawl: %s", error)
            await asyncio.sleep(PAUSE_AFTER_FAULT)
            return False
        for share in self._shares(jobs):
            task = asyncio.create_task(self._run_share(share), name=share.source.id)
            self.running[share.source.id] = task
            task.add_done_callback(self._forget)
        return bool(jobs)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self.running.pop(task.get_name(), None)

    def _lease(self) -> list[FetchJob]:
        return self.ledger.fetches.lease(self.name, world=now.world(), machine=now.machine(), lasts=LEASE, limit=SHARE * SIDE_BY_SIDE,
                                         per_source=SHARE, without=tuple(self.running))

    def _shares(self, jobs: Sequence[FetchJob]) -> list[Share]:
        by_source: dict[str, list[FetchJob]] = {}
        for job in jobs:
            by_source.setdefault(job.source, []).append(job)
        sources = {source.id: source for source in self.settings.sources}
        return [Share(source=sources[name], jobs=found) for name, found in by_source.items() if name in sources]

    async def _run_share(self, share: Share) -> None:
        """One source's turn. Whatever happens, it is this source's trouble alone."""
        self.held.update({job.id: job for job in share.jobs})
        host = site_of(share.source.url)
        try:
            async with self.hosts.setdefault(host, asyncio.Lock()):
                await asyncio.sleep(max(0.0, self.resting.get(host, 0.0) - now.monotonic()))
                await self._crawl(share)
                self.resting[host] = now.monotonic() + max(share.source.delay, delay_of(share.source.url, _agent(self.settings)))
        except LedgerError as error:
            log.warning("crawl %s: %s", share.source.id, error)
        except Exception:  # around one tick: the leases run out and the jobs come again
            log.exception("crawl %s: a fault of ours; its jobs are run again", share.source.id)
            await asyncio.sleep(PAUSE_AFTER_FAULT)
        finally:
            for job in share.jobs:
                self.held.pop(job.id, None)

    async def _crawl(self, share: Share) -> None:
        desk = Desk(ledger=self.ledger, settings=self.settings, source=share.source)
        kind = _spider_of(self.runner, share.source.kind)
        if kind is None:
            await in_writer(desk.refuse, share.jobs, Health.CHANGED, "no_spider")
            return
        if not desk.has_cookie():
            await in_writer(desk.refuse, share.jobs, Health.AUTH_REQUIRED, "cookie_missing")
            return
        jobs, allowance = await in_writer(desk.choose, share.jobs)
        if not jobs:
            return
        trips = [desk.trip(job) for job in jobs]
        crawler = Crawler(kind, _scrapy_settings(self.settings, share.source))
        desk.platform = share.source.platform or kind.platform
        await self.runner.crawl(crawler, trips=trips, keeper=desk, source=share.source.id, platform=desk.platform,
                                allow_hosts=self.settings.allow_hosts, allowance=allowance)
        requests = crawler.spider.requests if isinstance(crawler.spider, SourceSpider) else 0
        await in_writer(desk.close, trips, requests)

    async def _heartbeat(self) -> None:
        """Keep the leases of what runs, and the world clock in step with the ledger's."""
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            with suppress(YujingError):
                await in_writer(self._renew)
                await in_writer(self.ledger.clock.follow)

    def _renew(self) -> None:
        self.ledger.fetches.renew(tuple(self.held.values()), machine=now.machine(), lasts=LEASE)

    async def _leave(self) -> None:
        """Let running pages come to their end, then give the leases back."""
        if self.running:
            await asyncio.wait([asyncio.create_task(self.runner.stop()), *self.running.values()], timeout=STOP_WITHIN)
        with suppress(YujingError):
            await in_writer(self.ledger.fetches.put_off, tuple(self.held.values()), now.world())


def _bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def run(settings: Settings, ledger: Ledger, stop: Stop) -> int:
    """Run a crawl worker in this process until ``stop`` is set. Needs the main thread's reactor; can run once.

    Returns:
        0 when told to stop, 3 when the process is worn and should be started anew.
    """
    logging.getLogger("scrapy").setLevel(logging.WARNING)
    install_reactor(project.TWISTED_REACTOR)
    from twisted.internet import reactor

    there: Any = reactor
    code: list[int] = []

    async def whole() -> None:
        try:
            code.append(await worker_for(settings, ledger).work(stop))
        finally:
            there.stop()

    there.callWhenRunning(lambda: asyncio.ensure_future(whole()))
    there.run(installSignalHandlers=False)
    return code[0] if code else RECYCLE


def worker_for(settings: Settings, ledger: Ledger) -> Worker:
    """A worker of this process. The reactor must be installed."""
    name = f"crawl@{socket.gethostname()}:{os.getpid()}"
    return Worker(settings=settings, ledger=ledger, name=name, runner=AsyncCrawlerRunner(_project_settings()))


def _project_settings() -> ScrapySettings:
    found = ScrapySettings()
    found.setmodule(project, priority="project")
    return found


def _spider_of(runner: AsyncCrawlerRunner, kind: str) -> type[SourceSpider] | None:
    """The spider of a source kind, found by its name as Scrapy finds it."""
    try:
        found = runner.spider_loader.load(kind)
    except KeyError:
        return None
    return found if issubclass(found, SourceSpider) else None


def _agent(settings: Settings) -> str:
    return f"yujing/0.1 (+{settings.contact})"


def _scrapy_settings(settings: Settings, source: SourceSettings) -> ScrapySettings:
    """One source's own manners over the project's. Extensions that speak to a person at a terminal are left out."""
    found = _project_settings()
    found.update({
        "USER_AGENT": _agent(settings), "ROBOTSTXT_OBEY": source.robots, "DOWNLOAD_DELAY": source.delay,
        "AUTOTHROTTLE_ENABLED": source.delay > 0, "AUTOTHROTTLE_START_DELAY": source.delay, "AUTOTHROTTLE_MAX_DELAY": max(60.0, source.delay),
        "LOG_LEVEL": "WARNING", "EXTENSIONS_BASE": {"scrapy.extensions.throttle.AutoThrottle": 0}, "STATS_DUMP": False,
        "CONCURRENT_REQUESTS": 1,  # what waits inside the downloader cannot be called back when the source breaks
        "CONCURRENT_ITEMS": 1,  # Scrapy starts that many tasks for every page; a page here yields one thing at most
    }, priority="cmdline")
    return found

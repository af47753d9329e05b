"""One process that runs the others: starts them, restarts what dies, keeps the world clock, ends everything on Ctrl-C.

One supervisor in one data folder: a file lock says so. The children are ``yujing show|crawl|judge|tell``
(and the drill's sites), each in a process group of its own, ended by SIGTERM, then SIGKILL.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from incidents import now
from incidents.errors import YujingError
from incidents.settings import Settings
from incidents.store.clock import BEAT
from incidents.store.ledger import Ledger, open_ledger
from monitor.processes import Stop

log = logging.getLogger(__name__)

GRACE = 6.0  # seconds from SIGTERM to SIGKILL; with the rest, Ctrl-C ends everything within 10 s
PAGE_FIRST = 8.0  # seconds the other children wait for the dashboard at most
CALM = 30.0  # a child that lived this long starts again at once when it dies
BACK_OFF_MAX = 30.0


class AlreadyRunning(YujingError):
    """Another supervisor works in this data folder."""


class PortTaken(YujingError):
    """Somebody else listens where the dashboard should."""


@dataclass(kw_only=True)
class Child:
    """One process that must run."""

    name: str
    command: Sequence[str]
    running: subprocess.Popen[bytes] | None = None
    begun: float = 0.0
    deaths: int = 0
    again_at: float = 0.0


@dataclass(kw_only=True)
class Supervisor:
    settings: Settings
    settings_path: Path
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lock: IO[str] | None = None
    children: list[Child] = field(default_factory=list)

    def run(self, stop: Stop) -> None:
        """Start everything and stay until told to stop.

        Raises:
            AlreadyRunning, PortTaken: said before anything is started or changed.
        """
        self._take_folder()
        self._check_port()
        ledger = self._prepare()
        self._begin_children()
        try:
            while not stop.wait(BEAT.total_seconds()):
                self._try(ledger.clock.beat)
                self._look_after()
        finally:
            self._end_children()
            self._try(ledger.clock.stand)
            ledger.close()

    def _try(self, what: Callable[[], None]) -> None:
        """A ledger that is busy or full must not end the one who starts everybody else again."""
        try:
            what()
        except YujingError as error:
            log.warning("clock: %s", error)

    def _take_folder(self) -> None:
        self.settings.data.mkdir(parents=True, exist_ok=True)
        lock = (self.settings.data / "supervisor.lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise AlreadyRunning(f"Yujing already runs on {self.settings.data} (process {lock.read().strip() or '?'}). Use that one, or stop it first.") from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self.lock = lock

    def _check_port(self) -> None:
        host, _, port = self.settings.listen.rpartition(":")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, int(port)))
            except OSError as error:
                raise PortTaken(f"{self.settings.listen} is taken by another program: stop it, or set `listen` (and `public_url`) to a free port.") from error

    def _prepare(self) -> Ledger:
        """Migrate, begin the clock, and bring sources and people up to the settings."""
        ledger = open_ledger(self.settings, thorough=True)
        ledger.clock.run()
        ledger.sources.sync(self.settings.sources, now.world())
        ledger.people.sync(self.settings.people)
        return ledger

    def _begin_children(self) -> None:
        yujing = (sys.executable, "-m", "monitor.cli")
        self.children = [Child(name=name, command=command) for name, command in self.extra.items()]
        self.children.append(Child(name="show", command=(sys.executable, "-m", "dashboard.serve")))
        self.children.extend(Child(name=f"crawl-{n + 1}", command=(*yujing, "crawl")) for n in range(self.settings.crawl_workers))
        self.children.extend(Child(name=name, command=(*yujing, name)) for name in ("judge", "tell"))
        for child in self.children:
            if child.name.startswith("crawl"):
                self._wait_for_page()
            self._begin(child)

    def _wait_for_page(self) -> None:
        """The page comes first: the others start when it answers (imports of six processes at once double its time)."""
        host, _, port = self.settings.listen.rpartition(":")
        deadline = now.monotonic() + PAGE_FIRST
        while now.monotonic() < deadline:
            with socket.socket() as probe:
                probe.settimeout(0.2)
                if probe.connect_ex((host, int(port))) == 0:
                    return
            time.sleep(0.1)

    def _begin(self, child: Child) -> None:
        logs = self.settings.data / "logs"
        logs.mkdir(exist_ok=True)
        environment = {**os.environ, "YUJING_SETTINGS": str(self.settings_path), "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
        with (logs / f"{child.name}.log").open("ab") as out:
            child.running = subprocess.Popen(child.command, env=environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)
        child.begun = now.monotonic()

    def _look_after(self) -> None:
        for child in self.children:
            if child.running is not None and child.running.poll() is not None:
                lived = now.monotonic() - child.begun
                child.deaths = 0 if lived > CALM else child.deaths + 1
                wait = 0.0 if child.deaths == 0 else min(BACK_OFF_MAX, 0.5 * 2**child.deaths)
                log.warning("%s ended with %s after %.0f s; it starts again in %.0f s (see its log)", child.name, child.running.returncode, lived, wait)
                child.running, child.again_at = None, now.monotonic() + wait
            if child.running is None and now.monotonic() >= child.again_at:
                self._begin(child)

    def _end_children(self) -> None:
        living = [child.running for child in self.children if child.running is not None and child.running.poll() is None]
        for process in living:
            process.send_signal(signal.SIGTERM)
        deadline = now.monotonic() + GRACE
        for process in living:
            try:
                process.wait(timeout=max(0.1, deadline - now.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

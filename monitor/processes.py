"""The working processes: each is one loop over the ledger, started by the supervisor or by hand on any machine.

judge   score → group → forecast → decide, and what time alone brings (clocks, escalation)
tell    outbox → providers; index queue → archive
crawl   sources → door (monitor/crawl_worker.py)
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import FrameType
from typing import TypeVar

from alerts.standing import told_of
from incidents import now
from incidents.errors import LedgerDamaged, LedgerFailed, YujingError
from incidents.settings import Settings
from incidents.store import standing
from incidents.store.index import Document, IndexStore
from incidents.store.ledger import Ledger, open_ledger
from incidents.store.reconcile import reconcile
from incidents.store.search import Archive

log = logging.getLogger(__name__)
T = TypeVar("T")

PAUSE = 0.2  # seconds between two looks when nothing waited
PAUSE_AFTER_FAULT = 2.0
QUICK = 0.0005  # seconds for which a busy thread keeps the interpreter from the others (Python's own is 0.005): sending and its answers
# are dozens of short turns, and beside a thread that feeds the archive each waited the whole of it
STANDING_EVERY = 30.0  # seconds
MEND_EVERY = 600.0  # seconds
MEND_AT_ONCE = 32  # blocks of 1 024 mentions: some ten seconds, in which new documents wait


def worker_name(role: str) -> str:
    return f"{role}@{socket.gethostname()}:{os.getpid()}"


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Set by SIGTERM or SIGINT: finish the tick, give the leases back by letting them run out, end."""

    event: threading.Event

    def __bool__(self) -> bool:
        return self.event.is_set()

    def wait(self, seconds: float) -> bool:
        return self.event.wait(seconds)


def on_signals() -> Stop:
    event = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        event.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return Stop(event=event)


def repeat(name: str, one: Callable[[], int], stop: Stop) -> None:
    """Call ``one`` until told to stop; a fault is logged and tried again, the loop never dies of it.

    Raises:
        LedgerFailed, LedgerDamaged: the disk or the file is at fault; the process must end.
    """
    while not stop:
        try:
            moved = one()
        except (LedgerFailed, LedgerDamaged):
            raise  # what this process believes of the file may be wrong: it ends, the supervisor begins a new one
        except YujingError as error:
            log.warning("%s: %s", name, error)
            stop.wait(PAUSE_AFTER_FAULT)
        except Exception:  # around one tick, by design
            log.exception("%s: a fault of ours; the step is tried again", name)
            stop.wait(PAUSE_AFTER_FAULT)
        else:
            if not moved:
                stop.wait(PAUSE)


def patiently(name: str, make: Callable[[], T], stop: Stop, *, forever: bool = False) -> T | None:
    """Open something, waiting while it is busy, full or down (``forever``: whatever is wrong); None when told to stop meanwhile."""
    while not stop:
        try:
            return make()
        except YujingError as error:
            if error.permanent and not forever:
                raise
            log.warning("%s: %s", name, error)
            stop.wait(PAUSE_AFTER_FAULT)
    return None


def run_judge(settings: Settings, stop: Stop) -> None:
    """Judge, group, foresee, decide; and advance clocks by the timetable."""
    sys.setswitchinterval(QUICK)
    from monitor import pipeline
    from monitor.assemble import tools_for
    from monitor.timetable import Timetable

    ledger = patiently("judge", lambda: open_ledger(settings), stop)
    if ledger is None:
        return
    tools = tools_for(settings, ledger, worker_name("judge"))
    with Timetable(ledger, tools):
        repeat("pipeline", lambda: pipeline.tick(tools), stop)
    ledger.close()


def run_tell(settings: Settings, stop: Stop) -> None:
    """Deliver the outbox; feed the archive in a thread of its own, so that neither waits for the other."""
    sys.setswitchinterval(QUICK)
    from alerts.deliver import Deliverer

    ledger = patiently("deliver", lambda: open_ledger(settings), stop)
    if ledger is None:
        return
    indexing = threading.Thread(target=_index, args=(settings, stop), name="index", daemon=True)
    indexing.start()
    watching = threading.Thread(target=_watch_the_watchers, args=(settings, ledger, stop), name="standing", daemon=True)
    watching.start()
    deliverer = Deliverer(ledger, settings, worker_name("tell"))
    repeat("deliver", deliverer.tick, stop)
    deliverer.close()
    watching.join(timeout=5)
    indexing.join(timeout=5)
    ledger.close()


def _watch_the_watchers(settings: Settings, ledger: Ledger, stop: Stop) -> None:
    """Who judges and who crawls is watched from here: a judge that does not run cannot tell that it does not."""
    from alerts.escalation import telling

    before = frozenset[str]()
    told = telling(settings)
    while not stop.wait(STANDING_EVERY):
        try:
            found = standing.look(ledger.engine, world=now.world(), machine=now.machine())
            for alert in told_of([one for one in found if one.mark in before], told, now.world()):
                ledger.outbox.add(world=now.world(), **alert)
            before = frozenset(one.mark for one in found)  # told at the second look: a laptop that wakes up is no standstill
        except YujingError as error:
            log.warning("standing: %s", error)


@dataclass(kw_only=True)
class Mending:
    """Holds the archive against the ledger when there is nothing else to do: at the start, then every ten minutes.

    An archive that was lost, laid anew by a newer version, or robbed behind our back becomes whole without hands.
    On a large ledger it looks less often, so that looking takes at most a two-hundredth of the time.
    """

    index: IndexStore
    archive: Archive
    again_at: float = 0.0

    def look(self) -> int:
        """How many documents were mended; 0 when all was well or it is not time yet."""
        if (begun := now.monotonic()) < self.again_at:
            return 0
        found = reconcile(self.index, self.archive, limit=MEND_AT_ONCE)
        self.again_at = 0.0 if found.left and found.written + found.removed else now.monotonic() + max(MEND_EVERY, 200 * (now.monotonic() - begun))
        if found.differing:
            log.warning("the archive differed from the ledger: %s written, %s taken out, %s refused", found.written, found.removed, len(found.refused))
        return found.written + found.removed


def _index(settings: Settings, stop: Stop) -> None:
    from incidents.store.archive import open_archive

    ledger = patiently("index", lambda: open_ledger(settings), stop)
    archive = patiently("index", lambda: open_archive(settings.archive_url, settings.secret), stop, forever=True)
    if ledger is None or archive is None:
        return

    def one() -> int:
        documents = ledger.index.claim()
        if documents:
            _write(archive, ledger.index, documents)
        return len(documents) or mending.look()

    mending = Mending(index=ledger.index, archive=archive)
    repeat("index", one, stop)
    archive.close()


def run_crawl(settings: Settings, stop: Stop) -> int:
    from monitor.crawl_worker import run

    ledger = open_ledger(settings)
    try:
        return run(settings, ledger, stop.event)
    finally:
        ledger.close()


def _write(archive: Archive, index: IndexStore, documents: Sequence[Document]) -> dict[int, str]:
    """Write, confirm what was taken, note what was refused for good; returns that (mention id → fault)."""
    refused = dict(archive.write(documents))
    index.confirm([one for one in documents if one.mention_id not in refused])
    index.refuse(refused)
    return refused


def rebuild_archive(settings: Settings, ledger: Ledger, progress: Callable[[int], None]) -> tuple[int, dict[int, str]]:
    """Make the archive anew from the ledger; returns the number of documents in it, and what it refused (mention id → fault).

    What is refused waits in the queue like any other document: `tell` tries it again, then sets it aside.
    """
    from incidents.store.archive import open_archive

    archive = open_archive(settings.archive_url, settings.secret)
    archive.clear()
    total, refused = 0, dict[int, str]()
    for documents in ledger.index.everything():
        faults = _write(archive, ledger.index, documents)
        refused |= faults
        total += sum(not one.gone for one in documents if one.mention_id not in faults)
        progress(total)
    archive.close()
    return total, refused


def follow_clock(ledger: Ledger, stop: Stop, every: timedelta = timedelta(seconds=5)) -> threading.Thread:
    """Keep this process's world clock in step with the ledger's."""
    def loop() -> None:
        while not stop.wait(every.total_seconds()):
            try:
                ledger.clock.follow()
            except YujingError as error:
                log.warning("clock: %s", error)

    thread = threading.Thread(target=loop, name="clock", daemon=True)
    thread.start()
    return thread



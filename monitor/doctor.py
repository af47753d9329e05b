"""``yujing doctor``: every fault in words, and the way out."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alerts.escalation import check as check_duty
from incidents import now
from incidents.errors import YujingError
from incidents.settings import Settings
from incidents.store.ledger import Ledger, open_ledger

FREE_BYTES = 500 * 1024 * 1024
FIXED_SQLITE = (3, 51, 3)  # before it: a rare WAL-reset corruption (sqlite.org/wal.html#walresetbug)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at. ``bad`` makes the command end with 1."""

    what: str
    bad: bool
    way_out: str = ""

    def line(self) -> str:
        return f"{'✗' if self.bad else '✓'} {self.what}" + (f"\n    → {self.way_out}" if self.way_out else "")


def examine(settings: Settings, path: Path) -> list[Finding]:
    """Look at everything; never raises for what it finds."""
    found = [Finding(what=f"settings: {path}", bad=False), *_disk(settings), *_sqlite(), *_duty(settings)]
    try:
        ledger = open_ledger(settings)
    except YujingError as error:
        return [*found, Finding(what=f"ledger: {error}", bad=True)]
    found += [*_integrity(ledger), *_sources(ledger), *_waiting(ledger)]
    ledger.close()
    return found


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.data if settings.data.exists() else settings.data.parent
    free = shutil.disk_usage(folder).free
    low = free < FREE_BYTES
    yield Finding(what=f"disk: {free // 2**20} MiB free in {folder}", bad=low, way_out="Make room; mentions wait and go on by themselves." if low else "")


def _sqlite() -> Iterator[Finding]:
    old = sqlite3.sqlite_version_info < FIXED_SQLITE
    yield Finding(what=f"sqlite {sqlite3.sqlite_version}", bad=False, way_out="Before 3.51.3 a rare WAL-reset fault exists: keep backups (docs/decisions)." if old else "")


def _duty(settings: Settings) -> Iterator[Finding]:
    problems = check_duty(settings)
    yield from (Finding(what=f"duty: {problem}", bad=True) for problem in problems)
    if not problems:
        yield Finding(what="duty: every step of every chain reaches somebody", bad=False)


def _integrity(ledger: Ledger) -> Iterator[Finding]:
    with ledger.engine.connect() as c:
        said = str(c.exec_driver_sql("PRAGMA quick_check(3)").scalar())
    whole = said == "ok"
    yield Finding(what=f"ledger: {'whole' if whole else said}", bad=not whole, way_out="" if whole else "Stop Yujing and restore the last backup.")


def _sources(ledger: Ledger) -> Iterator[Finding]:
    for source in ledger.sources.all():
        since = now.shanghai(source.health_since).strftime("%m-%d %H:%M") if source.health_since else "-"
        yield Finding(what=f"source {source.id}: {source.health.value} since {since} {source.health_reason}".rstrip(), bad=source.health.blind)


def _waiting(ledger: Ledger) -> Iterator[Finding]:
    waiting, dead = ledger.work.waiting(), ledger.outbox.dead()
    aside = waiting.get("quarantined", 0)
    yield Finding(what=f"work: {waiting.get('judge', 0)} to judge, {waiting.get('place', 0)} to place, {aside} set aside, {ledger.index.waiting()} to index", bad=aside > 0,
                  way_out="Look at work.fault of the set-aside rows: the model could not take these texts." if aside else "")
    yield Finding(what=f"alerts: {len(dead)} dead letters", bad=bool(dead), way_out="Send them again on the alerts page once the channel is mended." if dead else "")



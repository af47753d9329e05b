"""``yujing doctor``: every fault in words, and the way out.

Looks at the machine, the settings, the ledger, and what hangs on it; changes nothing. The order is that of a
person who mends: what stands on nothing else comes first.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from alerts import escalation
from incidents import now
from incidents.errors import LedgerDamaged, YujingError
from incidents.i18n import has, span, words
from incidents.settings import Settings
from incidents.store import backup as backups
from incidents.store import checkup, damage, migrations
from incidents.store.archive import open_archive
from incidents.store.checkup import Aside, Checkup
from incidents.store.faults import Fault
from incidents.store.ledger import Ledger, open_ledger
from incidents.store.reserve import Reserve
from incidents.store.restore import LOCK
from incidents.store.search import Archive, ArchiveDown, Query, differing, sums
from monitor import floors, setting_findings, track_finding
from monitor.finding import Finding, bad, good, note

MIB = 2**20
FREE = 500 * MIB
LOG = 256 * MIB  # the log is folded in at 4 MiB; it grows so far only while somebody reads or backs up for very long
LATE = timedelta(minutes=10)
BACKUP_EVERY = timedelta(days=7)

__all__ = ["Finding", "examine"]


def examine(settings: Settings, path: Path) -> list[Finding]:
    """Look at everything; never raises for what it finds."""
    found = [good("settings", "settings", file=path), *_disk(settings), *_reserve(settings), *_versions(), *_supervisor(settings),
             *setting_findings.look(settings, path), *_duty(settings)]
    try:
        ledger = open_ledger(settings)
    except YujingError as error:
        return [*found, Finding(code="ledger", what=str(error), bad=True, way_out=_last_file(settings) if isinstance(error, LedgerDamaged) else ""), *_archive(settings, None)]
    try:
        return [*found, *_ledger(settings, ledger), *_archive(settings, ledger)]
    finally:
        ledger.close()


# -- the machine and the settings ----------------------------------------------------------------------------


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = _folder(settings)
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    yield (bad if free < FREE else good)("disk", "disk_low" if free < FREE else "disk", free=free // MIB, folder=folder)


def _folder(settings: Settings) -> Path:
    return next(folder for folder in (settings.data, *settings.data.absolute().parents) if folder.exists())


def _file(settings: Settings) -> Path | None:
    url = settings.ledger_url
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def _reserve(settings: Settings) -> Iterator[Finding]:
    file = _file(settings)
    if file is None or not file.exists():
        return
    reserve = Reserve(file)
    if reserve.given_back():
        yield bad("reserve", "reserve_used", needs=2 * reserve.size() // MIB)
    else:
        yield good("reserve", "reserve", size=reserve.path.stat().st_size // MIB) if reserve.there() else note("reserve", "reserve_none")


def _versions() -> Iterator[Finding]:
    old = sqlite3.sqlite_version_info < floors.SQLITE
    yield note("sqlite", "sqlite_old" if old else "sqlite", version=sqlite3.sqlite_version, floor=".".join(map(str, floors.SQLITE)))
    low = list(floors.too_old())
    yield from (bad("package", "package_old", name=name, there=there, floor=floor) for name, there, floor in low)
    if not low:
        yield good("package", "packages")


def _supervisor(settings: Settings) -> Iterator[Finding]:
    holder = running(settings)
    yield good("supervisor", "runs", number=holder) if holder else note("supervisor", "rests", folder=settings.data)


def running(settings: Settings) -> str:
    """The process number of the supervisor of this folder; empty when none runs."""
    try:
        with (settings.data / LOCK).open("r", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return ""
    except OSError:
        return (settings.data / LOCK).read_text(encoding="utf-8").strip() or "?"
    return ""


def _duty(settings: Settings) -> Iterator[Finding]:
    problems = escalation.check(settings)
    yield from (Finding(code="duty", what=problem, bad=True) for problem in problems)
    if not problems:
        yield good("duty", "duty")
    yield from (Finding(code="duty", what=weak, bad=False, weak=True) for weak in escalation.weak_points(settings))
    for channel in settings.channels:
        if channel.kind in ("dingtalk", "webhook", "feishu") and channel.secret is None:
            yield note("channel", "unsigned", channel=channel.id)


# -- the ledger and what waits in it ---------------------------------------------------------------------------


def _ledger(settings: Settings, ledger: Ledger) -> Iterator[Finding]:
    world, machine = now.world(), now.machine()
    try:
        damage.check_pages(ledger.engine)
    except YujingError as error:
        yield Finding(code="ledger", what=str(error), bad=True, way_out=_last_file(settings))
        return
    seen = checkup.look(ledger, cut=world - settings.retention.mentions, world=world, machine=machine)
    yield good("ledger", "ledger", mentions=seen.mentions, schema=migrations.version(ledger.engine))
    yield (bad if seen.log_bytes > LOG else good)("log", "log_long" if seen.log_bytes > LOG else "log", size=seen.log_bytes // MIB)
    yield from _clock(settings, seen, machine)
    yield from _backup(ledger, seen, machine)
    yield from _sources(ledger)
    yield from _waiting(seen, world, machine)
    yield from _aside(seen)
    yield from _old(seen)
    yield from track_finding.look(ledger)


def _last_file(settings: Settings) -> str:
    """Where the last backup may lie, by the mark that survives the ledger's damage."""
    return words("doctor.out.damaged", folder=settings.data)


def _clock(settings: Settings, seen: Checkup, machine: datetime) -> Iterator[Finding]:
    drill = settings.clock.origin is not None or settings.clock.speed != 1.0
    if seen.newest_saved is not None and seen.newest_saved > machine + timedelta(minutes=1):
        yield bad("clock", "clock_back", behind=span(seen.newest_saved - machine))
    elif seen.ahead:
        yield bad("clock", "clock_moved", leases=_listed(seen.ahead))
    else:
        yield good("clock", "clock_drill" if drill else "clock", speed=f"{settings.clock.speed:g}", time=_at(now.world()))


def _backup(ledger: Ledger, seen: Checkup, machine: datetime) -> Iterator[Finding]:
    last = backups.last_backup(ledger.engine)
    if last is None:
        yield (bad if seen.mentions > 10_000 else note)("backup", "backup_never")
    elif not last[0].exists():
        yield note("backup", "backup_away", file=last[0], time=_at(last[1]))
    elif (fault := _broken(last[0])) is not None:
        yield bad("backup", "backup_broken", file=last[0], fault=fault)
    else:
        old = machine - last[1] > BACKUP_EVERY
        yield (bad if old else good)("backup", "backup_old" if old else "backup", file=last[0], time=_at(last[1]), age=span(machine - last[1]))


def _broken(file: Path) -> YujingError | None:
    """What keeps a backup from being restored, by its header and its length; its content is only read when it is restored."""
    try:
        backups.read_note(file)
    except YujingError as error:
        return error
    return None


def _sources(ledger: Ledger) -> Iterator[Finding]:
    for source in ledger.sources.all():
        reason = words(f"source.reason.{source.health_reason}") if has(f"source.reason.{source.health_reason}") else source.health_reason
        values = dict(name=source.name, id=source.id, health=words(f"health.{source.health.value}"), since=_at(source.health_since) if source.health_since else "-", reason=reason)
        yield (bad if source.health.blind else good)("source", "source_blind" if source.health.blind else "source", **values)


def _waiting(seen: Checkup, world: datetime, machine: datetime) -> Iterator[Finding]:
    """What waits too long, and who should have taken it."""
    late = [(name, length) for name, length in (
        ("judge_late", _age(seen.oldest_unjudged, machine)), ("index_late", _age(seen.oldest_queued, machine)),
        ("fetch_late", now.to_machine(_age(seen.overdue_fetch, world))), ("alert_late", _age(seen.overdue_alert, world))) if length > LATE]
    yield from (bad("waiting", name, age=span(length), queued=seen.queued) for name, length in late)
    if seen.stuck:
        yield bad("leases", "stuck", leases=_listed(seen.stuck))
    if not late and not seen.stuck:
        yield good("waiting", "waiting", queued=seen.queued)


def _aside(seen: Checkup) -> Iterator[Finding]:
    for name, count, examples in (("set_aside", seen.aside_count, seen.aside), ("refused", seen.refused_count, seen.refused), ("dead", seen.dead_count, seen.dead)):
        if count:
            yield bad(name, name, count=count, examples=words("doctor.list").join(_example(one) for one in examples))
        else:
            yield good(name, f"{name}_none")


def _example(one: Aside) -> str:
    return words("doctor.example", what=one.what, id=one.id, fault=one.fault or words("doctor.died"))


def _old(seen: Checkup) -> Iterator[Finding]:
    if seen.erasing:
        yield note("erasure", "erasing", count=seen.erasing)
    yield note("retention", "outlived", count=seen.outlived) if seen.outlived else good("retention", "retention")


# -- the archive -------------------------------------------------------------------------------------------------


def _archive(settings: Settings, ledger: Ledger | None) -> Iterator[Finding]:
    try:
        archive = open_archive(settings.archive_url, settings.secret)
    except YujingError as error:
        yield _fault(error.fault) if isinstance(error, ArchiveDown) else Finding(code="archive", what=str(error), bad=True, way_out=words("doctor.out.archive_down"))
        return
    try:
        faults = archive.faults()
        yield from (_fault(one) for one in faults) if faults else _held(archive, ledger)
    except ArchiveDown as error:
        yield _fault(error.fault)
    finally:
        archive.close()


def _fault(one: Fault) -> Finding:
    return Finding(code="archive", what=one.said(), bad=True, way_out=one.way_out())


def _held(archive: Archive, ledger: Ledger | None) -> Iterator[Finding]:
    """The archive held against the ledger; while its queue is not empty, differences are what waits."""
    count = archive.count(Query())
    if ledger is None or ledger.index.waiting():
        yield good("archive", "archive", count=count)
        return
    blocks = differing(sums(ledger.index.living()), archive.checksums())
    yield bad("archive", "archive_differs", count=count, blocks=len(blocks)) if blocks and not ledger.index.waiting() else good("archive", "archive_equal", count=count)


def _age(since: datetime | None, until: datetime) -> timedelta:
    return timedelta(0) if since is None else until - since


def _at(moment: datetime) -> str:
    return now.shanghai(moment).strftime("%m-%d %H:%M")


def _listed(numbers: dict[str, int]) -> str:
    return words("doctor.list").join(f"{words(f'doctor.lease.{name}')} {number}" for name, number in numbers.items())

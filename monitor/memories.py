"""The commands of the two memories: ``yujing backup``, ``restore``, ``forget``, ``retention``, ``archive migrate``."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from incidents import now
from incidents.i18n import words
from incidents.settings import Settings
from incidents.store import backup as backups
from incidents.store import erasure, retention
from incidents.store.archive import Archive, open_archive
from incidents.store.archive_sqlite import SqliteArchive
from incidents.store.ledger import Ledger, open_ledger
from incidents.store.reconcile import reconcile
from incidents.store.restore import Restored, restore
from incidents.store.search import ArchiveDown

MIB = 2**20
MEND_AT_ONCE = 1000  # blocks of 1 024 mentions mended before the command ends: a million take less than three minutes


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def progress(unit: int = MIB, name: str = "MiB") -> Callable[[str, int, int], None]:
    """Percent of each stage on a terminal's last line; nothing where nobody looks."""
    shown: dict[str, int] = {}

    def show(what: str, done: int, of: int) -> None:
        percent = 100 * done // max(1, of)
        if sys.stderr.isatty() and shown.get(what) != percent:
            shown[what] = percent
            sys.stderr.write(f"\r{what} {percent} % of {of // unit} {name}" + ("\n" if percent == 100 else ""))
            sys.stderr.flush()

    return show


def run_backup(settings: Settings, target: Path) -> int:
    """Write a backup; everybody goes on working."""
    ledger = open_ledger(settings)
    note = backups.backup(ledger.engine, target, machine=now.machine(), world=now.world(), progress=progress())
    ledger.close()
    say(f"{target}: {note.mentions} mentions, {note.incidents} incidents, {note.alerts} alerts; {note.packed // MIB} MiB, schema {note.schema}, sha256 {note.sha256[:16]}…")
    say("It holds password digests and personal data: keep it where only you can read it. Try it once: yujing restore " + str(target))
    return 0


def run_restore(settings: Settings, file: Path) -> int:
    """Put a backup in place and bring the archive in line with it."""
    done = restore(settings, file, machine=now.machine(), progress=progress())
    for line in told(done):
        say(line)
    ledger = open_ledger(settings)  # every page was looked at before the ledger came into its place
    try:
        say(_mended(settings, ledger))
    except ArchiveDown as error:
        say(f"The archive could not be brought in line ({error}). The ledger is whole; run `yujing archive rebuild` when the archive answers.")
    finally:
        ledger.close()
    say("Start Yujing: what was said since the backup is read again where it still stands.")
    return 0


def _mended(settings: Settings, ledger: Ledger) -> str:
    """Hold the archive against the restored ledger: what it knows too much goes, what it lacks is written, the newest first."""
    archive, show = open_archive(settings.archive_url, settings.secret), progress(1, "blocks")
    found = reconcile(ledger.index, archive, lambda done, of: show("archive", done, of), limit=MEND_AT_ONCE)
    archive.close()
    rest = f" About {found.left * 1024} older ones are written by `yujing tell` while you work." if found.left else ""
    return f"The archive is in line with it: {found.written} mentions written, {found.removed} taken out.{rest}"


def told(done: Restored) -> list[str]:
    """What a person must know after a restore."""
    lines = [f"Restored: the ledger of {done.note.made_at}, {done.note.mentions} mentions, {done.note.incidents} incidents."]
    if done.kept is not None:
        lines.append(f"The ledger that was here is kept as {done.kept}; delete it when you no longer need it.")
    if done.expired:
        lines.append(f"{done.expired} alerts that waited when the backup was made are expired, not sent: they may have been told since. Their incidents say so; look at them now.")
    if done.incidents:
        lines.append(f"{done.incidents} open incidents ring again only after the time their grade gives people to take over.")
    if done.erased:
        lines.append(f"{done.erased} mentions that were erased since the backup were erased again.")
    if not done.erasures_known:
        lines.append("The replaced ledger could not be read: repeat each `yujing forget` that was asked for since the backup.")
    return lines


def run_forget(settings: Settings, said: str) -> int:
    """Erase an author, an address or one mention, for good."""
    ledger = open_ledger(settings)
    wanted = erasure.meant(ledger.engine, ledger.door.secret, said)
    before = erasure.report(ledger.engine)
    erasure.begin(ledger.engine, ledger.door.secret, wanted, getpass.getuser(), now.world())
    while erasure.step(ledger.engine, now.world()):
        pass
    erasure.finish(ledger.engine)
    after, last = erasure.report(ledger.engine), backups.last_backup(ledger.engine)
    ledger.close()
    say(f"Erased: {after.mentions - before.mentions} mentions; {after.incidents - before.incidents} more incidents redacted. It is refused from now on.")
    if after.waiting:
        say(f"{after.waiting} documents wait to leave the archive; `yujing tell` (part of `yujing run`) takes them out.")
    if last is not None:
        say(f"Backups made until {last[1].isoformat(timespec='minutes')} still hold it; a restore of one erases it again. Delete those you do not need.")
    return 0


def run_retention(settings: Settings) -> int:
    """Let go what is old now, then print the proof as one JSON object."""
    ledger = open_ledger(settings)
    while retention.run(ledger.engine, settings.retention, now.world(), timedelta(minutes=1)):
        pass
    report = retention.report(ledger.engine, settings.retention, now.world())
    ledger.close()
    say(json.dumps({
        "kept_for": str(settings.retention.mentions), "cut": report.cut.isoformat(), "oldest_left": report.oldest.isoformat() if report.oldest else None,
        "older_than_cut": report.older, "held_by_open_incidents": report.held, "bare_rows_of_closed_incidents": report.bare, "waiting_for_archive": report.waiting,
        "days": [{"day": day, "let_go": number, "digest": digest} for day, number, digest in report.days]}, ensure_ascii=False))
    return 0 if report.older == report.held else 1


def run_migrate(settings: Settings, *, everything: bool = False) -> int:
    """Move the archive's months to indices of today's mapping while everybody works; what was begun is taken up."""
    archive = open_archive(settings.archive_url, settings.secret)
    try:
        say(_migrated(archive, everything))
    finally:
        archive.close()
    return 0


def _migrated(archive: Archive, everything: bool) -> str:
    if isinstance(archive, SqliteArchive):
        return words("archive.migrate.sqlite")
    from incidents.store.archive_elastic import ElasticArchive  # two seconds that SQLite need not pay
    from incidents.store.elastic_migrate import migrate

    assert isinstance(archive, ElasticArchive)
    done = migrate(archive, everything=everything, progress=progress(1, ""))
    return words("archive.migrate.moved", months=done.months, count=done.copied) if done.months else words("archive.migrate.none")

"""``yujing backup FILE``: the whole ledger as it stands at one moment, in one file that says whether it is whole.

A read transaction is held while SQLite's backup API copies page by page (sqlite.org/backup.html): in WAL mode
writers go on, and the copy is of that one moment. Without the held transaction the API begins again whenever
somebody writes. The copy is looked at (``quick_check``), counted, compressed, and put in place by a rename.

The file: a line that names the format; a note of fixed length (JSON: schema, times, counts, digest); zlib.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Engine

from incidents.errors import BackupRefused
from incidents.store import migrations
from incidents.store import tables as t
from incidents.store.engine import BUSY_TIMEOUT_MS, reading, writing

FORMAT = b"YUJING-BACKUP 1\n"
NOTE_BYTES = 2048
PORTION = 1024  # pages (4 MiB) copied between two words of progress
CHUNK = 2**20
COMPRESSION = 1  # a ledger of Chinese text shrinks to about a third at some 60 MiB/s; higher levels cost more than they save
Progress = Callable[[str, int, int], None]  # (what, done, of): bytes


@dataclass(frozen=True, kw_only=True)
class Note:
    """What a backup says of itself. Times are ISO 8601; ``made_at`` by the machine, ``world`` by the watched world."""

    schema: int
    ledger: str
    made_at: str
    world: str
    mentions: int
    incidents: int
    alerts: int
    size: int  # bytes of the ledger
    packed: int  # bytes that follow the note
    sha256: str  # of those bytes


def quiet(_what: str, _done: int, _of: int) -> None:
    """No progress."""


def backup(engine: Engine, target: Path, *, machine: datetime, world: datetime, progress: Progress = quiet) -> Note:
    """Write a backup of the ledger to ``target``, while everybody goes on working.

    Raises:
        BackupRefused: there is something at ``target`` already, no room, or the ledger is damaged.
    """
    if target.exists():
        raise BackupRefused(f"There is a file {target} already; a backup overwrites nothing. Give another name.")
    source = Path(str(engine.url.database))
    target.parent.mkdir(parents=True, exist_ok=True)
    _need_room(target.parent, int(source.stat().st_size * 1.6) + 2**20)
    copy, part = (target.with_name(f".{target.name}.{os.getpid()}.{end}") for end in ("copy", "part"))
    try:
        _copy(source, copy, progress)
        note = _pack(copy, part, machine, world, progress)
        part.replace(target)
        sync_folder(target.parent)
    finally:
        for left in (copy, part):
            left.unlink(missing_ok=True)
    _remember(engine, target, note)
    return note


def _need_room(folder: Path, wanted: int) -> None:
    found = os.statvfs(folder)
    if (free := found.f_bavail * found.f_frsize) < wanted:
        raise BackupRefused(f"{wanted // 2**20} MiB are needed in {folder}, {free // 2**20} MiB are free: make room, or choose another disk.")


def _copy(source: Path, copy: Path, progress: Progress) -> None:
    with closing(sqlite3.connect(source, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)) as db, closing(sqlite3.connect(copy)) as into:
        copy.chmod(0o600)  # it holds password digests and the secret of the pseudonyms
        into.execute("PRAGMA synchronous=OFF")
        size = db.execute("PRAGMA page_size").fetchone()[0]
        try:
            db.execute("BEGIN")
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on the moment is fixed
            db.backup(into, pages=PORTION, progress=lambda _, left, total: progress("copied", (total - left) * size, total * size))
            db.execute("COMMIT")
            said = into.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise BackupRefused(f"The ledger cannot be copied ({error}); `yujing doctor` says what is wrong.") from error
        if said != "ok":
            raise BackupRefused(f"The ledger is damaged ({said}): a backup of it would help nobody. Restore the last good one.")


def _pack(copy: Path, part: Path, machine: datetime, world: datetime, progress: Progress) -> Note:
    digest, squeeze, size, packed = hashlib.sha256(), zlib.compressobj(COMPRESSION), copy.stat().st_size, 0
    with copy.open("rb") as source, part.open("wb") as out:
        part.chmod(0o600)
        out.write(FORMAT + b" " * NOTE_BYTES)
        for content in _squeezed(source, squeeze, size, progress):
            digest.update(content)
            packed += out.write(content)
        note = _describe(copy, made_at=machine.isoformat(), world=world.isoformat(), size=size, packed=packed, sha256=digest.hexdigest())
        out.seek(len(FORMAT))
        out.write(_note_bytes(note))
        out.flush()
        os.fsync(out.fileno())
    return note


def _squeezed(source: IO[bytes], squeeze: zlib._Compress, size: int, progress: Progress) -> Iterator[bytes]:
    done = 0
    while content := source.read(CHUNK):
        done += len(content)
        progress("packed", done, size)
        yield squeeze.compress(content)
    yield squeeze.flush()


def _describe(copy: Path, *, made_at: str, world: str, size: int, packed: int, sha256: str) -> Note:
    with closing(sqlite3.connect(copy)) as db:
        def count(table: str) -> int:
            return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - our own names
        return Note(made_at=made_at, world=world, size=size, packed=packed, sha256=sha256, mentions=count("mentions"), incidents=count("incidents"), alerts=count("outbox"),
                    schema=int(db.execute("SELECT max(version) FROM schema_version").fetchone()[0]),
                    ledger=str((db.execute("SELECT value FROM meta WHERE name = 'ledger_id'").fetchone() or ("",))[0]))


def _note_bytes(note: Note) -> bytes:
    """The note and a digest of its own, padded: it is written when everything else is."""
    said = json.dumps(asdict(note), sort_keys=True)
    return json.dumps({"note": said, "digest": hashlib.sha256(said.encode()).hexdigest()}).encode().ljust(NOTE_BYTES - 1) + b"\n"


def _remember(engine: Engine, target: Path, note: Note) -> None:
    """Where and when, for ``yujing doctor`` and for whoever must know what old backups still hold."""
    value = json.dumps({"file": str(target.absolute()), "made_at": note.made_at, "sha256": note.sha256})
    with writing(engine) as c:
        made = sqlite_insert(t.meta).values(name="last_backup", value=value)
        c.execute(made.on_conflict_do_update(index_elements=["name"], set_=dict(value=value)))


def last_backup(engine: Engine) -> tuple[Path, datetime] | None:
    """The newest backup that was made of this ledger: its file and its moment (machine)."""
    with reading(engine) as c:
        value = c.execute(sa.select(t.meta.c.value).where(t.meta.c.name == "last_backup")).scalar()
    if value is None:
        return None
    found = json.loads(value)
    return Path(found["file"]), datetime.fromisoformat(found["made_at"])


def read_note(file: Path) -> Note:
    """What a backup says of itself.

    Raises:
        BackupRefused: no backup, cut short, altered, or made by a newer Yujing.
    """
    with _opened(file) as source:
        note = _note(file, source)
    _check_version(file, note)
    return note


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    try:
        with file.open("rb") as source:
            yield source
    except OSError as error:
        raise BackupRefused(f"The backup {file} cannot be read: {error.strerror}.") from error


def _note(file: Path, source: IO[bytes]) -> Note:
    head = source.read(len(FORMAT) + NOTE_BYTES)
    if not head.startswith(FORMAT[:14]):
        raise BackupRefused(f"{file} is not a backup made by `yujing backup`.")
    if not head.startswith(FORMAT):
        raise BackupRefused(f"{file} was made by a newer Yujing: install that one, then restore.")
    try:
        outer = json.loads(head[len(FORMAT) :])
        said = outer["note"]
        if hashlib.sha256(said.encode()).hexdigest() != outer["digest"]:
            raise ValueError("digest")
        note = Note(**json.loads(said))
    except (ValueError, TypeError, KeyError) as error:
        raise BackupRefused(f"The backup {file} was altered or cut short: its note cannot be read. Nothing was changed; use another backup.") from error
    there = file.stat().st_size - len(FORMAT) - NOTE_BYTES
    if there != note.packed:
        raise BackupRefused(f"The backup {file} was {'cut short' if there < note.packed else 'altered'}: {there} of {note.packed} bytes are there. Nothing was changed; use another backup.")
    return note


def _check_version(file: Path, note: Note) -> None:
    if note.schema > max(migrations.steps()):
        raise BackupRefused(f"{file} holds a ledger of schema {note.schema}; this Yujing knows up to {max(migrations.steps())}. Install the newer Yujing, then restore.")


def unpack(file: Path, into: Path, progress: Progress = quiet) -> Note:
    """Write the ledger of a backup to ``into``, checked byte by byte and page by page.

    Raises:
        BackupRefused: as ``read_note``, and when the bytes are not those that were written.
    """
    note = read_note(file)
    _need_room(into.parent, note.size + 2**20)
    digest, loosen, done = hashlib.sha256(), zlib.decompressobj(), 0
    try:
        with _opened(file) as source, into.open("wb") as out:
            into.chmod(0o600)
            source.seek(len(FORMAT) + NOTE_BYTES)
            while content := source.read(CHUNK):
                digest.update(content)
                done += out.write(loosen.decompress(content))
                progress("unpacked", done, note.size)
            done += out.write(loosen.flush())
            out.flush()
            os.fsync(out.fileno())
    except zlib.error as error:
        raise BackupRefused(_altered(file)) from error
    if digest.hexdigest() != note.sha256 or done != note.size or not loosen.eof:
        raise BackupRefused(_altered(file))
    return note


def _altered(file: Path) -> str:
    return f"The backup {file} was altered: its bytes are not those that were written. Nothing was changed; use another backup."


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` outlive a power cut."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)

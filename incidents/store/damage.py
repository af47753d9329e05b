"""Is the ledger's file whole? Looked at before anything opens it, so that a damaged ledger is never taken for a new one.

SQLite itself starts an empty database where a file is missing or empty, and silently forgets the end of a
write-ahead log that was cut short. So a mark beside the ledger says that there was one, and the shared index
of the log (``-shm``, which outlives a kill) says how far the log reached (sqlite.org/walformat.html).

Nothing here may run while this process has the ledger open: closing any file descriptor of a file drops the
process's locks on it (sqlite.org/howtocorrupt.html, 2.2). ``Opened`` keeps count.
"""

from __future__ import annotations

import fcntl
import json
import struct
import threading
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from sqlalchemy.engine import Engine

from incidents.errors import LedgerDamaged
from incidents.store.engine import reading

MAGIC = b"SQLite format 3\0"
FRAME_HEADER, LOG_HEADER = 24, 32
CHECKED_FRAMES = 20_000  # 80 MiB of log; Python sums about 10 000 frames a second
PENDING, RESERVED, SHARED, SHARED_SIZE = 0x40000000, 0x40000001, 0x40000002, 510  # lock bytes of sqlite.org/src os.h
WAY_OUT = "Stop Yujing and run `yujing restore FILE` with the last backup."


class Opened:
    """Which ledger files this process has open, and how often."""

    _lock: ClassVar[threading.Lock] = threading.Lock()
    _count: ClassVar[Counter[str]] = Counter()

    @classmethod
    def enter(cls, path: Path) -> bool:
        """Note one more opening; True when it is the only one."""
        with cls._lock:
            cls._count[str(path.absolute())] += 1
            return cls._count[str(path.absolute())] == 1

    @classmethod
    def leave(cls, path: Path) -> None:
        with cls._lock:
            cls._count[str(path.absolute())] -= 1


def mark_of(ledger: Path) -> Path:
    """The file that says: there is a ledger here."""
    return ledger.with_name(f"{ledger.name}.born")


def mark(ledger: Path, ledger_id: str, at: datetime) -> None:
    if not mark_of(ledger).exists():
        mark_of(ledger).write_text(json.dumps({"ledger": ledger_id, "since": at.isoformat()}) + "\n", encoding="utf-8")


def inspect(ledger: Path) -> None:
    """Look at the file and its log without opening them as a database.

    Raises:
        LedgerDamaged: gone, not a database, shorter than it says, or its log has lost its end.
    """
    if not ledger.exists() or ledger.stat().st_size == 0:
        if mark_of(ledger).exists():
            raise LedgerDamaged(f"The ledger {ledger} is gone, and there was one. {WAY_OUT} To begin a new one on purpose, delete {mark_of(ledger)} too.")
        return
    if in_use(ledger):
        return  # whoever opened it first has looked, and its log is being written this moment
    with ledger.open("rb") as file:
        head = file.read(100)
    if not head.startswith(MAGIC) or len(head) < 100:
        raise LedgerDamaged(f"{ledger} is not a ledger: its first bytes are not those of a database. {WAY_OUT}")
    _log(ledger, head)


def _log(ledger: Path, head: bytes) -> None:
    wal, shm = (ledger.with_name(f"{ledger.name}{end}") for end in ("-wal", "-shm"))
    written = wal.stat().st_size if wal.exists() else 0
    if written <= LOG_HEADER and (short := _missing(ledger, head)):
        raise LedgerDamaged(f"The ledger {ledger} has lost its end ({short} bytes are missing). {WAY_OUT}")
    if shm.exists() and shm.stat().st_mtime >= _booted() and (fault := _lost(wal, shm.read_bytes()[:136], written)):
        raise LedgerDamaged(f"The write-ahead log {wal} {fault}: what was acknowledged last is not in it. {WAY_OUT}")


def _booted() -> float:
    """When the machine began, as file times count: an index from before a power cut may be older than its log."""
    lines = Path("/proc/stat").read_text(encoding="ascii").splitlines() if Path("/proc/stat").exists() else []
    return float(next((line.split()[1] for line in lines if line.startswith("btime ")), 0))


def _missing(ledger: Path, head: bytes) -> int:
    """Bytes by which the file is shorter than its header says."""
    size, pages = _page_size(head), int.from_bytes(head[28:32], "big")
    return max(0, size * pages - ledger.stat().st_size)


def _page_size(head: bytes) -> int:
    found: int = struct.unpack(">H", head[16:18])[0]
    return 65536 if found == 1 else found


def _lost(wal: Path, index: bytes, written: int) -> str:
    """What the log has lost by the word of its index; empty when it is whole, or the index says nothing of it."""
    if len(index) < 136 or index[:48] != index[48:96] or index[12] != 1:
        return ""
    frames, done = struct.unpack("=I", index[16:20])[0], struct.unpack("=I", index[96:100])[0]
    if frames <= done:  # all of it is in the ledger already
        return ""
    if written < LOG_HEADER:
        return "is gone or empty"
    with wal.open("rb") as file:
        head = file.read(LOG_HEADER)
        if head[16:24] != index[32:40]:
            return ""  # begun anew since the index was written
        size = struct.unpack(">I", head[8:12])[0]
        if written < LOG_HEADER + frames * (FRAME_HEADER + size):
            return f"was cut short ({(written - LOG_HEADER) // (FRAME_HEADER + size)} of {frames} frames are left)"
        broken = _first_broken(file.read(min(frames, CHECKED_FRAMES) * (FRAME_HEADER + size)), head, size)
    return f"is damaged at frame {broken} of {frames}" if broken else ""


def _first_broken(frames: bytes, head: bytes, size: int) -> int:
    """Number of the first frame whose checksum or salt is wrong; 0 when all are right."""
    order = ">" if struct.unpack(">I", head[:4])[0] & 1 else "<"
    salt, step = head[16:24], FRAME_HEADER + size
    sums: tuple[int, int] = struct.unpack(">II", head[24:32])
    for number in range(len(frames) // step):
        frame = frames[number * step : (number + 1) * step]
        sums = _sum(frame[:8] + frame[FRAME_HEADER:], sums, order)
        if frame[8:16] != salt or struct.unpack(">II", frame[16:24]) != sums:
            return number + 1
    return 0


def _sum(content: bytes, before: tuple[int, int], order: str) -> tuple[int, int]:
    """SQLite's running checksum (walformat.html, "Checksum Algorithm")."""
    one, two = before
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        one = (one + even + two) & 0xFFFFFFFF
        two = (two + odd + one) & 0xFFFFFFFF
    return one, two


def in_use(ledger: Path) -> bool:
    """Has another process this ledger open? (In WAL mode each holds a shared lock for as long.)"""
    asked = struct.pack("hhqqi", fcntl.F_WRLCK, 0, SHARED, SHARED_SIZE, 0)
    try:
        with ledger.open("rb+") as file:
            kind: int = struct.unpack("hhqqi", fcntl.fcntl(file, fcntl.F_GETLK, asked))[0]
    except OSError:
        return False
    return kind != fcntl.F_UNLCK


def check_pages(engine: Engine) -> None:
    """Let SQLite look at every page (sqlite.org/pragma.html#pragma_quick_check): about 1 s for 400 MiB in memory.

    Raises:
        LedgerDamaged: a page is not what it should be.
    """
    with reading(engine) as c:
        said = str(c.exec_driver_sql("PRAGMA quick_check(1)").scalar())
    if said != "ok":
        raise LedgerDamaged(f"The ledger file {engine.url.database} is damaged ({said.splitlines()[-1]}). {WAY_OUT}")

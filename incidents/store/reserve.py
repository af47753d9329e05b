"""The reserve: a file that is given back when the disk is full, so that alerts can still be recorded and told.

The supervisor makes it. When room runs short it is emptied, which frees its bytes for the alerts; until it could
be filled again the door refuses (back-pressure: the fetch jobs wait in the ledger). Nothing of this needs a restart.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from sqlalchemy.engine import Engine

from incidents.errors import LedgerFull

LARGEST = 64 * 2**20  # bytes; an alert takes about 4 KiB in the ledger and as much in its log, so thousands fit
SHARE = 10  # of a small disk the reserve takes one part in ten
URGENT = 4  # below a quarter of the reserve's size a write gives the reserve back before it begins


class Reserve:
    """The reserve of one ledger file: ``FILE.reserve`` beside it."""

    def __init__(self, ledger: Path) -> None:
        self.path = ledger.with_name(f"{ledger.name}.reserve")
        self._folder = ledger.parent

    def free(self) -> int:
        """Bytes that an ordinary user may still write to this disk."""
        found = os.statvfs(self._folder)
        return found.f_bavail * found.f_frsize

    def size(self) -> int:
        """Bytes of the reserve on this disk."""
        found = os.statvfs(self._folder)
        return min(LARGEST, found.f_blocks * found.f_frsize // SHARE)

    def there(self) -> bool:
        return self.path.exists() and self.path.stat().st_size > 0

    def given_back(self) -> bool:
        """It was made once and is in use: an empty file."""
        return self.path.exists() and self.path.stat().st_size == 0

    def keep(self) -> bool:
        """Make the reserve if it is missing and there is room for it and as much again; says whether it is there."""
        if self.there():
            return True
        size = self.size()
        if self.free() < 2 * size:
            return False
        return self._allocate(size)

    def _allocate(self, size: int) -> bool:
        part = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            with part.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, size)
            part.replace(self.path)
        except OSError:
            part.unlink(missing_ok=True)
            return False
        return True

    def give_back(self) -> bool:
        """Free the reserve's bytes; False when there are none."""
        if not self.there():
            return False
        os.truncate(self.path, 0)
        return True

    def before_write(self) -> None:
        """Give the reserve back in time: a write that fails half way may have told somebody already."""
        if self.free() < self.size() // URGENT:
            self.give_back()

    def before_ingest(self) -> None:
        """Raises LedgerFull while new mentions must wait: little room, or the reserve is in use and cannot be filled again."""
        size = self.size()
        if self.free() < size or (self.given_back() and not self.keep()):
            raise LedgerFull(
                f"Only {self.free() // 2**20} MiB are free where the ledger is, and {2 * size // 2**20} MiB are needed: new mentions wait "
                "and alerts go on. Make room; work goes on by itself.")


@lru_cache(maxsize=64)
def _of(database: str) -> Reserve:
    return Reserve(Path(database))


def reserve_of(engine: Engine) -> Reserve | None:
    """The reserve beside an engine's file; None for a ledger in memory or on a server."""
    database = engine.url.database
    if engine.url.get_backend_name() != "sqlite" or not database or database == ":memory:":
        return None
    return _of(database)

"""What every page works with: settings, ledger, archive. One for the process, put there by ``serve``."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from incidents.errors import YujingError
from incidents.settings import Settings
from incidents.store.archive import open_archive
from incidents.store.ledger import Ledger
from incidents.store.search import Archive


@dataclass(kw_only=True)
class Desk:
    """The opened stores, and the short memory of ``reads`` (nothing else is kept between two looks)."""

    settings: Settings
    ledger: Ledger
    kept: dict[Any, tuple[float, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _archive: Archive | None = None

    def archive(self) -> Archive:
        """The search index, opened when the first search asks for it.

        Raises:
            YujingError: it cannot be opened; the pages that do not search are not concerned.
        """
        with self.lock:
            if self._archive is None:
                self._archive = open_archive(self.settings.archive_url, self.settings.secret)
            return self._archive

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()
        self.ledger.close()


_desk: Desk | None = None


def sit(desk: Desk | None) -> None:
    """Make ``desk`` the one that pages find; None clears it (end of the process, tests)."""
    global _desk
    _desk = desk


def here() -> Desk:
    if _desk is None:
        raise YujingError("The dashboard has no ledger: start it with `yujing show` (python -m dashboard.serve).")
    return _desk

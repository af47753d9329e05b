"""Which archive a URL names."""

from __future__ import annotations

from incidents.errors import YujingError
from incidents.store.search import Archive


def open_archive(url: str) -> Archive:
    """The archive for ``url`` (sqlite:///FILE)."""
    scheme = url.split(":", 1)[0]
    if scheme == "sqlite":
        from incidents.store.archive_sqlite import SqliteArchive

        return SqliteArchive(url.removeprefix("sqlite:///"))
    raise YujingError(f"There is no archive of kind {scheme!r}; known: sqlite.")

"""What an archive must be able to do. It is an index: it may lag, be lost, and is rebuilt from the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from incidents.errors import YujingError
from incidents.store.index import Document


@dataclass(frozen=True, kw_only=True)
class Query:
    """Mentions that hold all of ``words`` (each a phrase), narrowed by facets and time."""

    words: tuple[str, ...] = ()
    brand: str | None = None
    source: str | None = None
    platform: str | None = None
    sentiment: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """Ids of mentions, newest first, and what to pass as ``before`` for the next page (None at the end)."""

    ids: tuple[int, ...]
    before: int | None


class ArchiveDown(YujingError):
    """The archive does not answer; nothing is lost, the queue waits."""

    permanent = False


class Archive(Protocol):
    """Full-text search over mentions."""

    def write(self, documents: Sequence[Document]) -> list[tuple[int, str]]:
        """Put or remove documents; writing twice is harmless. Returns (mention id, fault) of those refused."""

    def newest(self, query: Query, *, limit: int = 50, before: int | None = None) -> Found: ...

    def count(self, query: Query) -> int: ...

    def by_day(self, query: Query) -> dict[str, int]:
        """Asia/Shanghai day (YYYY-MM-DD) → number of mentions."""

    def clear(self) -> None: ...

    def close(self) -> None: ...

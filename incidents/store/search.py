"""What an archive must be able to do. It is an index: it may lag, be lost, and is rebuilt from the ledger."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from incidents.errors import YujingError
from incidents.now import SHANGHAI
from incidents.query.terms import keyword, terms
from incidents.query.tree import Facet, Node, Phrase, both
from incidents.store.faults import Fault
from incidents.store.index import Document

ID_BITS = 30  # place in time = seconds since 1970 << 30 | mention id
BLOCK_BITS = 10  # mention ids are compared in blocks of 1 024
FACETS = ("brand", "source", "platform", "sentiment")


@dataclass(frozen=True, kw_only=True)
class Query:
    """Mentions that hold all of ``words`` (each a phrase) and ``expr``, narrowed by facets and time.

    ``sentiment``, here and inside ``expr``, is the one towards ``brand``; without a brand, towards any.
    """

    words: tuple[str, ...] = ()
    brand: str | None = None
    source: str | None = None
    platform: str | None = None
    sentiment: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    expr: Node | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """Ids of mentions, newest first, and what to pass as ``before`` for the next page (None at the end)."""

    ids: tuple[int, ...]
    before: int | None


class ArchiveDown(YujingError):
    """The archive does not answer; nothing is lost, the queue waits. ``fault`` finds the words in the readers' language."""

    permanent = False

    def __init__(self, sentence: str, code: str = "down", **values: object) -> None:
        super().__init__(sentence)
        self.fault = Fault(code=code, values={"why": sentence, **values})


class Archive(Protocol):
    """Full-text search over mentions. Every call may raise ArchiveDown; trying again later is always right."""

    def write(self, documents: Sequence[Document]) -> list[tuple[int, str]]:
        """Put or remove documents; the newest version wins, writing twice is harmless. Returns (mention id, fault) of those refused for good."""

    def remove(self, ids: Sequence[int]) -> None:
        """Take these mentions out, whatever their version."""

    def newest(self, query: Query, *, limit: int = 50, before: int | None = None) -> Found: ...

    def count(self, query: Query) -> int: ...

    def by_day(self, query: Query) -> dict[str, int]:
        """Asia/Shanghai day (YYYY-MM-DD) → number of mentions; days without any are left out."""

    def facets(self, query: Query) -> dict[str, dict[str, int]]:
        """``brand source platform sentiment`` → value → number of mentions; a value without any is left out."""

    def drop_months_before(self, moment: datetime) -> int:
        """Let go what was published in UTC months that ended by ``moment``; returns the number of mentions."""

    def checksums(self) -> dict[int, tuple[int, int]]:
        """Block of ids → (number of mentions, sum of their marks)."""

    def versions(self, block: int) -> dict[int, int]:
        """Mention id → version, of one block."""

    def settle(self) -> None:
        """Let every finished ``write`` be seen by the next search."""

    def faults(self) -> list[Fault]:
        """What is wrong with it; [] is well. Never raises ArchiveDown."""

    def clear(self) -> None: ...

    def close(self) -> None: ...


@runtime_checkable
class CountsHours(Protocol):
    """An archive that counts the hours of a query in one pass."""

    def by_hour(self, query: Query) -> dict[str, int]:
        """Asia/Shanghai hour (YYYY-MM-DDTHH) → number of mentions; hours without any are left out."""


def by_hour(archive: Archive, query: Query, since: datetime, until: datetime) -> dict[str, int]:
    """Hour → number between two moments (whole hours). An archive that does not count hours is asked hour by hour.

    Raises:
        ArchiveDown: it does not answer.
    """
    narrowed = replace(query, since=since, until=until)
    if isinstance(archive, CountsHours):
        return archive.by_hour(narrowed)
    hours = [since + timedelta(hours=n) for n in range(round((until - since) / timedelta(hours=1)))]
    counts = {f"{hour.astimezone(SHANGHAI):%Y-%m-%dT%H}": archive.count(replace(query, since=hour, until=hour + timedelta(hours=1))) for hour in hours}
    return {hour: number for hour, number in counts.items() if number}


def whole(query: Query) -> Node | None:
    """Words, expression and facets as one tree; None asks for everything. A word without any term narrows nothing."""
    nodes: list[Node] = [Phrase(terms=tuple(found), wording=word) for word in query.words if (found := terms(word))]
    nodes += [query.expr] if query.expr is not None else []
    nodes += [Facet(name=name, value=keyword(value)) for name in FACETS if (value := getattr(query, name))]
    return both(*nodes) if nodes else None


def place_in_time(dated: datetime, mention_id: int) -> int:
    """One number that sorts by publication second, then by id. What is older than 1970 counts as 1970."""
    return max(0, int(dated.timestamp())) << ID_BITS | mention_id


def second(moment: datetime) -> int:
    """The place in time where ``moment``'s second begins."""
    return max(0, int(moment.timestamp())) << ID_BITS


def month_begin(moment: datetime) -> datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def mark(mention_id: int, version: int) -> int:
    """A checksum of one document's identity and version (CRC-32); sums of a block stay exact in a double."""
    return zlib.crc32(f"{mention_id}:{version}".encode())


def sums(versions: Iterable[tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Block → (number, sum of marks) of (mention id, version) pairs."""
    found: dict[int, tuple[int, int]] = {}
    for mention_id, version in versions:
        number, total = found.get(mention_id >> BLOCK_BITS, (0, 0))
        found[mention_id >> BLOCK_BITS] = number + 1, total + mark(mention_id, version)
    return found


def differing(one: Mapping[int, tuple[int, int]], other: Mapping[int, tuple[int, int]]) -> list[int]:
    """Blocks that are not the same on both sides."""
    return sorted(block for block in one.keys() | other.keys() if one.get(block) != other.get(block))

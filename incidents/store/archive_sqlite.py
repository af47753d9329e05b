"""The archive on SQLite FTS5.

One term for each CJK character with phrase queries is exact at every length. The rowid encodes the
publication time, so newest-first and day histograms read no other column; properties are tokens of a
column of their own. What a search for everything shows (days, sets of properties) is counted while it is
written. The table is contentless; a change deletes with the very terms that were written
(kept beside it as a blob), since SQLite 3.40 has no ``contentless_delete``.

Every term is one token whatever SQLite knows of Unicode: the ``ascii`` tokeniser cuts at blanks only.
"""

from __future__ import annotations

import json
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from incidents.query import fts
from incidents.query.terms import keyword
from incidents.store import archive_totals
from incidents.store.archive_rows import Numbers, put, take_out
from incidents.store.archive_totals import DAY, EAST, TABLE, Totals, add
from incidents.store.faults import Fault
from incidents.store.index import Document
from incidents.store.search import (
    BLOCK_BITS,
    FACETS,
    ID_BITS,
    ArchiveDown,
    Found,
    Query,
    month_begin,
    second,
    sums,
    whole,
)

if TYPE_CHECKING:
    from incidents.store.archive_sets import Changed, Sets

T = TypeVar("T")
SCHEMA_VERSION = 4
SCHEMA = f"""
CREATE VIRTUAL TABLE search USING fts5(title, text, facets, content='', columnsize=0, tokenize="ascii tokenchars '_-'");
CREATE TABLE written (mention_id INTEGER PRIMARY KEY, place INTEGER, version INTEGER NOT NULL, origin INTEGER, audience INTEGER, change INTEGER NOT NULL);
CREATE INDEX written_place ON written (place) WHERE place IS NOT NULL;
CREATE INDEX written_change ON written (change);
{TABLE};
CREATE TABLE bodies (mention_id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS property_sets (id INTEGER PRIMARY KEY, pairs TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS changes (number INTEGER NOT NULL);
"""
EMPTIED = ("search", "written", "totals", "bodies")  # property sets and changes keep their numbers, which readers remember
SETS = "SELECT mention_id, origin << 32 | audience FROM written WHERE place IS NOT NULL"  # in the table's own order
SETS_AFTER = f"{SETS} AND change > ?"
LARGEST_ID = (1 << ID_BITS) - 1
TIMEOUT_S = 15
IDLE_READERS = 4
MOST_NUMBERS = 20_000  # sets of properties whose numbers are remembered


class SqliteArchive:
    """Full-text search in one file of its own. A file of an older shape or a damaged one begins anew, empty."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._sets: dict[int, list[tuple[str, str]]] = {}
        self._numbers: Numbers = {}  # only what is committed: a set that was rolled back has no number
        self._mirror: Sets | None = None
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue(maxsize=IDLE_READERS)
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = self._open()
        except sqlite3.DatabaseError as error:
            self._db = self._begin_anew(error)

    def _open(self) -> sqlite3.Connection:
        db = self._connect("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-64000", "secure_delete=ON")  # see scrub.py; 3 % of the time of a write
        with _transaction(db):
            if db.execute("PRAGMA user_version").fetchone()[0] != SCHEMA_VERSION:
                _lay(db)
        return db

    def _connect(self, *pragmas: str) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=TIMEOUT_S, isolation_level=None, check_same_thread=False)
        for pragma in (*pragmas, "mmap_size=0"):
            db.execute(f"PRAGMA {pragma}")
        return db

    def _begin_anew(self, error: sqlite3.DatabaseError) -> sqlite3.Connection:
        """Set a damaged file aside; the reconciler fills the new one from the ledger."""
        if isinstance(error, sqlite3.OperationalError):  # locked, disk full, no permission: not damage
            raise ArchiveDown(f"The archive cannot be opened ({error}).") from error
        file = Path(self._path)
        for ending in ("", "-wal", "-shm"):
            if (part := file.with_name(file.name + ending)).exists():
                part.replace(file.with_name(f"{file.name}.damaged{ending}"))
        return self._open()

    def write(self, documents: Sequence[Document]) -> list[tuple[int, str]]:
        usable = [one for one in documents if 0 <= one.mention_id <= LARGEST_ID]
        with self._writing() as db:
            totals, numbers = Totals(), dict(self._numbers)
            put(db, usable, _next_change(db), totals, numbers)
            add(db, totals)
        self._numbers = numbers if len(numbers) <= MOST_NUMBERS else {}
        return [(one.mention_id, f"ids end at {LARGEST_ID}") for one in documents if not 0 <= one.mention_id <= LARGEST_ID]

    def remove(self, ids: Sequence[int]) -> None:
        with self._writing() as db:
            totals = Totals()
            for mention_id in ids:
                take_out(db, mention_id, totals)
                db.execute("DELETE FROM written WHERE mention_id = ?", (mention_id,))
            add(db, totals)

    def newest(self, query: Query, *, limit: int = 50, before: int | None = None) -> Found:
        chosen = _chosen(query, before)
        rows = self._ask(f"SELECT {chosen.place} {chosen.rest} ORDER BY 1 DESC LIMIT ?", [*chosen.values, limit])
        return Found(ids=tuple(row[0] & LARGEST_ID for row in rows), before=rows[-1][0] if len(rows) == limit else None)

    def count(self, query: Query) -> int:
        chosen = _chosen(query)
        if chosen.everything:
            return sum(number for _, number in self._ask(*archive_totals.by_day(query)))
        return int(self._ask(f"SELECT count(*) {chosen.rest}", chosen.values)[0][0])

    def by_day(self, query: Query) -> dict[str, int]:
        return {moment.strftime("%Y-%m-%d"): count for moment, count in self._by(query, DAY)}

    def by_hour(self, query: Query) -> dict[str, int]:
        return {moment.strftime("%Y-%m-%dT%H"): count for moment, count in self._by(query, 3600)}

    def _by(self, query: Query, seconds: int) -> list[tuple[datetime, int]]:
        """(where a stretch of so many seconds begins on the wall clocks of Asia/Shanghai, number), stretches in order."""
        chosen = _chosen(query)
        if chosen.everything and seconds == DAY:
            rows = self._ask(*archive_totals.by_day(query))
        else:
            rows = self._ask(f"SELECT (({chosen.place} >> {ID_BITS}) + {EAST}) / {seconds}, count(*) {chosen.rest} GROUP BY 1 ORDER BY 1", chosen.values)
        return [(datetime.fromtimestamp(number * seconds, UTC), count) for number, count in rows]

    def facets(self, query: Query) -> dict[str, dict[str, int]]:
        sets = self._set_counts(_chosen(query))
        found: dict[str, dict[str, int]] = {name: {} for name in FACETS}
        for one, number in sets.items():
            for name, value in _meant(self._pairs(one), query.brand):
                found[name][value] = found[name].get(value, 0) + number
        return found

    def _set_counts(self, chosen: _Chosen) -> dict[int, int]:
        if chosen.everything and not chosen.values:
            return dict(self._ask(archive_totals.SETS, []))
        # One statement after the other: a mention that the first one saw is known to the second one, whatever is written between them.
        places = self._ask(f"SELECT {chosen.place} {chosen.rest}", chosen.values)
        return self._property_sets().counts(places, LARGEST_ID, self._changed_since)

    def _changed_since(self, change: int) -> Changed:
        """The number is read before the rows: what is written between them is read again the next time."""
        newest = self._ask("SELECT coalesce(max(number), 0) FROM changes", [])[0][0]
        return newest, self._ask(SETS_AFTER if change else SETS, [change] if change else [])

    def _property_sets(self) -> Sets:
        from incidents.store.archive_sets import Sets  # numpy: only who asks for facets pays

        if self._mirror is None:
            self._mirror = Sets()
        return self._mirror

    def _pairs(self, number: int) -> list[tuple[str, str]]:
        """The (name, value) pairs of one set of properties. Sets never change, so that they are read once."""
        if number not in self._sets:
            rows = self._ask("SELECT id, pairs FROM property_sets", [])
            self._sets = {one: [(name, value) for name, value in json.loads(pairs)] for one, pairs in rows}
        return self._sets[number]

    def drop_months_before(self, moment: datetime) -> int:
        gone = self._ask("SELECT mention_id FROM written WHERE place < ?", [second(month_begin(moment.astimezone(UTC)))])
        for start in range(0, len(gone), 1000):
            self.remove([row[0] for row in gone[start : start + 1000]])
        return len(gone)

    def checksums(self) -> dict[int, tuple[int, int]]:
        return sums(self._ask("SELECT mention_id, version FROM written WHERE place IS NOT NULL", []))

    def versions(self, block: int) -> dict[int, int]:
        return dict(self._ask("SELECT mention_id, version FROM written WHERE place IS NOT NULL AND mention_id >= ? AND mention_id < ?",
                              [block << BLOCK_BITS, block + 1 << BLOCK_BITS]))

    def settle(self) -> None:
        """A committed write is seen at once."""

    def faults(self) -> list[Fault]:
        try:
            self._ask("SELECT count(*) FROM search WHERE search MATCH ?", ['"s_a"'])
            self._ask("SELECT max(mention_id) FROM written", [])
        except ArchiveDown as error:
            return [Fault(code="file", values={"why": str(error), "file": self._path})]
        return []

    def clear(self) -> None:
        with self._writing() as db:
            _lay(db)

    def close(self) -> None:
        while not self._idle.empty():
            self._idle.get_nowait().close()
        self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                with _transaction(self._db):
                    yield self._db
            except sqlite3.Error as error:
                raise ArchiveDown(f"The archive cannot be written ({error}); the queue waits.") from error

    def _ask(self, sql: str, values: Sequence[object]) -> list[Any]:
        return self._fold(sql, values, lambda rows: rows.fetchall())

    def _fold(self, sql: str, values: Sequence[object], fold: Callable[[sqlite3.Cursor], T]) -> T:
        try:
            if self._path == ":memory:":
                with self._lock:
                    return fold(self._db.execute(sql, list(values)))
            with self._reader() as db:
                return fold(db.execute(sql, list(values)))
        except sqlite3.Error as error:
            raise ArchiveDown(f"The archive cannot be read ({error}).") from error

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own for each search at a time: readers wait for nobody, and keep their warm pages."""
        try:
            db = self._idle.get_nowait()
        except queue.Empty:
            db = self._connect("query_only=ON", "cache_size=-32000")
        yield db
        try:
            self._idle.put_nowait(db)
        except queue.Full:
            db.close()


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _lay(db: sqlite3.Connection) -> None:
    """Empty tables of today's shape, inside the caller's transaction."""
    for table in EMPTIED:
        db.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in SCHEMA.strip().split(";\n"):
        db.execute(statement.rstrip(";"))
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _next_change(db: sqlite3.Connection) -> int:
    """The number of the change that this transaction is; each is larger than all that were committed before."""
    last = db.execute("SELECT max(number) FROM changes").fetchone()[0]
    db.execute("INSERT INTO changes VALUES (1)" if last is None else "UPDATE changes SET number = number + 1")
    return 1 if last is None else int(last) + 1


def _meant(pairs: list[tuple[str, str]], brand: str | None) -> set[tuple[str, str]]:
    """What a set counts for: a sentiment once, and only the one towards ``brand`` if one is asked for."""
    found = set()
    for name, value in pairs:
        sentiment, _, towards = value.partition(" ")
        if name != "sentiment":
            found.add((name, value))
        elif brand is None or towards == keyword(brand):
            found.add((name, sentiment))
    return found


@dataclass(frozen=True, kw_only=True)
class _Chosen:
    """FROM … WHERE … with its values, and the column that holds the place in time. ``everything``: no words, no facets."""

    rest: str
    values: list[object]
    place: str
    everything: bool = False


def _chosen(query: Query, before: int | None = None) -> _Chosen:
    """What ``query`` asks for. Without words or facets the table of places answers."""
    node = whole(query)
    table, place, conditions, values = "written", "place", ["place IS NOT NULL"], list[object]()
    if node is not None:
        table, place, conditions = "search", "search.rowid", ["search MATCH ?"]
        values.append(fts.reading(node, query.brand and keyword(query.brand)))
    for bound, sign in ((query.since and second(query.since), ">="), (query.until and second(query.until), "<"), (before, "<")):
        if bound is not None:
            conditions.append(f"{place} {sign} ?")
            values.append(bound)
    return _Chosen(rest=f"FROM {table} WHERE {' AND '.join(conditions)}", values=values, place=place, everything=node is None)

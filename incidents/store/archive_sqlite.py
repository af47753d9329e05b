"""The archive on SQLite FTS5.

One term for each CJK character with phrase queries is exact at every length. The rowid encodes the
publication time, so newest-first and day histograms read no other column; properties are tokens of a
column of their own. The table is contentless; a change deletes with the very terms that were written
(kept beside it as a blob), since SQLite 3.40 has no ``contentless_delete``.

Every term is one token whatever SQLite knows of Unicode: the ``ascii`` tokeniser cuts at blanks only.
"""

from __future__ import annotations

import json
import queue
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from incidents.query import fts
from incidents.query.facets import sentiment_token, token
from incidents.query.terms import keyword, terms
from incidents.store.index import Document
from incidents.store.search import (
    BLOCK_BITS,
    FACETS,
    ID_BITS,
    ArchiveDown,
    Found,
    Query,
    month_begin,
    place_in_time,
    second,
    sums,
    whole,
)

SCHEMA_VERSION = 2
SCHEMA = """
CREATE VIRTUAL TABLE search USING fts5(title, text, facets, content='', columnsize=0, tokenize="ascii tokenchars '_-'");
CREATE TABLE written (mention_id INTEGER PRIMARY KEY, place INTEGER, version INTEGER NOT NULL, combination INTEGER);
CREATE INDEX written_place ON written (place) WHERE place IS NOT NULL;
CREATE TABLE bodies (mention_id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE combinations (id INTEGER PRIMARY KEY, properties TEXT NOT NULL UNIQUE);
"""
TABLES = ("search", "written", "bodies", "combinations")
LARGEST_ID = (1 << ID_BITS) - 1
EAST = 8 * 3600  # Asia/Shanghai has no summer time since 1991
TIMEOUT_S = 15
IDLE_READERS = 4


class SqliteArchive:
    """Full-text search in one file of its own. A file of an older shape or a damaged one begins anew, empty."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue(maxsize=IDLE_READERS)
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = self._open()
        except sqlite3.DatabaseError as error:
            self._db = self._begin_anew(error)

    def _open(self) -> sqlite3.Connection:
        db = self._connect("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-64000")
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
            for document in sorted(usable, key=lambda one: one.dated):
                _put(db, document)
        return [(one.mention_id, f"ids end at {LARGEST_ID}") for one in documents if not 0 <= one.mention_id <= LARGEST_ID]

    def remove(self, ids: Sequence[int]) -> None:
        with self._writing() as db:
            for mention_id in ids:
                _take_out(db, mention_id)
                db.execute("DELETE FROM written WHERE mention_id = ?", (mention_id,))

    def newest(self, query: Query, *, limit: int = 50, before: int | None = None) -> Found:
        table, where, values = _chosen(query, before)
        rows = self._ask(f"SELECT place FROM {table} WHERE {where} ORDER BY place DESC LIMIT ?", [*values, limit])  # noqa: S608 - ours; values are bound
        return Found(ids=tuple(row[0] & LARGEST_ID for row in rows), before=rows[-1][0] if len(rows) == limit else None)

    def count(self, query: Query) -> int:
        table, where, values = _chosen(query)
        return int(self._ask(f"SELECT count(*) FROM {table} WHERE {where}", values)[0][0])  # noqa: S608

    def by_day(self, query: Query) -> dict[str, int]:
        table, where, values = _chosen(query)
        day = f"((place >> {ID_BITS}) + {EAST}) / 86400"
        rows = self._ask(f"SELECT {day}, count(*) FROM {table} WHERE {where} GROUP BY 1 ORDER BY 1", values)  # noqa: S608
        return {datetime.fromtimestamp(number * 86400, UTC).strftime("%Y-%m-%d"): count for number, count in rows}

    def facets(self, query: Query) -> dict[str, dict[str, int]]:
        table, where, values = _chosen(query)
        inner = f"SELECT place & {LARGEST_ID} FROM {table} WHERE {where}"  # noqa: S608
        rows = self._ask(f"SELECT combination, count(*) FROM written WHERE mention_id IN ({inner}) GROUP BY 1", values)  # noqa: S608
        names = dict(self._ask("SELECT id, properties FROM combinations", []))
        found: dict[str, dict[str, int]] = {name: {} for name in FACETS}
        for combination, number in rows:
            for name, value in _properties(names[combination], query.brand):
                found[name][value] = found[name].get(value, 0) + number
        return found

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
        try:
            if self._path == ":memory:":
                with self._lock:
                    return self._db.execute(sql, list(values)).fetchall()
            with self._reader() as db:
                return db.execute(sql, list(values)).fetchall()
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
    for table in TABLES:
        db.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in SCHEMA.strip().split(";\n"):
        db.execute(statement.rstrip(";"))
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _put(db: sqlite3.Connection, document: Document) -> None:
    """Write one document unless a newer version is there. What is gone leaves its version, so that it cannot come back."""
    held = db.execute("SELECT version FROM written WHERE mention_id = ?", (document.mention_id,)).fetchone()
    if held is not None and held[0] > document.version:
        return
    if held is not None:
        _take_out(db, document.mention_id)
    if document.gone:
        db.execute("INSERT OR REPLACE INTO written VALUES (?, NULL, ?, NULL)", (document.mention_id, document.version))
        return
    columns = _columns(document)
    place = place_in_time(document.dated, document.mention_id)
    db.execute("INSERT INTO search (rowid, title, text, facets) VALUES (?, ?, ?, ?)", (place, *columns))
    db.execute("INSERT OR REPLACE INTO written VALUES (?, ?, ?, ?)", (document.mention_id, place, document.version, _combination(db, document)))
    db.execute("INSERT OR REPLACE INTO bodies VALUES (?, ?)", (document.mention_id, zlib.compress("\0".join(columns).encode(), 1)))


def _take_out(db: sqlite3.Connection, mention_id: int) -> None:
    old = db.execute("SELECT place, body FROM written JOIN bodies USING (mention_id) WHERE mention_id = ?", (mention_id,)).fetchone()
    if old is not None:
        columns = zlib.decompress(old[1]).decode().split("\0")
        db.execute("INSERT INTO search (search, rowid, title, text, facets) VALUES ('delete', ?, ?, ?, ?)", (old[0], *columns))
        db.execute("DELETE FROM bodies WHERE mention_id = ?", (mention_id,))


def _columns(document: Document) -> tuple[str, str, str]:
    return " ".join(terms(document.title)), " ".join(terms(document.text)), " ".join(_tokens(document))


def _tokens(document: Document) -> list[str]:
    singles = {"source": document.source, "platform": document.platform, "author": document.author}
    found = [token(name, plain) for name, value in singles.items() if (plain := keyword(value))]
    found += [token("brand", keyword(brand)) for brand in document.brands]
    found += [sentiment_token(sentiment, keyword(brand)) for brand, sentiment in document.sentiments.items()]
    return found + [sentiment_token(sentiment, None) for sentiment in sorted(set(document.sentiments.values()))]


def _combination(db: sqlite3.Connection, document: Document) -> int:
    """The number of this set of properties; there are few of them, so that facets count numbers, not words."""
    said = [keyword(document.source), keyword(document.platform), sorted(map(keyword, document.brands)),
            sorted([keyword(brand), sentiment] for brand, sentiment in document.sentiments.items())]
    properties = json.dumps(said, ensure_ascii=False)
    db.execute("INSERT OR IGNORE INTO combinations (properties) VALUES (?)", (properties,))
    return int(db.execute("SELECT id FROM combinations WHERE properties = ?", (properties,)).fetchone()[0])


def _properties(said: str, brand: str | None) -> Iterator[tuple[str, str]]:
    source, platform, brands, sentiments = json.loads(said)
    yield from (one for one in (("source", source), ("platform", platform)) if one[1])
    yield from (("brand", one) for one in brands)
    meant = {sentiment for one, sentiment in sentiments if brand is None or one == keyword(brand)}
    yield from (("sentiment", one) for one in meant)


def _chosen(query: Query, before: int | None = None) -> tuple[str, str, list[object]]:
    """Table, condition and values. Without words or facets the table of places answers."""
    node = whole(query)
    conditions, values = ["place IS NOT NULL"], list[object]()
    if node is not None:
        conditions = ["search MATCH ?"]
        values.append(fts.reading(node, query.brand and keyword(query.brand)))
    bounds = ((query.since and second(query.since), ">="), (query.until and second(query.until), "<"), (before, "<"))
    for bound, sign in bounds:
        if bound is not None:
            conditions.append(f"place {sign} ?")
            values.append(bound)
    where = " AND ".join(conditions)
    if node is None:
        return "written", where, values
    return "(SELECT rowid AS place, search FROM search)", where, values

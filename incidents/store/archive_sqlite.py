"""The archive on SQLite FTS5.

One term for each CJK character with phrase queries is exact at every length. The rowid encodes the
publication time, so newest-first and day histograms read no other column. Facets are tokens of a second
column. The table is contentless; a change deletes with the very terms that were written (kept beside it
as a blob), since SQLite 3.40 has no ``contentless_delete``.
"""

from __future__ import annotations

import sqlite3
import threading
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from incidents.store.search import ArchiveDown, Found, Query
from incidents.store.index import Document
from incidents.text import search_terms

ID_BITS = 30  # rowid = seconds since 1970 << 30 | mention id
SCHEMA = """
CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5(terms, facets, content='', tokenize="unicode61 remove_diacritics 0 tokenchars '_-'");
CREATE TABLE IF NOT EXISTS written (mention_id INTEGER PRIMARY KEY, rowid_ INTEGER NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL);
"""


class SqliteArchive:
    """Full-text search in one file of its own."""

    def __init__(self, path: str) -> None:
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, timeout=15, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-64000", "mmap_size=0"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(SCHEMA)

    def write(self, documents: Sequence[Document]) -> list[tuple[int, str]]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                for document in documents:
                    self._put(document)
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise ArchiveDown(f"The archive cannot be written ({error}); the queue waits.") from error
        return []

    def _put(self, document: Document) -> None:
        old = self._db.execute("SELECT rowid_, version, body FROM written WHERE mention_id = ?", (document.mention_id,)).fetchone()
        if old is not None:
            if old[1] > document.version:
                return  # a newer version is here already
            terms, facets = zlib.decompress(old[2]).decode("utf-8").split("\0")
            self._db.execute("INSERT INTO search(search, rowid, terms, facets) VALUES ('delete', ?, ?, ?)", (old[0], terms, facets))
        if document.gone:
            self._db.execute("DELETE FROM written WHERE mention_id = ?", (document.mention_id,))
            return
        terms, facets, rowid = _terms(document), _facets(document), _rowid(document)
        self._db.execute("INSERT INTO search(rowid, terms, facets) VALUES (?, ?, ?)", (rowid, terms, facets))
        self._db.execute("INSERT OR REPLACE INTO written VALUES (?, ?, ?, ?)",
                         (document.mention_id, rowid, document.version, zlib.compress(f"{terms}\0{facets}".encode(), 1)))

    def newest(self, query: Query, *, limit: int = 50, before: int | None = None) -> Found:
        where, values = _where(query)
        if before is not None:
            where, values = f"{where} AND rowid < ?", [*values, before]
        rows = self._ask(f"SELECT rowid FROM search WHERE {where} ORDER BY rowid DESC LIMIT ?", [*values, limit])
        ids = tuple(row[0] & ((1 << ID_BITS) - 1) for row in rows)
        return Found(ids=ids, before=rows[-1][0] if len(rows) == limit else None)

    def count(self, query: Query) -> int:
        where, values = _where(query)
        return int(self._ask(f"SELECT count(*) FROM search WHERE {where}", values)[0][0])

    def by_day(self, query: Query) -> dict[str, int]:
        where, values = _where(query)
        day = f"((rowid >> {ID_BITS}) + 28800) / 86400"  # Asia/Shanghai has no summer time since 1991
        rows = self._ask(f"SELECT {day}, count(*) FROM search WHERE {where} GROUP BY 1 ORDER BY 1", values)
        return {datetime.fromtimestamp(number * 86400, UTC).strftime("%Y-%m-%d"): count for number, count in rows}

    def _ask(self, sql: str, values: Sequence[object]) -> list[tuple[int, ...]]:
        with self._lock:
            try:
                return self._db.execute(sql, list(values)).fetchall()
            except sqlite3.Error as error:
                raise ArchiveDown(f"The archive cannot be read ({error}).") from error

    def clear(self) -> None:
        with self._lock:
            self._db.executescript(f"DROP TABLE IF EXISTS search; DROP TABLE IF EXISTS written; {SCHEMA}")

    def close(self) -> None:
        self._db.close()


def _rowid(document: Document) -> int:
    return max(0, int(document.dated.timestamp())) << ID_BITS | document.mention_id


def _terms(document: Document) -> str:
    return " ".join(search_terms(f"{document.title}\n{document.text}"))


def _facets(document: Document) -> str:
    names = [f"s_{document.source}", f"p_{document.platform}", *(f"b_{b}" for b in document.brands),
             *(f"n_{b}_{s}" for b, s in document.sentiments.items()), *(f"n__{s}" for s in sorted(set(document.sentiments.values())))]
    return " ".join(names)


def _where(query: Query) -> tuple[str, list[object]]:
    """The condition and its values. Words become quoted phrases of terms: nothing of them is syntax."""
    parts = [f'terms : "{" ".join(terms)}"' for word in query.words if (terms := search_terms(word))]
    facets = [f"s_{query.source}" if query.source else "", f"p_{query.platform}" if query.platform else "", f"b_{query.brand}" if query.brand else "",
              f"n_{query.brand or ''}_{query.sentiment}" if query.sentiment else ""]
    parts += [f'facets : "{name}"' for name in facets if name]
    conditions, values = [], list[object]()
    if parts:
        conditions.append("search MATCH ?")
        values.append(" AND ".join(parts))
    for moment, sign in ((query.since, ">="), (query.until, "<")):
        if moment is not None:
            conditions.append(f"rowid {sign} ?")
            values.append(int(moment.timestamp()) << ID_BITS)
    return " AND ".join(conditions) or "1", values



"""The rows that SQLite's archive keeps of a mention: its terms in the full-text table, the same beside it as a blob (to take
them out again), its place in time, its version, its sets of properties.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from incidents.query.facets import sentiment_token, token
from incidents.query.terms import keyword, line
from incidents.store.archive_totals import Totals, counted
from incidents.store.index import Document
from incidents.store.search import place_in_time

Pairs = tuple[tuple[str, str], ...]
Numbers = dict[Pairs, int]  # sets of properties that are committed, by what is in them
LOOKED_UP = 500  # ids in one statement


def put(db: sqlite3.Connection, documents: Iterable[Document], change: int, totals: Totals, numbers: Numbers) -> None:
    """Write each document unless a newer version is there. What is gone leaves its version, so that it cannot come back.

    All of a kind in one statement: a statement for each row took twice the time. ``numbers`` grows by what was met.
    """
    newest = _newest(documents)
    held = dict(_held(db, list(newest)))
    written = [one for one in newest.values() if held.get(one.mention_id, one.version) <= one.version]
    for one in written:
        if one.mention_id in held:
            take_out(db, one.mention_id, totals)
    there = sorted(((place_in_time(one.dated, one.mention_id), one) for one in written if not one.gone), key=itemgetter(0))
    columns = [_columns(one) for _, one in there]
    db.executemany("INSERT INTO search (rowid, title, text, facets) VALUES (?, ?, ?, ?)", [(place, *three) for (place, _), three in zip(there, columns, strict=True)])
    sets = [(place, _set_number(db, _origin(one), numbers), _set_number(db, _audience(one), numbers)) for place, one in there]
    rows: list[tuple[Any, ...]] = [(one.mention_id, None, one.version, None, None, change) for one in written if one.gone]
    rows += [(one.mention_id, place, one.version, *two, change) for (_, one), (place, *two) in zip(there, sets, strict=True)]
    db.executemany("INSERT OR REPLACE INTO written VALUES (?, ?, ?, ?, ?, ?)", rows)
    db.executemany("INSERT OR REPLACE INTO bodies VALUES (?, ?)", [(one.mention_id, _body(three)) for (_, one), three in zip(there, columns, strict=True)])
    for place, origin, audience in sets:
        totals.update(counted(place, origin, audience))


def _newest(documents: Iterable[Document]) -> dict[int, Document]:
    """One of each mention: the newest version, of several with the same the last."""
    found: dict[int, Document] = {}
    for one in documents:
        if one.mention_id not in found or found[one.mention_id].version <= one.version:
            found[one.mention_id] = one
    return found


def _held(db: sqlite3.Connection, ids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(mention id, version) of those that are there or were."""
    for start in range(0, len(ids), LOOKED_UP):
        some = ids[start : start + LOOKED_UP]
        yield from db.execute(f"SELECT mention_id, version FROM written WHERE mention_id IN ({','.join('?' * len(some))})", some)  # noqa: S608 - question marks


def take_out(db: sqlite3.Connection, mention_id: int, totals: Totals) -> None:
    """Delete a mention's terms with the very terms that were written; its version stays."""
    old = db.execute("SELECT place, body, origin, audience FROM written JOIN bodies USING (mention_id) WHERE mention_id = ?", (mention_id,)).fetchone()
    if old is not None:
        columns = zlib.decompress(old[1]).decode().split("\0")
        db.execute("INSERT INTO search (search, rowid, title, text, facets) VALUES ('delete', ?, ?, ?, ?)", (old[0], *columns))
        db.execute("DELETE FROM bodies WHERE mention_id = ?", (mention_id,))
        totals.subtract(counted(old[0], old[2], old[3]))


def _body(columns: Sequence[str]) -> bytes:
    return zlib.compress("\0".join(columns).encode(), 1)


def _columns(document: Document) -> tuple[str, str, str]:
    return line(document.title), line(document.text), " ".join(_tokens(document))


def _tokens(document: Document) -> list[str]:
    singles = {"source": document.source, "platform": document.platform, "author": document.author}
    found = [token(name, plain) for name, value in singles.items() if (plain := keyword(value))]
    found += [token("brand", keyword(brand)) for brand in document.brands]
    found += [sentiment_token(sentiment, keyword(brand)) for brand, sentiment in document.sentiments.items()]
    return found + [sentiment_token(sentiment, None) for sentiment in sorted(set(document.sentiments.values()))]


def _origin(document: Document) -> Pairs:
    return tuple((name, plain) for name, value in (("platform", document.platform), ("source", document.source)) if (plain := keyword(value)))


def _audience(document: Document) -> Pairs:
    brands = [("brand", keyword(brand)) for brand in document.brands]
    return tuple(sorted(brands + [("sentiment", f"{sentiment} {keyword(brand)}") for brand, sentiment in document.sentiments.items()]))


def _set_number(db: sqlite3.Connection, pairs: Pairs, numbers: Numbers) -> int:
    """The number of this set of properties; there are few sets, so that facets count numbers, not words."""
    if pairs not in numbers:
        said = json.dumps(pairs, ensure_ascii=False)
        db.execute("INSERT OR IGNORE INTO property_sets (pairs) VALUES (?)", (said,))
        numbers[pairs] = int(db.execute("SELECT id FROM property_sets WHERE pairs = ?", (said,)).fetchone()[0])
    return numbers[pairs]

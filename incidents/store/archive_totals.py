"""What SQLite's archive counts while it is written: mentions of each day (Asia/Shanghai) and of each set of properties.

A search for everything is then answered without reading the mentions; with bounds, only the broken days at its ends are read.
"""

from __future__ import annotations

import sqlite3
from collections import Counter

from incidents.store.search import ID_BITS, Query, second

Totals = Counter[tuple[str, int]]  # ("day", number of the day) or ("set", number of the set) → how many more
TABLE = "CREATE TABLE totals (kind TEXT NOT NULL, id INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID"
SETS = "SELECT id, number FROM totals WHERE kind = 'set' AND number > 0"
DAY = 86400
EAST = 8 * 3600  # Asia/Shanghai has no summer time since 1991
END = 1 << 62  # after every place in time
WHOLE = "SELECT id, number FROM totals WHERE kind = 'day' AND number > 0 AND id >= ? AND id < ?"
BROKEN = "SELECT ((place >> ?) + ?) / ?, count(*) FROM written WHERE place >= ? AND place < ? GROUP BY 1"


def counted(place: int, origin: int, audience: int) -> tuple[tuple[str, int], ...]:
    """What one mention counts for."""
    return ("day", ((place >> ID_BITS) + EAST) // DAY), ("set", origin), ("set", audience)


def add(db: sqlite3.Connection, totals: Totals) -> None:
    """Write down what has come and gone, inside the caller's transaction."""
    db.executemany("INSERT INTO totals VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET number = number + excluded.number",
                   [(kind, one, number) for (kind, one), number in totals.items() if number])


def by_day(query: Query) -> tuple[str, list[object]]:
    """One statement (so one look at the file) that gives (day, number) of everything between the bounds of ``query``."""
    low = second(query.since) if query.since else 0
    high = second(query.until) if query.until else END
    first, end = -(-((low >> ID_BITS) + EAST) // DAY), ((high >> ID_BITS) + EAST) // DAY  # whole days: from first to before end
    if query.since is None:
        first = 0
    if first >= end:
        return f"{BROKEN} ORDER BY 1", _broken(low, high)
    values = [*_broken(low, _begin(first)), first, end, *_broken(_begin(end), high)]
    return f"{BROKEN} UNION ALL {WHOLE} UNION ALL {BROKEN} ORDER BY 1", values


def _broken(begin: int, end: int) -> list[object]:
    return [ID_BITS, EAST, DAY, begin, end]


def _begin(day: int) -> int:
    """The place in time where a day begins."""
    return max(0, day * DAY - EAST) << ID_BITS

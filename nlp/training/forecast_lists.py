"""Hourly snapshots of the hot lists, read for replay: what had been seen of an entry at any age?"""

from __future__ import annotations

import csv
import lzma
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.forecast.hot import top_category
from nlp.forecast.listed import Visits
from nlp.forecast.spread import Floats

DAY = 24.0


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Where a list keeps what: the files, the entry's number, the metric, and the columns beside it."""

    snapshots: str
    titles: str
    number: str
    metric: str
    heat: str
    reads: str | None = None
    originals: str | None = None
    category: str | None = None


LISTS = {
    "hot_weibo": Columns(snapshots="weibo_snapshots.csv.xz", titles="weibo_topics.csv.xz", number="tid", metric="disc", heat="hot",
                         reads="read", originals="orig", category="cat"),
    "hot_zhihu": Columns(snapshots="zhihu_snapshots.csv.xz", titles="zhihu_topics.csv.xz", number="qid", metric="answers", heat="heat"),
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry: its first 24 h on the list, from first sight (ages in hours, counts never falling)."""

    first_seen: datetime
    title: str
    category: str
    ages: Floats
    counts: Floats
    beside: Floats  # rank, heat, reads, originals at each visit; -1 unknown

    def final(self, age: float) -> float:
        """The last count that the list showed up to ``age`` hours."""
        return float(self.counts[max(0, int(np.searchsorted(self.ages, age, side="right")) - 1)])


def flat(entries: Sequence[Entry]) -> Visits:
    """All visits of ``entries`` in one row, for replay; what is unknown is nan."""
    lengths = [len(one.ages) for one in entries]
    beside = np.concatenate([one.beside for one in entries])
    rank, heat, reads, originals = np.where(beside < 0, np.nan, beside).T
    return Visits(
        first_seen=np.array([one.first_seen.timestamp() for one in entries]), starts=np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64),
        ages=np.concatenate([one.ages for one in entries]), counts=np.concatenate([one.counts for one in entries]),
        rank=rank, heat=heat, reads=reads, originals=originals,
    )


def read(folder: Path, name: str) -> list[Entry]:
    """Entries of a list, oldest first; those first seen on the file's first day are left out, since nobody
    knows how long they had been listed."""
    columns = LISTS[name]
    titles = {line[columns.number]: line for line in _lines(folder / "hot" / columns.titles)}
    numbers, table = _table(folder / "hot" / columns.snapshots, columns)
    order = np.lexsort((table[:, 0], numbers))
    numbers, table = numbers[order], table[order]
    cuts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
    begin = float(table[:, 0].min()) + DAY * 3600
    entries = [
        _entry(table[a:b], titles.get(str(numbers[a]), {}), columns) for a, b in pairwise(cuts) if table[a, 0] >= begin
    ]
    return sorted(entries, key=lambda one: one.first_seen)


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with lzma.open(path, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _table(path: Path, columns: Columns) -> tuple[NDArray[np.int64], Floats]:
    """Numbers of entries, and time, metric, rank, heat, reads, originals; rows without the metric are left out."""
    names = ("ts", columns.metric, "rank", columns.heat, columns.reads, columns.originals)
    with lzma.open(path, "rt", encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        place = {name: i for i, name in enumerate(next(rows))}
        chosen = [place[name] if name else None for name in names]
        number, metric = place[columns.number], place[columns.metric]
        kept = [(int(r[number]), *(-1.0 if i is None else float(r[i]) for i in chosen)) for r in rows if float(r[metric]) >= 0]
    table = np.array(kept, dtype=np.float64)
    return table[:, 0].astype(np.int64), table[:, 1:]


def _entry(rows: Floats, title: dict[str, Any], columns: Columns) -> Entry:
    ages = (rows[:, 0] - rows[0, 0]) / 3600
    day = ages <= DAY
    return Entry(
        first_seen=datetime.fromtimestamp(float(rows[0, 0]), UTC), title=str(title.get("title", "")), ages=ages[day],
        category=top_category(title.get(columns.category or "")), counts=np.maximum.accumulate(rows[day, 1]), beside=rows[day, 2:],
    )


def newest(entries: Sequence[Entry], share: float) -> list[Entry]:
    return list(entries[round((1 - share) * len(entries)) :])

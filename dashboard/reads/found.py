"""What a search found: mentions with the words that were looked for marked, counts by time, counts by property."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from dashboard import desk
from dashboard.reads.kept import ROWS, briefly
from dashboard.reads.seen import SEEN, Seen, seen_of
from incidents.model import Span
from incidents.now import SHANGHAI
from incidents.query import Fields, Watchlist, parse
from incidents.store import tables as t
from incidents.store.engine import reading
from incidents.store.search import FACETS, ArchiveDown, Query, by_hour

PAGE = 50
HOURS = timedelta(days=3)  # a stretch up to this long is shown hour by hour
DAYS = 400  # bars of the histogram, as long as mentions are kept by default
VALUES = 12  # of one property, most frequent first
SHOWN = 320  # code points of a text; a longer one is shown around the first word found
KEPT_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A search: a query that can be read (empty asks for everything), and what narrows it. Times are whole hours."""

    typed: str = ""
    brand: str | None = None
    source: str | None = None
    platform: str | None = None
    sentiment: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def query(self) -> Query:
        return Query(expr=parse(self.typed) if self.typed.strip() else None, brand=self.brand, source=self.source, platform=self.platform,
                     sentiment=self.sentiment, since=self.since, until=self.until)


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A mention that was found. ``seen.text`` is the part that is shown; ``cut`` says whether something stands before and after it."""

    seen: Seen
    spans: tuple[Span, ...]
    cut: tuple[bool, bool] = (False, False)


@dataclass(frozen=True, kw_only=True)
class Hits:
    """One page, newest first; ``before`` asks for the next one. ``fault``: the archive does not answer."""

    rows: tuple[Hit, ...] = ()
    before: int | None = None
    fault: bool = False


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Counts by day (YYYY-MM-DD) or hour (YYYY-MM-DDTHH) of Asia/Shanghai, without gaps, and how many in all."""

    unit: Literal["day", "hour"] = "day"
    counts: tuple[tuple[str, int], ...] = ()
    total: int = 0


@briefly(KEPT_S)
def found_page(asked: Asked, before: int | None = None, limit: int = PAGE) -> Hits:
    """A page of mentions. An archive that is down is said, not raised."""
    try:
        found = desk.here().archive().newest(asked.query(), limit=min(limit, ROWS), before=before)
    except ArchiveDown:
        return Hits(fault=True)
    return Hits(rows=hits(found.ids, asked), before=found.before)


@briefly(KEPT_S)
def found_bars(asked: Asked) -> Bars:
    """The histogram and the number of all: one pass gives both. Raises ArchiveDown."""
    archive, query = desk.here().archive(), asked.query()
    if asked.since is not None and asked.until is not None and asked.until - asked.since <= HOURS:
        counts = by_hour(archive, query, asked.since, asked.until)
        return Bars(unit="hour", counts=_filled(counts, "hour"), total=sum(counts.values()))
    counts = archive.by_day(query)
    return Bars(counts=_filled(counts, "day")[-DAYS:], total=sum(counts.values()))


@briefly(KEPT_S)
def found_facets(asked: Asked) -> tuple[tuple[str, tuple[tuple[str, int], ...]], ...]:
    """Property → (value, number), most frequent first. Raises ArchiveDown."""
    counts = desk.here().archive().facets(asked.query())
    return tuple((name, tuple(sorted(counts.get(name, {}).items(), key=lambda one: (-one[1], one[0]))[:VALUES])) for name in FACETS)


def waiting() -> int:
    """Mentions that the archive has still to learn."""
    return _waiting()


@briefly(3.0)
def _waiting() -> int:
    return desk.here().ledger.index.waiting()


def _filled(counts: Mapping[str, int], unit: Literal["day", "hour"]) -> tuple[tuple[str, int], ...]:
    """From the first stretch to the last one, those with nothing too."""
    if not counts:
        return ()
    form, step = ("%Y-%m-%d", timedelta(days=1)) if unit == "day" else ("%Y-%m-%dT%H", timedelta(hours=1))
    at, last = (datetime.strptime(name, form).replace(tzinfo=SHANGHAI) for name in (min(counts), max(counts)))
    found = []
    while at <= last:
        name = at.strftime(form)
        found.append((name, counts.get(name, 0)))
        at += step
    return tuple(found)


def hits(ids: Sequence[int], asked: Asked) -> tuple[Hit, ...]:
    """The mentions in the order of ``ids``, each once (towards the brand if one is asked for), marked by the matcher in this process."""
    rows = _rows(ids)
    watchlist = Watchlist({"": parse(asked.typed)} if asked.typed.strip() else {})
    return tuple(_hit(rows[one], watchlist, asked.brand) for one in ids if one in rows)


def _rows(ids: Sequence[int]) -> dict[int, list[sa.RowMapping]]:
    """Mention → its rows, one for each brand. What matched no brand has one row without any."""
    m, b, s = t.mentions, t.mention_brands, t.scores
    joined = m.outerjoin(b, b.c.mention_id == m.c.id).outerjoin(s, sa.and_(s.c.mention_id == m.c.id, s.c.brand == b.c.brand))
    found: dict[int, list[sa.RowMapping]] = {}
    with reading(desk.here().ledger.engine) as c:
        for row in c.execute(sa.select(*SEEN).select_from(joined).where(m.c.id.in_(ids)).order_by(b.c.brand)).mappings():
            found.setdefault(row["id"], []).append(row)
    return found


def _hit(rows: Sequence[sa.RowMapping], watchlist: Watchlist, brand: str | None) -> Hit:
    row = next((one for one in rows if brand is not None and one["brand"] == brand), rows[0])
    spans = _spans(rows, watchlist, brand)
    seen = seen_of({**row, "brand": row["brand"] or ""}, whole=True)
    begin, end = _window(seen.text, spans)
    return Hit(seen=replace(seen, text=seen.text[begin:end], harms=_moved(seen.harms, begin, end), names=_moved(seen.names, begin, end),
                            why=_moved(seen.why, begin, end)),
               spans=_moved(spans, begin, end), cut=(begin > 0, end < len(seen.text)))


def _spans(rows: Sequence[sa.RowMapping], watchlist: Watchlist, brand: str | None) -> tuple[Span, ...]:
    """What the query found. Without a brand, ``sentiment:`` means the one towards any of the mention's brands."""
    first = rows[0]
    for sentiment in dict.fromkeys(row["sentiment"] for row in rows if brand in (None, row["brand"])):
        fields = Fields(title=first["title"], text=first["text"], source=first["source"], platform=first["platform"], author=first["author_name"], sentiment=sentiment)
        if (found := watchlist.match(fields).get("")) is not None:
            return found
    return ()


def _window(text: str, spans: Sequence[Span]) -> tuple[int, int]:
    """The part of a long text around the first word found in it, some of what stands before it included."""
    if len(text) <= SHOWN:
        return 0, len(text)
    first = min((span.start for span in spans if span.field == "text"), default=0)
    begin = max(0, min(first - SHOWN // 4, len(text) - SHOWN))
    return begin, begin + SHOWN


def _moved(spans: Sequence[Span], begin: int, end: int) -> tuple[Span, ...]:
    """Spans of the text as spans of its part; those of the title stay."""
    return tuple(span if span.field != "text" else replace(span, start=max(span.start, begin) - begin, end=min(span.end, end) - begin)
                 for span in spans if span.field != "text" or (span.end > begin and span.start < end))

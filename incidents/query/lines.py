"""``yujing match``: one JSON line in, whether the query matches it out (the fields are those of docs/commands.md)."""

from __future__ import annotations

from typing import BinaryIO, TextIO

from incidents.jsonlines import Answer, Line, answer_each
from incidents.model import Span
from incidents.query import Fields, Watchlist, parse


def run(query: str, stdin: BinaryIO, stdout: BinaryIO | TextIO) -> int:
    """Answer every line; the exit status is 1 when one could not be used, else 0.

    Raises:
        QueryError: the query cannot be read (``yujing`` says it and ends with 2).
    """
    watchlist = Watchlist({"": parse(query)})
    return answer_each(stdin, stdout, lambda line: _answer(line, watchlist))


def _answer(line: Line, watchlist: Watchlist) -> Answer:
    found = watchlist.match(read(line)).get("")
    return {"id": line.id, "matched": found is not None, "spans": [_written(span) for span in found or ()]}


def read(line: Line) -> Fields:
    """What the query may see of ``line``.

    Raises:
        LineError: the text is missing, or a field is no string.
    """
    return Fields(text=line.required("text"), title=line.string("title") or "", source=line.string("source"),
                  platform=line.string("platform"), author=line.string("author"), sentiment=line.string("sentiment"))


def _written(span: Span) -> Answer:
    return {"field": span.field, "start": span.start, "end": span.end, "term": span.name}

"""One found mention as a row: the words that were looked for are lit, harm words are marked as everywhere else."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.parts import esc
from dashboard.reads import Hit
from dashboard.room_tabs import mention_row, table
from incidents.model import Span

COLUMNS = ("post.where", "search.column", "post.count", "post.why")
LIT, HARM, WHY = ('<b class="hit">', "</b>"), ("<mark>", "</mark>"), ("<u>", "</u>")
Layer = tuple[tuple[str, str], Sequence[Span]]


def rows(found: Sequence[Hit]) -> str:
    """The table of found mentions, as HTML."""
    return table(COLUMNS, "".join(row(one) for one in found), numeric=2)


def row(hit: Hit) -> str:
    """As in an incident's room, with the words that were looked for lit."""
    return mention_row(hit.seen, _text(hit))


def _text(hit: Hit) -> str:
    one = hit.seen
    before, after = ("…" if cut else "" for cut in hit.cut)
    shown = f"{before}{lit(one.text, ((WHY, _in(one.why, 'text')), (HARM, _in(one.harms, 'text')), (LIT, _in(hit.spans, 'text'))))}{after}"
    if not one.title or (one.text.startswith(one.title) and not hit.cut[0]):
        return shown
    return f"<strong>{lit(one.title, ((WHY, _in(one.why, 'title')), (HARM, _in(one.harms, 'title')), (LIT, _in(hit.spans, 'title'))))}</strong><br>{shown}"


def _in(spans: Sequence[Span], field: str) -> list[Span]:
    return [span for span in spans if span.field == field]


def lit(text: str, layers: Sequence[Layer]) -> str:
    """``text`` as HTML with each layer's spans between its two tags; where layers meet, the later one wins."""
    kinds: list[int | None] = [None] * len(text)
    for layer, (_, spans) in enumerate(layers):
        for one in spans:
            for place in range(max(0, one.start), min(len(text), one.end)):
                kinds[place] = layer
    found, start = [], 0
    for place in range(1, len(text) + 1):
        if place == len(text) or kinds[place] != kinds[start]:
            opening, closing = ("", "") if (kind := kinds[start]) is None else layers[kind][0]
            found.append(f"{opening}{esc(text[start:place])}{closing}")
            start = place
    return "".join(found)

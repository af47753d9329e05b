"""One found mention as a row: the words that were looked for are lit, harm words are marked as everywhere else."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard import reads
from dashboard import say as words
from dashboard.parts import dots, esc, link
from dashboard.reads import Hit
from dashboard.room_tabs import judged, table
from dashboard.say import say
from incidents.i18n import clock_time, number, span
from incidents.model import Span

COLUMNS = ("post.where", "search.column", "post.count", "post.why")
LIT, HARM = ('<b class="hit">', "</b>"), ("<mark>", "</mark>")
Layer = tuple[tuple[str, str], Sequence[Span]]


def rows(found: Sequence[Hit]) -> str:
    """The table of found mentions, as HTML."""
    return table(COLUMNS, "".join(row(one) for one in found), numeric=2)


def row(hit: Hit) -> str:
    """Who, what, how much, what the models say. A deleted post keeps its place, not its words."""
    one, now = hit.seen, reads.moment()
    author = dots(esc(one.author_name), say("post.followers", n=words.band(one.followers)) if one.followers else "")
    text = f'<span class="s">{say("post.gone")}</span>' if one.gone else _text(hit)
    count = next((f"<b>{number(n)}</b><span class='s'>{words.metric(name)}</span>" for name, n in one.counts if name in ("reposts", "comments")), "")
    late = one.first_seen - one.dated
    notes = dots(say("post.edited") if one.edited else "", say("post.late", span=span(late)) if late.total_seconds() > 3600 else "", link(one.url, say("post.open")))
    return (f"<tr><td><b>{esc(words.platform(one.platform))}</b><span class='s foreign'>{author}</span><span class='s'>{clock_time(one.dated, now)}</span></td>"
            f"<td><div class='post'>{text}</div><span class='s'>{notes}</span></td><td class='n'>{count}</td><td>{judged(one)}</td></tr>")


def _text(hit: Hit) -> str:
    one = hit.seen
    before, after = ("…" if cut else "" for cut in hit.cut)
    shown = f"{before}{lit(one.text, ((HARM, _in(one.harms, 'text')), (LIT, _in(hit.spans, 'text'))))}{after}"
    if not one.title or (one.text.startswith(one.title) and not hit.cut[0]):
        return shown
    return f"<strong>{lit(one.title, ((HARM, _in(one.harms, 'title')), (LIT, _in(hit.spans, 'title'))))}</strong><br>{shown}"


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

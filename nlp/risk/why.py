"""Why a text was given its issue class, its nature, its noise or its hostility: the stretches that decided.

Noise and hostility are rules, so their terms are the reason. Issue and nature come from a linear model: each character
gets what its n-grams and the rules' hits over it spoke for the chosen class against the others (``Small.pull``), and
the stretches with most of it are told. A class that a stated harm decided is explained by that harm.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from re import Match

from incidents.model import Span
from incidents.text import Normal
from nlp.risk.signals import BARE, MOST_READ, Findings, Kinds, once
from nlp.risk.small import GRAVE, ISSUE_CLASSES, ISSUES, NATURE_CLASSES, TOLD, Chosen, Vector, columns, small

MOST = 3  # stretches of one judgement
HIGH = 0.3  # of the highest character: what a stretch is made of
ENOUGH = 0.25  # of the best stretch: what is told beside it
HOSTILE = "hostile"
# What each column of nlp.risk.small.columns counts the hits of; "" is any name.
COLUMNS = (*(("issue", name) for name in ISSUES), *((group, "") for group in GRAVE), *(("nature", name) for name in TOLD))
MARKS = frozenset("，,。.！!？?；;：:、…~～—-“”\"'‘’（）()《》【】[]#@ \t\n\u3000")
TAILS = frozenset("的了着得就都也又")  # what a stretch does not begin or end with
Place = tuple[str, int]  # field and offset


def why(findings: Findings, told: Kinds, negative: float) -> tuple[Span, ...]:
    """The spans of every judgement of ``told``, each named by what it is the reason for; at most three of one name."""
    spans = [span for group, span in findings.marks if group == "hostile" or (group == "noise" and span.name == told.noise)]
    found = _first(span if span.name == told.noise else replace(span, name=HOSTILE) for span in spans)
    if told.shares is None or (told.issue is None and told.nature is None):
        return found
    return (*_of_model(findings, told, told.shares, negative), *found)


def _of_model(findings: Findings, told: Kinds, shares: tuple[Vector, Vector], negative: float) -> Iterator[Span]:
    asked: dict[str, Chosen] = {}
    if told.issue is not None:
        asked[told.issue.name] = Chosen(shares=shares[0], at=ISSUE_CLASSES.index(told.issue.name), first=0)
    if told.nature == NATURE_CLASSES[int(shares[1].argmax())]:
        asked[str(told.nature)] = Chosen(shares=shares[1], at=NATURE_CLASSES.index(str(told.nature)), first=len(ISSUE_CLASSES))
    elif told.nature is not None:  # the harm decided, not the model
        yield from _first(replace(span, name=told.nature) for group, span in findings.marks if group == "harm")
    for name, worth in zip(asked, _worth(findings, negative, list(asked.values())), strict=True):
        yield from _stretches(findings, name, worth)


def _worth(findings: Findings, negative: float, asked: Sequence[Chosen]) -> Iterator[dict[str, list[float]]]:
    """What each character of title and text, by field, spoke for each of the chosen classes."""
    dense = columns(findings.text, findings.hits, negative)
    places = traced(findings)[1]
    for characters, by_column in small().pull(findings.text, dense, asked):
        worth = {name: [0.0] * (form.origin[-1] + 1) for name, form in findings.forms}
        for place, value in zip(places, characters.tolist(), strict=False):  # the model reads no further
            if place is not None:
                worth[place[0]][place[1]] += value
        for kind, value in zip(COLUMNS, by_column.tolist(), strict=False):  # the last ones are of the text's shape
            if value:
                _lay(worth, [span for group, span in findings.marks if kind in ((group, span.name), (group, ""))], value)
        yield worth


def _lay(worth: dict[str, list[float]], spans: Sequence[Span], value: float) -> None:
    """Spread a column's worth over the characters of its hits."""
    places = {(span.field, at) for span in spans for at in range(span.start, span.end)}
    for name, at in places:
        worth[name][at] += value / len(places)


def traced(findings: Findings) -> tuple[str, list[Place | None]]:
    """``findings.text`` once more, and where each of its characters stands; None for what was put in."""
    (_, title), (_, text) = findings.forms
    kept = [(name, form) for name, form in findings.forms if name == "text" or not once(title.text, text.text)]
    read: list[tuple[str, Place | None]] = []
    for name, form in kept:
        read.extend([("，", None)] if read else [])
        read.extend((char, (name, at)) for char, at in zip(form.text, form.origin, strict=False))
    for pattern, instead in BARE:
        read = _without(read[:MOST_READ], pattern.finditer("".join(char for char, _ in read[:MOST_READ])), instead)
    bare = "".join(char for char, _ in read)
    begin = len(bare) - len(bare.lstrip())
    return bare.strip(), [place for _, place in read][begin : begin + len(bare.strip())]


def _without(read: list[tuple[str, Place | None]], matches: Iterable[Match[str]], instead: str) -> list[tuple[str, Place | None]]:
    left: list[tuple[str, Place | None]] = []
    last = 0
    for match in matches:
        start, end = match.span()
        left += [*read[last:start], (instead, None)]
        last = end
    return left + read[last:]


def _stretches(findings: Findings, name: str, worth: Mapping[str, Sequence[float]]) -> tuple[Span, ...]:
    """The stretches of characters that spoke for it most, in the order of the text."""
    high = HIGH * max(max(values) for values in worth.values())
    if high <= 0:
        return ()
    runs = sorted((run for field, form in findings.forms for run in _runs(field, _characters(form), worth[field], high)), key=lambda run: -run[0])[:MOST]
    spans = [span for value, span in runs if value >= ENOUGH * runs[0][0]]
    return tuple(sorted((replace(span, name=name) for span in spans), key=lambda span: (span.field == "text", span.start)))


def _characters(form: Normal) -> str:
    """A normalised text with one character for each of the text as given."""
    if len(form.text) == form.origin[-1]:
        return form.text
    found = dict(zip(form.origin, form.text, strict=False))
    return "".join(found.get(at, " ") for at in range(form.origin[-1]))


def _runs(field: str, text: str, values: Sequence[float], high: float) -> Iterator[tuple[float, Span]]:
    """Neighbouring characters of at least ``high``, with their sum; no stretch ends in a mark, none is half a word of two."""
    for stands, places in groupby(range(len(text)), key=lambda at: values[at] >= high and text[at] not in MARKS):
        if not stands:
            continue
        found = list(places)
        start, end = found[0], found[-1] + 1
        while end - start > 2 and text[end - 1] in TAILS:
            end -= 1
        while end - start > 2 and text[start] in TAILS:
            start += 1
        if end - start == 1:
            start, end = _wider(start, values, text)
        yield float(sum(values[start:end])), Span(name="", field=field, start=start, end=end)


def _wider(at: int, values: Sequence[float], text: str) -> tuple[int, int]:
    """One character with the neighbour that spoke more."""
    sides = [other for other in (at - 1, at + 1) if 0 <= other < len(text) and text[other] not in MARKS and values[other] > 0]
    if not sides:
        return at, at + 1
    other = max(sides, key=lambda side: values[side])
    return min(at, other), max(at, other) + 1


def _first(spans: Iterable[Span]) -> tuple[Span, ...]:
    counts: defaultdict[str, int] = defaultdict(int)
    kept = []
    for span in spans:
        counts[span.name] += 1
        if counts[span.name] <= MOST:
            kept.append(span)
    return tuple(kept)

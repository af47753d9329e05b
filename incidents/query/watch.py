"""Thousands of queries against one mention in a single pass (Aho and Corasick, 1975).

All phrases of all queries are the words of one automaton, which runs over the mention's terms. A query
is looked at only when one of the phrases that it cannot do without was seen.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import ahocorasick

from incidents.model import Span
from incidents.query.terms import keyword, placed, terms
from incidents.query.tree import And, Facet, Near, Node, Not, Or, Phrase, phrases, wanted_and_not

Hits = dict[str, dict[str, list[int]]]  # phrase (see ``_line``) → field → numbers of the terms it begins at, rising
Test = Callable[["_Seen"], bool]
TEXT_FIELDS = ("title", "text")


@dataclass(frozen=True, kw_only=True)
class Fields:
    """What a query can see of a mention. None is unknown, and a filter on it is false."""

    text: str
    title: str = ""
    source: str | None = None
    platform: str | None = None
    author: str | None = None
    sentiment: str | None = None


class Watchlist:
    """Queries by name, ready to be held against mentions."""

    def __init__(self, queries: Mapping[str, Node]) -> None:
        self._queries = dict(queries)
        self._tests = {name: _test(node) for name, node in queries.items()}
        self._waked: dict[str, list[str]] = {}
        self._always: list[str] = []
        for name, node in self._queries.items():
            self._plan(name, node)
        self._automaton = ahocorasick.Automaton()
        for line in {_line(phrase.terms) for node in self._queries.values() for phrase in phrases(node)}:
            self._automaton.add_word(line, line)
        self._has_words = len(self._automaton) > 0
        if self._has_words:
            self._automaton.make_automaton()

    def _plan(self, name: str, node: Node) -> None:
        needed = _needed(node)
        if needed is None:
            self._always.append(name)
        for line in {_line(phrase.terms) for phrase in needed or ()}:
            self._waked.setdefault(line, []).append(name)

    def match(self, fields: Fields) -> dict[str, tuple[Span, ...]]:
        """Name → what matched, in title and text as given, for every query that holds (filters alone mark nothing)."""
        seen = _Seen(fields, self._hits(fields))
        return {name: _sorted(_spans(self._queries[name], seen)) for name in self._waking(seen.hits) if self._tests[name](seen)}

    def _waking(self, hits: Hits) -> Iterable[str]:
        """The queries worth a look, each once, in a fixed order."""
        return dict.fromkeys([*self._always, *(name for line in hits for name in self._waked.get(line, ()))])

    def _hits(self, fields: Fields) -> Hits:
        found: Hits = {}
        if not self._has_words:
            return found
        for field in TEXT_FIELDS:
            row = terms(getattr(fields, field))
            begins: list[int] = []
            for last, line in self._automaton.iter(_line(row)):
                begins = begins or [0, *accumulate(len(term) + 1 for term in row)]  # of the blank before each term
                found.setdefault(line, {}).setdefault(field, []).append(bisect_left(begins, last + 1 - len(line)))
        return found


class _Seen:
    """One mention with the phrases that were found in it."""

    def __init__(self, fields: Fields, hits: Hits) -> None:
        self.fields = fields
        self.hits = hits

    def at(self, phrase: Phrase, field: str) -> list[int]:
        if phrase.title_only and field != "title":
            return []
        return self.hits.get(_line(phrase.terms), {}).get(field, [])

    def facet(self, name: str) -> str | None:
        value: str | None = getattr(self.fields, name, None)
        return None if value is None else keyword(value)

    def span(self, phrase: Phrase, field: str, begin: int) -> Span:
        places = self._places[field]
        return Span(name=phrase.wording, field=field, start=places[begin][0], end=places[begin + len(phrase.terms) - 1][1])

    @cached_property
    def _places(self) -> dict[str, tuple[tuple[int, int], ...]]:
        return {field: placed(getattr(self.fields, field)).spans for field in TEXT_FIELDS}


def _line(row: Sequence[str]) -> str:
    """Terms with a blank around each: one line holds another exactly where its terms stand in a row."""
    return f" {' '.join(row)} "


def _test(node: Node) -> Test:
    """``node`` as a function that says whether it holds (made once: a mention may wake hundreds of queries)."""
    if isinstance(node, Phrase):
        line = _line(node.terms)
        return (lambda seen: "title" in seen.hits.get(line, ())) if node.title_only else (lambda seen: line in seen.hits)
    if isinstance(node, Facet):
        return lambda seen: seen.facet(node.name) == node.value
    if isinstance(node, Near):
        return lambda seen: any(True for _ in _pairs(node, seen))
    if isinstance(node, Not):
        inner = _test(node.part)
        return lambda seen: not inner(seen)
    return _test_of_all(node) if isinstance(node, And) else _test_of_one(node)


def _test_of_all(node: And) -> Test:
    tests = tuple(_test(part) for part in node.parts)

    def holds(seen: _Seen) -> bool:
        for test in tests:  # noqa: SIM110 - all() over a generator takes twice as long
            if not test(seen):
                return False
        return True

    return holds


def _test_of_one(node: Or) -> Test:
    plain = frozenset(_line(part.terms) for part in node.parts if isinstance(part, Phrase) and not part.title_only)
    others = tuple(_test(part) for part in node.parts if not isinstance(part, Phrase) or part.title_only)
    if not others:
        return lambda seen: not seen.hits.keys().isdisjoint(plain)
    return lambda seen: not seen.hits.keys().isdisjoint(plain) or any(test(seen) for test in others)


def _pairs(node: Near, seen: _Seen) -> Iterable[tuple[Phrase, str, int]]:
    """The occurrences on either side that have one of the other side near them."""
    for here, there in ((node.left, node.right), (node.right, node.left)):
        for phrase in here:
            for field in TEXT_FIELDS:
                for begin in seen.at(phrase, field):
                    if any(_is_near(begin, phrase, other, seen.at(other, field), node.distance) for other in there):
                        yield phrase, field, begin


def _is_near(begin: int, phrase: Phrase, other: Phrase, others: list[int], distance: int) -> bool:
    """At most ``distance`` terms lie between the end of the one and the beginning of the other; they may overlap."""
    first, last = begin - len(other.terms) - distance, begin + len(phrase.terms) + distance
    return bisect_left(others, first) < bisect_right(others, last)


def _spans(node: Node, seen: _Seen) -> Iterable[Span]:
    """What made ``node``, which holds, hold. Choices that do not hold mark nothing, exclusions never do."""
    if isinstance(node, Phrase):
        for field in TEXT_FIELDS:
            yield from (seen.span(node, field, begin) for begin in seen.at(node, field))
    elif isinstance(node, Near):
        yield from (seen.span(*one) for one in _pairs(node, seen))
    elif isinstance(node, And):
        for part in node.parts:
            yield from _spans(part, seen)
    elif isinstance(node, Or):
        for part in node.parts:
            if not isinstance(part, And) or _test(part)(seen):  # any other part that does not hold marks nothing anyway
                yield from _spans(part, seen)


def _sorted(spans: Iterable[Span]) -> tuple[Span, ...]:
    return tuple(sorted(set(spans), key=lambda span: (TEXT_FIELDS.index(span.field), span.start, span.end, span.name)))


def _needed(node: Node) -> tuple[Phrase, ...] | None:
    """Phrases of which one must be there for ``node`` to hold; None when it may hold without any."""
    if isinstance(node, Phrase):
        return (node,)
    if isinstance(node, Near):
        return min(node.left, node.right, key=_commonness)
    if isinstance(node, Or):
        choices = [_needed(part) for part in node.parts]
        return None if None in choices else tuple(phrase for choice in choices for phrase in choice or ())
    if isinstance(node, And):
        offers = [needed for part in wanted_and_not(node)[0] if (needed := _needed(part)) is not None]
        return min(offers, key=_commonness, default=None)
    return None


def _commonness(choice: tuple[Phrase, ...]) -> tuple[int, int]:
    """Long phrases are rare, and so are few of them: the choice to wait for is the smallest."""
    return -min(sum(map(len, phrase.terms)) for phrase in choice), len(choice)

"""Thousands of queries against one mention in a single pass (Aho and Corasick, 1975).

All phrases of all queries are the words of one automaton, which runs over the mention's terms. A query
is looked at only when one of the phrases that it cannot do without was seen.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import ahocorasick

from incidents.model import Span
from incidents.query.terms import keyword, placed, terms
from incidents.query.tree import And, Facet, Near, Node, Not, Or, Phrase, phrases, wanted_and_not

Words = tuple[str, ...]
Hits = dict[Words, dict[str, list[int]]]  # phrase → field → numbers of the terms it begins at, rising
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
        self._waked: dict[Words, list[str]] = {}
        self._always: list[str] = []
        for name, node in self._queries.items():
            self._plan(name, node)
        self._automaton = ahocorasick.Automaton()
        for words in {phrase.terms for node in self._queries.values() for phrase in phrases(node)}:
            self._automaton.add_word(f" {' '.join(words)} ", words)
        self._has_words = len(self._automaton) > 0
        if self._has_words:
            self._automaton.make_automaton()

    def _plan(self, name: str, node: Node) -> None:
        needed = _needed(node)
        if needed is None:
            self._always.append(name)
        for words in {phrase.terms for phrase in needed or ()}:
            self._waked.setdefault(words, []).append(name)

    def match(self, fields: Fields) -> dict[str, tuple[Span, ...]]:
        """Name → what matched, in title and text as given, for every query that holds (filters alone mark nothing)."""
        seen = _Seen(fields, self._hits(fields))
        held = (name for name in self._waking(seen.hits) if _holds(self._queries[name], seen))
        return {name: _sorted(_spans(self._queries[name], seen)) for name in held}

    def _waking(self, hits: Hits) -> Iterable[str]:
        """The queries worth a look, each once, in a fixed order."""
        return dict.fromkeys([*self._always, *(name for words in hits for name in self._waked.get(words, ()))])

    def _hits(self, fields: Fields) -> Hits:
        found: Hits = {}
        if not self._has_words:
            return found
        for field in TEXT_FIELDS:
            row = terms(getattr(fields, field))
            line = f" {' '.join(row)} "
            begins: list[int] = []
            for last, words in self._automaton.iter(line):
                begins = begins or [0, *accumulate(len(term) + 1 for term in row)]
                first = last - sum(map(len, words)) - len(words)  # of the blank before the phrase
                found.setdefault(words, {}).setdefault(field, []).append(bisect_left(begins, first))
        return found


class _Seen:
    """One mention with the phrases that were found in it."""

    def __init__(self, fields: Fields, hits: Hits) -> None:
        self.fields = fields
        self.hits = hits

    def at(self, phrase: Phrase, field: str) -> list[int]:
        if phrase.title_only and field != "title":
            return []
        return self.hits.get(phrase.terms, {}).get(field, [])

    def facet(self, name: str) -> str | None:
        value: str | None = getattr(self.fields, name, None)
        return None if value is None else keyword(value)

    def span(self, phrase: Phrase, field: str, begin: int) -> Span:
        places = self._places[field]
        return Span(name=phrase.wording, field=field, start=places[begin][0], end=places[begin + len(phrase.terms) - 1][1])

    @cached_property
    def _places(self) -> dict[str, tuple[tuple[int, int], ...]]:
        return {field: placed(getattr(self.fields, field)).spans for field in TEXT_FIELDS}


def _holds(node: Node, seen: _Seen) -> bool:
    if isinstance(node, Phrase):
        found = seen.hits.get(node.terms)
        return found is not None and (not node.title_only or "title" in found)
    if isinstance(node, And):
        return all(_holds(part, seen) for part in node.parts)
    if isinstance(node, Or):
        return any(_holds(part, seen) for part in node.parts)
    if isinstance(node, Not):
        return not _holds(node.part, seen)
    if isinstance(node, Facet):
        return seen.facet(node.name) == node.value
    return any(True for _ in _pairs(node, seen))


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
    """What made ``node`` hold. Parts that do not hold mark nothing, exclusions never do."""
    if isinstance(node, Phrase):
        for field in TEXT_FIELDS:
            yield from (seen.span(node, field, begin) for begin in seen.at(node, field))
    elif isinstance(node, Near):
        yield from (seen.span(*one) for one in _pairs(node, seen))
    elif isinstance(node, And | Or):
        for part in node.parts:
            if _holds(part, seen):
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

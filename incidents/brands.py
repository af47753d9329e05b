"""Which brands a text names, and where: by names (``any``, ``none``) and by query (docs/query.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import ahocorasick

from incidents.model import Span
from incidents.query import Fields, Watchlist, parse
from incidents.settings import BrandSettings
from incidents.text import Normal, normalise


@dataclass(frozen=True, kw_only=True)
class _Use:
    brand: str
    term: str
    refuses: bool


class Matcher:
    """All brands against one text in one pass (Aho–Corasick, 1975).

    Script (traditional/simplified), width and case do not matter. A name of Latin letters or digits
    only counts where no other letter or digit touches it. A brand is named when one of its names or its
    query is found and none of the names that refuse it is.
    """

    def __init__(self, brands: Sequence[BrandSettings]) -> None:
        self._catch_all = tuple(brand.id for brand in brands if brand.catch_all)
        uses: dict[str, list[_Use]] = {}
        for brand in brands:
            for term, refuses in [*((t, False) for t in brand.any if t != "*"), *((t, True) for t in brand.none)]:
                uses.setdefault(normalise(term).text, []).append(_Use(brand=brand.id, term=term, refuses=refuses))
        self._automaton = ahocorasick.Automaton()
        for word, found in uses.items():
            self._automaton.add_word(word, (word, tuple(found)))
        self._empty = not uses
        if uses:
            self._automaton.make_automaton()
        self._watchlist = Watchlist({brand.id: parse(brand.query) for brand in brands if brand.query is not None})

    def match(self, title: str, text: str, *, source: str | None = None, platform: str | None = None,
              author: str | None = None) -> dict[str, tuple[Span, ...]]:
        """Brand id → spans of its names in title and text (code points of the strings as given).

        Source, platform and author (his shown name) are what filters in queries see; None makes them false.
        """
        asked = self._watchlist.match(Fields(title=title, text=text, source=source, platform=platform, author=author))
        found: dict[str, list[Span]] = {**{brand: [] for brand in self._catch_all}, **{brand: list(spans) for brand, spans in asked.items()}}
        refused: set[str] = set()
        for field, value in (("title", title), ("text", text)):
            for use, span in self._hits(field, value):
                if use.refuses:
                    refused.add(use.brand)
                else:
                    found.setdefault(use.brand, []).append(span)
        return {brand: tuple(spans) for brand, spans in found.items() if brand not in refused}

    def _hits(self, field: str, value: str) -> Iterable[tuple[_Use, Span]]:
        if self._empty or not value:
            return
        form = normalise(value)
        for last, (word, uses) in self._automaton.iter(form.text):
            first = last - len(word) + 1
            if _stands_alone(form, first, last):
                for use in uses:
                    yield use, Span(name=use.term, field=field, start=form.origin[first], end=form.origin[last] + 1)


def _stands_alone(form: Normal, first: int, last: int) -> bool:
    return not (_joins(form.text, first - 1, first) or _joins(form.text, last, last + 1))


def _joins(text: str, left: int, right: int) -> bool:
    """True when two neighbours are both ASCII letters or digits: the word goes on."""
    if left < 0 or right >= len(text):
        return False
    return all(c.isascii() and c.isalnum() for c in (text[left], text[right]))


def spans_to_json(found: Mapping[str, Sequence[Span]]) -> dict[str, list[list[str | int]]]:
    return {brand: [[s.name, s.field, s.start, s.end] for s in spans] for brand, spans in found.items()}


def spans_from_json(rows: Sequence[Sequence[str | int]]) -> tuple[Span, ...]:
    return tuple(Span(name=str(n), field=str(f), start=int(s), end=int(e)) for n, f, s, e in rows)

"""The rules' words: one data file, one automaton, one pass over a text."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import ahocorasick

FILE = Path(__file__).with_name("lexicon.toml")
GROUPS = ("harm", "escalation", "crowd", "issue", "nature", "noise", "hostile")
LONGEST = 20_000  # characters that are matched; nobody hides a fire behind twenty pages

Pattern = re.Pattern[str]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One table of the file: ``group`` and ``name`` are its heading, ``weight`` counts among issues."""

    group: str
    name: str
    words: tuple[str, ...]
    patterns: tuple[Pattern, ...]
    unless: tuple[str, ...]
    never: tuple[Pattern, ...]
    weight: float


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A rule's term in a normalised text, half-open."""

    group: str
    name: str
    start: int
    end: int


class Lexicon:
    """All rules of a file. ``context`` holds the expressions by which a hit is taken back."""

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self.rules = tuple(_rules(tables))
        self.context = {name: re.compile(text) for name, text in tables["context"].items()}
        self._patterns = tuple((at, pattern) for at, rule in enumerate(self.rules) for pattern in rule.patterns)
        self._automaton = ahocorasick.Automaton()
        uses: dict[str, list[tuple[int, bool]]] = {}
        for at, rule in enumerate(self.rules):
            for word, refuses in [*((w, False) for w in rule.words), *((w, True) for w in rule.unless)]:
                uses.setdefault(word, []).append((at, refuses))
        for word, found in uses.items():
            self._automaton.add_word(word, (len(word), tuple(found)))
        self._automaton.make_automaton()

    def hits(self, text: str) -> list[Hit]:
        """Terms of all rules in a normalised text, without those inside a phrase that means something else.

        Of one rule's overlapping hits the longest stays.
        """
        text = text[:LONGEST]
        found: dict[int, list[tuple[int, int]]] = {}
        refused: list[tuple[int, int]] = []
        for last, (length, uses) in self._automaton.iter(text):
            for at, refuses in uses:
                (refused if refuses else found.setdefault(at, [])).append((last + 1 - length, last + 1))
        for at, pattern in self._patterns:
            for match in pattern.finditer(text):
                found.setdefault(at, []).append(match.span())
        return [
            Hit(group=self.rules[at].group, name=self.rules[at].name, start=start, end=end)
            for at, spans in sorted(found.items())
            for start, end in self._kept(at, text, _longest(span for span in spans if span[1] > span[0] and not _inside(span, refused)))
        ]

    def _kept(self, at: int, text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The spans that no ``never`` of the rule touches."""
        refused = [match.span() for pattern in self.rules[at].never for match in pattern.finditer(text)] if spans else []
        return [(start, end) for start, end in spans if not any(a < end and start < b for a, b in refused)]

    def weight(self, name: str) -> float:
        """The weight of an issue class."""
        return next(rule.weight for rule in self.rules if rule.group == "issue" and rule.name == name)


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The shipped rules."""
    return Lexicon(tomllib.loads(FILE.read_text(encoding="utf-8")))


def _rules(tables: Mapping[str, Any]) -> Iterator[Rule]:
    sets = tables["sets"]
    for group in GROUPS:
        for name, table in tables[group].items():
            yield Rule(
                group=group,
                name=name,
                words=tuple(table.get("words", ())),
                patterns=tuple(re.compile(_filled(text, sets, group)) for text in table.get("patterns", ())),
                unless=tuple(table.get("unless", ())),
                never=tuple(re.compile(_filled(text, sets, group)) for text in table.get("never", ())),
                weight=table.get("weight", 1.0),
            )


def _filled(pattern: str, sets: Mapping[str, str], group: str) -> str:
    """A pattern with its sets. In those of escalation a narrow comma ends a clause, too: NFKC makes every comma narrow.

    The other groups were made while it did not, and read on over a comma.
    """
    for _ in range(2):  # a set may hold a set
        for name, text in sets.items():
            pattern = pattern.replace("{" + name + "}", text)
    if group == "escalation":
        pattern = pattern.replace("[^，。！？", "[^，,。！!？?；; ").replace("[^。！？", "[^。！!？?")
    return pattern


def _inside(span: tuple[int, int], phrases: list[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in phrases)


def _longest(spans: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    kept: list[tuple[int, int]] = []
    for span in sorted(set(spans), key=lambda s: (s[0], -s[1])):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
        elif span[1] - span[0] > kept[-1][1] - kept[-1][0]:
            kept[-1] = span
    return kept

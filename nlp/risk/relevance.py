"""Whether a text is about the brand at all, and which of its clauses are.

小米 is millet first, 大众 the public, 理想 an ideal. A name that is listed in ambiguous.toml needs company: the words
around it decide (Lesk 1986 in its plainest form), with a small model of what firms are surrounded by
(nlp/risk/company.py). A name that is not listed is taken at its word, unless it is an ordinary
word and that model speaks clearly against it.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from incidents.text import normal
from incidents.topics import frequent
from nlp.risk.company import contexts
from nlp.risk.lexicon import LONGEST
from nlp.sentiment.clean import readable

FILE = Path(__file__).with_name("ambiguous.toml")
NEAR = 60  # characters on either side that count as company
OTHER_MEANING = 0.03
OWN = 0.95  # what one of its own words gives
# Log-odds, by logistic regression on the open half of nlp/cases/relevance.txt and tests/nlp/risk/relevance_cases.toml
# (81 places that no phrase decides; 10 folds: 86 % right); ALONE and EVEN by hand: a text that is
# missed costs more than one too many (open half: recall 90 %, precision 96 %).
CONTEXT, COMPANY, KIND, DOUBT, EVEN, ALONE = 1.7, 0.75, 1.25, 0.9, 1.2, 0.1
FAR = 4.0
BENEFIT = 1.5  # for names that nobody listed: 99 % of the texts about a listed name would be kept, 30 % of the others seen
SENTENCE = re.compile(r"[。！？!?\n…]+")
CLAUSE = re.compile(r"[，,；;：:、\s]+")
TURN = re.compile(r"^(?:但是?|而且?|不过|可是|然而|反观|相比|倒是|还是|反而)")
NAME = re.compile(r"[0-9a-z]")


@dataclass(frozen=True, kw_only=True)
class Sense:
    """One ambiguous name: phrases that are not the brand, its own words, the words of its trade, the bare word."""

    other: re.Pattern[str]
    own: tuple[str, ...]
    kind: tuple[str, ...]
    alone: float


@dataclass(frozen=True, kw_only=True)
class Senses:
    names: Mapping[str, Sense]
    company: tuple[str, ...]
    rivals: tuple[str, ...]


@lru_cache(maxsize=1)
def senses() -> Senses:
    """The shipped table of ambiguous names."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    near = tables["near"]
    return Senses(
        names={name: _sense(table, near) for name, table in tables["names"].items()},
        company=tuple(near["company"]),
        rivals=tuple(tables["rivals"]["names"]),
    )


def relevance(names: Sequence[str], title: str, text: str) -> float | None:
    """How likely the text speaks of the brand with these names, 0 to 1.

    None when no name stands in it: then only the thread (a reply's root) can tell, not the text.
    """
    whole = normal(readable(f"{title[:LONGEST]}\n{text[:LONGEST]}"))
    found = [_of_name(normal(name), whole) for name in names if name]
    known = [value for value in found if value is not None]
    return max(known) if known else None


def clauses(names: Sequence[str], text: str, others: Sequence[str] | None = None) -> str:
    """The clauses of a normalised text that speak of the brand, joined; "" when none does.

    A clause that names the brand is taken with those after it in its sentence, until the sentence turns
    (但是, 相比 …) or another brand is named (``others``; None: any of the file).
    """
    ours = tuple(normal(name) for name in names if name)
    if not any(name in text for name in ours):
        return ""
    if others is None:
        others = tuple(rival for rival in senses().rivals if not any(rival in name or name in rival for name in ours))
    taken: list[str] = []
    for sentence in SENTENCE.split(text):
        taken.extend(_ours(CLAUSE.split(sentence), ours, tuple(others)))
    return "，".join(taken)


def _ours(parts: Sequence[str], ours: tuple[str, ...], others: tuple[str, ...]) -> list[str]:
    taken: list[str] = []
    speaking = False
    for part in parts:
        if any(_stands(name, part) for name in ours):
            speaking = True
        elif speaking and (TURN.match(part) or any(_stands(rival, part) for rival in others)):
            speaking = False
        if speaking and part:
            taken.append(part)
    return taken


def _of_name(name: str, whole: str) -> float | None:
    places = _places(name, whole)
    if not places:
        return None
    sense = senses().names.get(name)
    if sense is None:
        return max(_unlisted(name, whole, at) for at in places)
    meant_otherwise = [found.span() for found in sense.other.finditer(whole)]
    left = [at for at in places if not any(start <= at and at + len(name) <= end for start, end in meant_otherwise)]
    if not left:
        return OWN if any(name in word and word in whole for word in sense.own) else OTHER_MEANING
    return max(_company(sense, whole, at, len(name), bool(meant_otherwise)) for at in left)


def _unlisted(name: str, whole: str, at: int) -> float:
    """1, but less for an ordinary word of two Chinese characters where the words around speak clearly against a firm.

    A name that ordinary language does not use (a coined one) has no other meaning that the text could have.
    """
    if len(name) != 2 or NAME.match(name) or name in senses().rivals or name not in frequent():
        return 1.0
    odds = contexts().logit(whole, at, at + len(name)) + BENEFIT
    return 1.0 if odds >= 0 else _probability(odds)


def _company(sense: Sense, whole: str, at: int, length: int, doubt: bool) -> float:
    around = whole[max(0, at - NEAR) : at + length + NEAR]
    if any(word in around for word in sense.own):
        return OWN
    near = max(-FAR, min(FAR, contexts().logit(whole, at, at + length)))
    odds = ALONE * math.log(sense.alone / (1 - sense.alone)) + CONTEXT * near - DOUBT * doubt + EVEN
    odds += COMPANY * min(2, _count(senses().company, around)) + KIND * min(2, _count(sense.kind, around))
    return min(OWN, _probability(odds))


def _probability(odds: float) -> float:
    return round(1 / (1 + math.exp(-odds)), 3)


def _count(words: Sequence[str], around: str) -> int:
    return sum(word in around for word in words)


def _sense(table: Mapping[str, Any], near: Mapping[str, Sequence[str]]) -> Sense:
    phrases = sorted((normal(phrase) for phrase in table["not"]), key=len, reverse=True)
    kind = [normal(word) for group in table["kinds"] for word in near[group]]
    own = tuple(normal(word) for word in table["with"])
    return Sense(other=re.compile("|".join(map(re.escape, phrases))), own=own, kind=tuple(kind), alone=table["alone"])


def _places(name: str, whole: str) -> list[int]:
    return [found.start() for found in re.finditer(re.escape(name), whole) if _alone(name, whole, found.start())]


def _stands(name: str, part: str) -> bool:
    return name in part and bool(_places(name, part))


def _alone(name: str, whole: str, at: int) -> bool:
    """A name of Latin letters or digits counts only where no other letter or digit touches it."""
    before, after = whole[at - 1 : at] if at else "", whole[at + len(name) : at + len(name) + 1]
    return not (_touch(before, name[0]) or _touch(name[-1], after))


def _touch(left: str, right: str) -> bool:
    return bool(NAME.fullmatch(left) and NAME.fullmatch(right))

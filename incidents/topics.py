"""Does a mention tell a running story? Pure, without a model: the terms that both have, weighed by their rarity."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from incidents.text import CJK, normal

FREQUENT = Path(__file__).with_name("frequent.txt")
RUN = re.compile(rf"[{CJK}]+|[0-9a-z]+")
ASIDE = re.compile(r"https?://\S+|//@[^:：\s]{1,30}[:：]|回复@[^:：\s]{1,30}[:：]|@[\w\-]{1,30}|\[[^\[\]\s]{1,6}\]")
LONGEST_WORD = 9


def grams(text: str) -> frozenset[str]:
    """Characters, neighbouring pairs of characters, and Latin words of a text in its normal form."""
    return frozenset(_grams(normal(text)))


def _grams(form: str) -> Iterator[str]:
    for run in RUN.findall(ASIDE.sub(" ", form)):
        if run.isascii():
            if 2 <= len(run) <= LONGEST_WORD and not (run.isdigit() and len(run) < 3):
                yield run
        else:
            yield from run
            yield from map("".join, zip(run, run[1:]))


RARE = 9.5  # idf of a pair or word that is not in the table, of a character 8.5
RARE_CHAR = 8.5


@lru_cache(maxsize=1)
def frequent() -> Mapping[str, float]:
    """Term → idf in general Chinese, for the terms that are not rare (made by nlp/training/bigrams.py)."""
    found: dict[str, float] = {}
    for line in FREQUENT.read_text(encoding="utf-8").splitlines():
        kind, idf, terms = line.split("\t")
        size = {"chars": 1, "pairs": 2}.get(kind)
        each = terms.split(" ") if size is None else (terms[i : i + size] for i in range(0, len(terms), size))
        found.update(dict.fromkeys(each, float(idf)))
    return found


def idf(term: str) -> float:
    return frequent().get(term, RARE_CHAR if len(term) == 1 else RARE)

"""Terms with their places, and the normal form of a property: what all three readings compare."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from incidents.text import CJK, TERM, Normal, clean, normal, normalise, search_terms, simplified

SINGLES = rf"[{CJK}\u3040-\u30ff\uac00-\ud7af]"  # each of these is a term of its own, as TERM has it
RUNS = re.compile(rf"({SINGLES}+)|([^\W_{CJK}\u3040-\u30ff\uac00-\ud7af]+)")
LONGEST_TERM = 100  # code points; Lucene's whitespace tokeniser would cut at 255 and refuse at 32 766 bytes
LONGEST_KEYWORD = 200


@dataclass(frozen=True, kw_only=True)
class Placed:
    """The terms of a text and the stretch of the text (half-open, code points) that gave each."""

    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


def terms(text: str) -> list[str]:
    """``search_terms`` with overlong ones (links, base64) put in short, the same way everywhere."""
    found = search_terms(text)
    return [_short(term) for term in found] if max(map(len, found), default=0) > LONGEST_TERM else found


def line(text: str) -> str:
    """``terms(text)`` with a blank between them, in half the time: what both archives are given."""
    return " ".join(" ".join(singles) if singles else _short(run) for singles, run in RUNS.findall(normal(text)))


def placed(text: str) -> Placed:
    """The same terms as ``terms(text)``, with their places in ``text``."""
    form = _form(text)
    found = list(TERM.finditer(form.text))
    return Placed(words=tuple(_short(one[0]) for one in found), spans=tuple((form.origin[one.start()], _end(form, one.end())) for one in found))


@lru_cache(maxsize=20_000)  # sources, platforms and brands come again and again
def keyword(value: str) -> str:
    """The normal form of a source, platform, author: script, width, case and outer blanks do not matter."""
    return normal(clean(value)).strip()[:LONGEST_KEYWORD]


def _short(term: str) -> str:
    if len(term) <= LONGEST_TERM:
        return term
    return f"{term[:20]}_{hashlib.sha256(term.encode()).hexdigest()[:32]}"  # no term holds a _ of its own


def _end(form: Normal, end: int) -> int:
    """Behind the last source character of a term that ends before ``end``."""
    last = form.origin[end - 1]
    while end < len(form.text) and form.origin[end] == last:
        end += 1
    return form.origin[end]


def _form(text: str) -> Normal:
    """``normalise``; where marks compose with the letter before them, cluster by cluster, as NFKC of the whole does."""
    form = normalise(text)
    return form if form.text == normal(text) else _by_cluster(text)


def _by_cluster(text: str) -> Normal:
    characters: list[str] = []
    origin: list[int] = []
    for place, cluster in _clusters(text):
        folded = unicodedata.normalize("NFKC", cluster).casefold()
        characters.append(folded)
        origin.extend([place] * len(folded))
    return Normal(simplified("".join(characters)), (*origin, len(text)))


def _clusters(text: str) -> list[tuple[int, str]]:
    """Stretches whose NFKC does not depend on their neighbours (Unicode Standard Annex 15, stable starters)."""
    found: list[tuple[int, list[str]]] = []
    for place, char in enumerate(text):
        if found and (unicodedata.combining(unicodedata.normalize("NFKD", char)[0]) or _joins("".join(found[-1][1]), char)):
            found[-1][1].append(char)
        else:
            found.append((place, [char]))
    return [(place, "".join(chars)) for place, chars in found]


def _joins(before: str, char: str) -> bool:
    together = unicodedata.normalize("NFKC", before + char)
    return together != unicodedata.normalize("NFKC", before) + unicodedata.normalize("NFKC", char)

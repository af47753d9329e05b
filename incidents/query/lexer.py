"""A query as a row of tokens. Brackets, colons and quotes may be full width; the operators are upper case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from incidents.errors import QueryError

OPEN, CLOSE, COLON, MINUS = "(（", ")）", ":：", "-－−"
QUOTES = '"＂“”„‟「」『』'
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"  # copied along from web pages
NEAREST = re.compile(r"NEAR/(\d{1,6})")
LARGEST_NEAR = 100


class Kind(StrEnum):
    WORD = "word"
    PHRASE = "phrase"
    FIELD = "field"
    AND = "AND"
    OR = "OR"
    NOT = "NOT"
    NEAR = "NEAR"
    OPEN = "("
    CLOSE = ")"
    END = "end"


@dataclass(frozen=True, kw_only=True)
class Token:
    """``text`` is as written, without quotes; ``number`` is the distance of a NEAR."""

    kind: Kind
    at: int
    text: str = ""
    number: int = 0


def tokens(query: str) -> Iterator[Token]:
    """The tokens of ``query``, the last one of kind END.

    Raises:
        QueryError: a quote is not closed, or a NEAR has no usable distance.
    """
    at = 0
    while at < len(query):
        char = query[at]
        if char.isspace() or char in INVISIBLE:
            at += 1
        elif char in OPEN or char in CLOSE:
            yield Token(kind=Kind.OPEN if char in OPEN else Kind.CLOSE, at=at, text=char)
            at += 1
        elif char in QUOTES:
            one = _quoted(query, at)
            yield one
            at += len(one.text) + 2
        elif char in MINUS and at + 1 < len(query) and not _ends_word(query[at + 1], quotes=""):
            yield Token(kind=Kind.NOT, at=at, text=char)
            at += 1
        else:
            one, at = _word(query, at)
            yield one
    yield Token(kind=Kind.END, at=len(query))


def _quoted(query: str, at: int) -> Token:
    for end in range(at + 1, len(query)):
        if query[end] in QUOTES:
            return Token(kind=Kind.PHRASE, at=at, text=query[at + 1 : end])
    raise QueryError("open_quote", at, "this quotation mark is never closed.")


def _ends_word(char: str, quotes: str = QUOTES) -> bool:
    return char.isspace() or char in INVISIBLE or char in CLOSE or char in COLON or (bool(quotes) and (char in quotes or char in OPEN))


def _word(query: str, begin: int) -> tuple[Token, int]:
    end = begin
    while end < len(query) and not _ends_word(query[end]):
        end += 1
    word = query[begin:end]
    if end < len(query) and query[end] in COLON:
        return Token(kind=Kind.FIELD, at=begin, text=word), end + 1
    return _operator(word, begin) or Token(kind=Kind.WORD, at=begin, text=word), end


def _operator(word: str, at: int) -> Token | None:
    plain = unicodedata.normalize("NFKC", word)
    if plain in (Kind.AND, Kind.OR, Kind.NOT):
        return Token(kind=Kind(plain), at=at, text=word)
    if plain != "NEAR" and not plain.startswith("NEAR/"):
        return None
    found = NEAREST.fullmatch(plain)
    if found is None or int(found[1]) > LARGEST_NEAR:
        raise QueryError("bad_near", at, f"NEAR wants a distance from 0 to {LARGEST_NEAR}, like NEAR/5, and a blank behind it.", most=LARGEST_NEAR)
    return Token(kind=Kind.NEAR, at=at, text=word, number=int(found[1]))

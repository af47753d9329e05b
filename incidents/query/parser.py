"""From a query to its tree (recursive descent). NEAR binds tightest, then NOT, then AND (also unsaid), then OR.

    query  = group ("OR" group)*
    group  = ["AND"] part …            two parts side by side must both hold
    part   = ("NOT" | "-") part | near
    near   = thing ("NEAR/n" thing)*
    thing  = word | "phrase" | field ":" (word | "phrase" | "(" query ")") | "(" query ")"
"""

from __future__ import annotations

import difflib
from collections.abc import Callable

from incidents.errors import QueryError
from incidents.query.lexer import Kind, Token, tokens
from incidents.query.terms import keyword, terms
from incidents.query.tree import And, Facet, Near, Node, Not, Or, Phrase, both, wanted_and_not

LONGEST = 8_000  # code points
MOST_PHRASES = 1_000  # an Elasticsearch takes at least 1 024 clauses, whatever its memory
DEEPEST = 30  # SQLite's FTS5 parser holds 90 nested brackets

FIELDS = {
    "title": "title", "source": "source", "platform": "platform", "author": "author", "sentiment": "sentiment",
    "标题": "title", "信源": "source", "平台": "platform", "作者": "author", "发布者": "author", "情感": "sentiment",
}
SENTIMENTS = {
    "negative": "negative", "neutral": "neutral", "positive": "positive",
    "负面": "negative", "中性": "neutral", "正面": "positive",
}


def parse(query: str) -> Node:
    """Read ``query``.

    Raises:
        QueryError: it cannot be read; the sentence says where and what to write instead.
    """
    if len(query) > LONGEST:
        raise QueryError("too_long", LONGEST, f"a query may have {LONGEST} characters, this one has {len(query)}.", most=LONGEST, length=len(query))
    node = _Parser(list(tokens(query))).whole()
    _refuse_bare_exclusions(node)
    return node


class _Parser:
    def __init__(self, row: list[Token]) -> None:
        self._row = row
        self._next = 0
        self._phrases = 0
        self._depth = 0

    @property
    def _here(self) -> Token:
        return self._row[self._next]

    def _take(self) -> Token:
        token = self._row[self._next]
        self._next += token.kind is not Kind.END
        return token

    def _deeper(self, inner: Callable[[], Node], at: int) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise QueryError("too_deep", at, f"more than {DEEPEST} brackets or exclusions inside one another.", most=DEEPEST)
        found = inner()
        self._depth -= 1
        return found

    def whole(self) -> Node:
        node = self._query("")
        if self._here.kind is Kind.CLOSE:
            raise QueryError("stray_close", self._here.at, "this bracket closes nothing.")
        return node

    def _query(self, field: str) -> Node:
        parts = [self._group(field)]
        while self._here.kind is Kind.OR:
            self._take()
            parts.append(self._group(field))
        return parts[0] if len(parts) == 1 else Or(parts=_flat(parts, Or), at=parts[0].at)

    def _group(self, field: str) -> Node:
        parts = [self._part(field)]
        while self._here.kind not in (Kind.OR, Kind.CLOSE, Kind.END):
            if self._here.kind is Kind.AND:
                self._take()
            parts.append(self._part(field))
        return parts[0] if len(parts) == 1 else both(*_flat(parts, And))

    def _part(self, field: str) -> Node:
        if self._here.kind is not Kind.NOT:
            return self._near(field)
        at = self._take().at
        inner = self._deeper(lambda: self._part(field), at)
        return inner.part if isinstance(inner, Not) else Not(part=inner, at=at)

    def _near(self, field: str) -> Node:
        things = [self._thing(field)]
        pairs: list[Node] = []
        while self._here.kind is Kind.NEAR:
            token = self._take()
            things.append(self._thing(field))
            pairs.append(self._pair(things[-2], things[-1], token))
        return both(*pairs) if pairs else things[0]

    def _pair(self, left: Node, right: Node, token: Token) -> Near:
        sides = [_choices(side, token) for side in (left, right)]
        if sides[0][0].title_only != sides[1][0].title_only:
            raise QueryError("near_fields", token.at, "both sides of NEAR must be in the same field: write title:(… NEAR/5 …).")
        self._count(len(sides[0]) * len(sides[1]), token.at)
        return Near(left=sides[0], right=sides[1], distance=token.number, at=left.at)

    def _thing(self, field: str) -> Node:
        token = self._take()
        if token.kind in (Kind.WORD, Kind.PHRASE):
            return self._leaf(token, field)
        if token.kind is Kind.OPEN:
            return self._bracketed(token, field)
        if token.kind is Kind.FIELD:
            return self._field(token, field)
        raise _unexpected(token)

    def _bracketed(self, opening: Token, field: str) -> Node:
        if self._here.kind is Kind.CLOSE:
            raise QueryError("empty", self._here.at, "there is nothing between the brackets.")
        node = self._deeper(lambda: self._query(field), opening.at)
        if self._take().kind is not Kind.CLOSE:
            raise QueryError("open_bracket", opening.at, "this bracket is never closed.")
        return node

    def _field(self, token: Token, outer: str) -> Node:
        name = FIELDS.get(keyword(token.text))
        if name is None:
            raise _unknown_field(token)
        if outer not in ("", name):
            raise QueryError("field_in_field", token.at, f"a {name} cannot be asked for inside {outer}:(…).", name=name, outer=outer)
        inner = self._take()
        if inner.kind in (Kind.WORD, Kind.PHRASE):
            return self._leaf(inner, name)
        if inner.kind is Kind.OPEN:
            return self._bracketed(inner, name)
        raise QueryError("empty_field", inner.at, f"say what the {name} should be, right behind the colon.", name=name)

    def _leaf(self, token: Token, field: str) -> Node:
        self._count(1, token.at)
        if field in ("", "title"):
            return _phrase(token, title_only=field == "title")
        value = keyword(token.text)
        if field == "sentiment":
            if value not in SENTIMENTS:
                raise QueryError("bad_sentiment", token.at, f"{token.text[:40]!r} is no sentiment: negative, neutral or positive.", word=token.text[:40])
            value = SENTIMENTS[value]
        if not value:
            raise _nothing(token)
        return Facet(name=field, value=value, at=token.at)

    def _count(self, more: int, at: int) -> None:
        self._phrases += more
        if self._phrases > MOST_PHRASES:
            raise QueryError("too_many", at, f"a query may hold {MOST_PHRASES} words and phrases (NEAR between groups counts each pair).", most=MOST_PHRASES)


def _phrase(token: Token, *, title_only: bool) -> Phrase:
    if token.kind is Kind.WORD and "*" in token.text.replace("＊", "*"):
        raise QueryError("star", token.at, "* stands for nothing here: every Chinese word is found inside longer ones anyway; put it in quotes to ignore it.")
    found = tuple(terms(token.text))
    if not found:
        raise _nothing(token)
    return Phrase(terms=found, wording=token.text, title_only=title_only, at=token.at)


def _choices(node: Node, token: Token) -> tuple[Phrase, ...]:
    """The phrases of one side of NEAR: a word, a phrase, or several with OR between them."""
    parts = node.parts if isinstance(node, Or) else (node,)
    found = tuple(part for part in parts if isinstance(part, Phrase))
    if len(found) != len(parts) or len({part.title_only for part in found}) != 1:
        raise QueryError("near_sides", token.at, "NEAR stands between words, phrases or (one OR another) only.")
    return found


def _flat(parts: list[Node], kind: type[And] | type[Or]) -> tuple[Node, ...]:
    """(a AND b) AND c is a AND b AND c."""
    found: list[Node] = []
    for part in parts:
        found.extend(part.parts if isinstance(part, kind) else (part,))
    return tuple(found)


def _refuse_bare_exclusions(node: Node) -> None:
    """An archive can only take away from something: every OR choice and every group must ask for something."""
    if isinstance(node, Not):
        raise QueryError("only_exclusions", node.at, "an exclusion alone would find nearly everything: say beside it what to look for.")
    if isinstance(node, Or):
        for part in node.parts:
            _refuse_bare_exclusions(part)
    if isinstance(node, And):
        wanted, unwanted = wanted_and_not(node)
        if not wanted:
            _refuse_bare_exclusions(node.parts[0])
        for part in (*wanted, *unwanted):
            _refuse_bare_exclusions(part)


def _unexpected(token: Token) -> QueryError:
    if token.kind is Kind.END:
        return QueryError("ends_early", token.at, "a word is missing at the end.")
    if token.kind is Kind.CLOSE:
        return QueryError("stray_close", token.at, "a word is missing before this bracket, or it closes nothing.")
    return QueryError("misplaced", token.at, f"a word is missing before {token.text}; put it in quotes to look for the word itself.", word=token.text)


def _unknown_field(token: Token) -> QueryError:
    close = difflib.get_close_matches(keyword(token.text), [name for name in FIELDS if name.isascii()], n=1)
    hint = f"did you mean {close[0]}:? " if close else ""
    return QueryError("unknown_field", token.at, f"there is no field {token.text[:40]!r}; {hint}known: title, source, platform, author, sentiment. "
                      "Put words that hold a colon in quotes.", word=token.text[:40])


def _nothing(token: Token) -> QueryError:
    return QueryError("no_words", token.at, f"{token.text[:40]!r} holds no letter, digit or character to look for.", word=token.text[:40])


__all__ = ["LONGEST", "MOST_PHRASES", "parse"]

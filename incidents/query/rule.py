"""A search as a brand's query: the same words with source and platform written into them, and as lines of the settings file."""

from __future__ import annotations

import tomlkit

from incidents.query.lexer import QUOTES
from incidents.query.parser import parse
from incidents.query.tree import And, Facet, Node, Not, Or


def rule(typed: str, *, source: str | None = None, platform: str | None = None) -> str:
    """``typed`` narrowed to a source and a platform; "" when nothing is asked for.

    Raises:
        QueryError: ``typed`` cannot be read.
    """
    filters = [f'{name}:"{_plain(value)}"' for name, value in (("source", source), ("platform", platform)) if value]
    if not typed.strip():
        return " ".join(filters)
    node = parse(typed)
    words = f"({typed.strip()})" if filters and not isinstance(node, And) else typed.strip()
    return " ".join([words, *filters])


def lines(query: str) -> str:
    """The line of a brand's table in the settings file (TOML) that makes ``query`` its rule."""
    return tomlkit.dumps({"query": tomlkit.string(query, literal="'" not in query)}).strip()


def asks_sentiment(node: Node) -> bool:
    """True when a filter asks for a sentiment, which nothing has yet at the door: such a rule would never match."""
    if isinstance(node, Facet):
        return node.name == "sentiment"
    if isinstance(node, Not):
        return asks_sentiment(node.part)
    return isinstance(node, And | Or) and any(asks_sentiment(part) for part in node.parts)


def _plain(value: str) -> str:
    return "".join(char for char in value if char not in QUOTES)

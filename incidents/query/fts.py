"""A query as SQLite's FTS5 reads it (sqlite.org/fts5.html, full-text query syntax).

Columns: title, text, facets. Every word is a quoted phrase of terms: nothing that was typed is syntax.
"""

from __future__ import annotations

from collections.abc import Iterable

from incidents.query.facets import sentiment_token, token
from incidents.query.tree import And, Facet, Near, Node, Or, Phrase, wanted_and_not


def reading(node: Node, brand: str | None = None) -> str:
    """The MATCH expression. ``brand`` is whose sentiment is meant; None is any brand's."""
    if isinstance(node, Phrase):
        return f"title : {_quoted(node)}" if node.title_only else _quoted(node)
    if isinstance(node, Near):
        return _near(node)
    if isinstance(node, Facet):
        return f'"{_token(node, brand)}"'
    if isinstance(node, Or):
        return _joined(" OR ", (reading(part, brand) for part in node.parts))
    if isinstance(node, And):
        wanted, unwanted = wanted_and_not(node)
        held = _joined(" AND ", (reading(part, brand) for part in wanted))
        return f"({held} NOT {_joined(' OR ', (reading(part, brand) for part in unwanted))})" if unwanted else held
    raise AssertionError("the parser lets no bare exclusion through")


def _near(node: Near) -> str:
    field = "title : " if node.left[0].title_only else ""
    return _joined(" OR ", (f"{field}NEAR({_quoted(a)} {_quoted(b)}, {node.distance})" for a in node.left for b in node.right))


def _quoted(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.terms)}"'


def _joined(operator: str, parts: Iterable[str]) -> str:
    found = list(parts)
    return found[0] if len(found) == 1 else f"({operator.join(found)})"


def _token(facet: Facet, brand: str | None) -> str:
    if facet.name == "sentiment":
        return sentiment_token(facet.value, brand)
    return token(facet.name, facet.value)



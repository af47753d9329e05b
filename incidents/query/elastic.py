"""A query as Elasticsearch reads it: term, match_phrase, span_near and bool only; never ``query_string``.

Fields: ``terms`` (title and text, far apart), ``title``, and keywords ``source platform author brands sentiments``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from incidents.query.facets import sentiment_token
from incidents.query.tree import And, Facet, Near, Node, Or, Phrase, wanted_and_not

Clause = Mapping[str, Any]
KEYWORDS = {"source": "source", "platform": "platform", "author": "author", "brand": "brands"}


def reading(node: Node, brand: str | None = None) -> Clause:
    """The clause. ``brand`` is whose sentiment is meant; None is any brand's."""
    if isinstance(node, Phrase):
        return _phrase(node)
    if isinstance(node, Near):
        return _near(node)
    if isinstance(node, Facet):
        if node.name == "sentiment":
            return {"term": {"sentiments": sentiment_token(node.value, brand)}}
        return {"term": {KEYWORDS[node.name]: node.value}}
    if isinstance(node, Or):
        return {"bool": {"should": [reading(part, brand) for part in node.parts], "minimum_should_match": 1}}
    if isinstance(node, And):
        wanted, unwanted = wanted_and_not(node)
        clauses = {"filter": [reading(part, brand) for part in wanted], "must_not": [reading(part, brand) for part in unwanted]}
        return {"bool": {occur: parts for occur, parts in clauses.items() if parts}}
    raise AssertionError("the parser lets no bare exclusion through")


def _field(phrase: Phrase) -> str:
    return "title" if phrase.title_only else "terms"


def _phrase(phrase: Phrase) -> Clause:
    if len(phrase.terms) == 1:
        return {"term": {_field(phrase): phrase.terms[0]}}
    return {"match_phrase": {_field(phrase): " ".join(phrase.terms)}}


def _near(near: Near) -> Clause:
    sides = [_choice(side) for side in (near.left, near.right)]
    return {"span_near": {"clauses": sides, "slop": near.distance, "in_order": False}}


def _choice(phrases: tuple[Phrase, ...]) -> Clause:
    clauses = [_span(phrase) for phrase in phrases]
    return clauses[0] if len(clauses) == 1 else {"span_or": {"clauses": clauses}}


def _span(phrase: Phrase) -> Clause:
    terms = [{"span_term": {_field(phrase): term}} for term in phrase.terms]
    return terms[0] if len(terms) == 1 else {"span_near": {"clauses": terms, "slop": 0, "in_order": True}}

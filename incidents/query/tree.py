"""What a query says, as a tree. ``at`` is where it begins in the query, in code points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """These terms, one right after the other, inside one field (``title`` only, or title or text)."""

    terms: tuple[str, ...]
    wording: str  # as the query wrote it
    title_only: bool = False
    at: int = 0


@dataclass(frozen=True, kw_only=True)
class Near:
    """One of ``left`` and one of ``right`` in one field, at most ``distance`` terms between them, in either order."""

    left: tuple[Phrase, ...]
    right: tuple[Phrase, ...]
    distance: int
    at: int = 0


@dataclass(frozen=True, kw_only=True)
class Facet:
    """A property equal to ``value`` (in its normal form, see ``terms.keyword``)."""

    name: str  # source platform author sentiment brand
    value: str
    at: int = 0


@dataclass(frozen=True, kw_only=True)
class And:
    parts: tuple[Node, ...]
    at: int = 0


@dataclass(frozen=True, kw_only=True)
class Or:
    parts: tuple[Node, ...]
    at: int = 0


@dataclass(frozen=True, kw_only=True)
class Not:
    part: Node
    at: int = 0


Node = Phrase | Near | Facet | And | Or | Not


def both(*nodes: Node) -> Node:
    """All of ``nodes`` (one or more)."""
    return nodes[0] if len(nodes) == 1 else And(parts=nodes, at=nodes[0].at)


def wanted_and_not(node: And) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """The parts that must hold and those that must not."""
    wanted = tuple(part for part in node.parts if not isinstance(part, Not))
    return wanted, tuple(part.part for part in node.parts if isinstance(part, Not))


def phrases(node: Node, *, excluded: bool = True) -> Iterator[Phrase]:
    """Every phrase of the tree; without those under NOT when ``excluded`` is False."""
    if isinstance(node, Phrase):
        yield node
    elif isinstance(node, Near):
        yield from (*node.left, *node.right)
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from phrases(part, excluded=excluded)
    elif isinstance(node, Not) and excluded:
        yield from phrases(node.part)

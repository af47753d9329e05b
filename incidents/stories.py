"""Which mentions tell the same thing. Pure: signatures, similarity, and the choice between the ways to join.

A reply or repost follows its root. Near-copies are found by MinHash over 4-grams of the search terms (Broder 1997)
through locality-sensitive hashing bands. Else a mention joins the brand's running story that it tells in words of its
own (incidents/topics.py): twelve people who fell ill tell one story in twelve wordings.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from datasketch import MinHash

from incidents.text import search_terms
from incidents.topics import Match

PERMUTATIONS = 64
ROWS = 4  # 16 bands of 4: a pair of similarity .5 meets in one with p = 1 − (1 − .5⁴)¹⁶ = .64, of .7 with .99
SHORT = 60  # terms; a shorter text counts as a copy from .3 on, a longer one from .5 (shared measurements, sources.md)
COPY_LONG, COPY_SHORT = 0.5, 0.3


@dataclass(frozen=True, kw_only=True)
class Signature:
    """MinHash values of one text and the number of its terms."""

    values: tuple[int, ...]
    terms: int

    def bands(self) -> tuple[int, ...]:
        """One signed 64-bit number for each band, different from band to band."""
        found = []
        for number in range(0, PERMUTATIONS, ROWS):
            part = struct.pack(f"<{ROWS}Q", *self.values[number : number + ROWS])
            found.append(hash_band(number // ROWS, part))
        return tuple(found)


def hash_band(number: int, part: bytes) -> int:
    import hashlib

    digest = hashlib.blake2b(part, digest_size=8, salt=number.to_bytes(8, "little")).digest()
    return int(struct.unpack("<q", digest)[0])


@lru_cache(maxsize=1)
def _blank() -> MinHash:
    return MinHash(num_perm=PERMUTATIONS, seed=1)


def signature(title: str, text: str) -> Signature | None:
    """The signature of a text, or None when it has fewer than 8 terms (too little to call anything a copy)."""
    terms = search_terms(f"{title} {text}"[:4000])
    if len(terms) < 8:
        return None
    grams = {" ".join(terms[i : i + 4]).encode("utf-8", "surrogatepass") for i in range(len(terms) - 3)}
    sketch = _blank().copy()
    sketch.update_batch(sorted(grams))
    return Signature(values=tuple(int(v) for v in sketch.hashvalues), terms=len(terms))


def similarity(a: Signature, b: Signature) -> float:
    """Estimated Jaccard similarity of the two sets of 4-grams, 0…1 (standard error about .06)."""
    return sum(x == y for x, y in zip(a.values, b.values, strict=True)) / PERMUTATIONS


def is_copy(a: Signature, b: Signature) -> bool:
    floor = COPY_SHORT if min(a.terms, b.terms) < SHORT else COPY_LONG
    return similarity(a, b) >= floor


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A stored mention that shares a band, with its story."""

    story_id: int
    mention_id: int
    signature: Signature


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a mention belongs: a story that is there, or (None) one of its own; and why."""

    story_id: int | None
    why: str  # root, copy, issue, topic, first
    shared: tuple[str, ...] = ()  # what it has in common with the story, for topic and issue


def place(*, own: Signature | None, root_story: int | None, candidates: Sequence[Candidate], topic: Match | None) -> Place:
    """A reply or repost follows its root; then the closest near-copy; then the running story that it tells."""
    if root_story is not None:
        return Place(story_id=root_story, why="root")
    if (copied := _copied(own, candidates)) is not None:
        return Place(story_id=copied, why="copy")
    if topic is not None:
        return Place(story_id=topic.story_id, why=topic.why, shared=topic.shared)
    return Place(story_id=None, why="first")


def _copied(own: Signature | None, candidates: Sequence[Candidate]) -> int | None:
    """The story of the closest near-copy; of the older one where two are as close."""
    copies = [c for c in candidates if is_copy(own, c.signature)] if own is not None else []
    if own is None or not copies:
        return None
    return max(copies, key=lambda c: (similarity(own, c.signature), -c.mention_id)).story_id

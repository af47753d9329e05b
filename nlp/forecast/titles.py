"""How the title of a hot list's entry is worded, as two numbers: hashed character 1- to 3-grams, two weights each.

The first says whether titles worded like this one reached the list's threshold, the second how much they grew.
Both are inputs of the model and nothing else: no verdict, and never shown. Kept apart from :mod:`nlp.forecast.wording`
(posts), whose weights are for texts of 140 characters; all titles of a batch are counted at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nlp.forecast.spread import Floats

BITS = 17
BUCKETS = 1 << BITS
LONGEST = 80  # characters; the longest titles of the training years have about 60
ODD = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D], dtype=np.uint32)  # odd constants of xxHash: they mix, no more


def cleaned(title: str | None) -> str:
    """The title without the signs that mark it as one (#…#)."""
    return (title or "").strip().strip("#").strip()[:LONGEST]


def grams(titles: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Buckets of all grams of all (cleaned) titles, and of which title each is."""
    points = [np.frombuffer(title.encode("utf-32-le", "surrogatepass"), dtype="<u4") for title in titles]
    flat = np.concatenate([*points, np.zeros(0, dtype=np.uint32)]).astype(np.uint32)
    owner = np.repeat(np.arange(len(titles)), [len(one) for one in points])
    buckets, owners = [], []
    for length in (1, 2, 3):
        whole = owner[length - 1 :] == owner[: len(owner) - length + 1]
        buckets.append(_bucket(flat, length)[whole])
        owners.append(owner[length - 1 :][whole])
    return np.concatenate(buckets), np.concatenate(owners)


def _bucket(flat: NDArray[np.uint32], length: int) -> NDArray[np.uint32]:
    sums = np.full(max(0, len(flat) - length + 1), length, dtype=np.uint32)
    for place in range(length):
        sums = (sums ^ flat[place : place + len(sums)]) * ODD[place]
        sums ^= sums >> np.uint32(15)
    return np.asarray(sums >> np.uint32(32 - BITS), dtype=np.uint32)


def scores(titles: Sequence[str], weights: Floats, bias: Floats) -> Floats:
    """Two numbers a title, nan where it has none: ``weights`` is (2, BUCKETS), each gram counts 1/√(grams of the title)."""
    buckets, owner = grams(titles)
    lengths = np.bincount(owner, minlength=len(titles))
    sums = np.stack([np.bincount(owner, weights=row[buckets], minlength=len(titles)) for row in weights], axis=1)
    with np.errstate(invalid="ignore"):
        made = sums / np.sqrt(lengths)[:, None] + bias
    return np.asarray(np.where(lengths[:, None] > 0, made, np.nan), dtype=np.float64)

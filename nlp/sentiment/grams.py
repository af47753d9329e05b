"""Character n-grams of a text, the same for training and serving."""

from __future__ import annotations

SIZES = (1, 2, 3)


def grams(text: str) -> list[str]:
    """All runs of 1, 2 and 3 characters of ``text``, with a mark before the first and after the last."""
    marked = f"^{text}$"
    return [marked[at : at + size] for size in SIZES for at in range(len(marked) - size + 1)]

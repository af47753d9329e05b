"""Properties of a mention as single tokens, for an index that knows only words. No two properties share a token."""

from __future__ import annotations

from functools import lru_cache

LETTERS = {"source": "s", "platform": "p", "author": "a", "brand": "b"}


def token(name: str, value: str) -> str:
    """The token of a source, platform, author or brand (``value`` in its normal form)."""
    return f"{LETTERS[name]}_{_plain(value)}"


def sentiment_token(sentiment: str, brand: str | None) -> str:
    """The token of a sentiment towards ``brand``; None is towards any brand."""
    return f"n_{_plain(brand or '')}_{_plain(sentiment)}"


@lru_cache(maxsize=20_000)
def _plain(value: str) -> str:
    """ASCII other than letters and digits as ``-2f``: a token separator of FTS5 cannot appear, and nothing collides."""
    return "".join(char if not char.isascii() or char.isalnum() else f"-{ord(char):02x}" for char in value)

"""What must never come in again: keys, addresses and authors that were erased on request (PIPL Art. 47).

A tombstone is a keyed digest, so that the list itself names nobody; it survives re-crawls and restores.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urldefrag, urlsplit, urlunsplit

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from incidents.model import Mention
from incidents.store import tables as t

KEY, URL, AUTHOR = "key", "url", "author"
REFUSED = "erased on request"


def pseudonym(secret: bytes, platform: str, native_id: str) -> str:
    """The author's name in the ledger: HMAC-SHA256 by the ledger's own secret, 96 bits in hex."""
    return hmac.new(secret, f"{platform}:{native_id}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:24]


def digest(secret: bytes, kind: str, value: str) -> str:
    """The tombstone's digest; another key than the pseudonyms', so that neither tells of the other."""
    return hmac.new(secret, f"tombstone:{kind}:{value}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]


def plain_url(url: str) -> str:
    """The address without fragment, its scheme and host in lower case: two ways to write one page are one page."""
    parts = urlsplit(urldefrag(url).url)
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path or "/", parts.query, ""))


def digests_of(secret: bytes, *, key: str, url: str, author: str | None) -> set[str]:
    """The digests that a mention would be refused by."""
    found = {digest(secret, KEY, key), digest(secret, URL, plain_url(url))}
    return found | {digest(secret, AUTHOR, author)} if author else found


def refused(c: Connection, secret: bytes, platform: str, mentions: Sequence[Mention]) -> frozenset[str]:
    """Keys of the page's mentions that a tombstone forbids. One look where there are no tombstones."""
    if not mentions or c.execute(sa.select(t.tombstones.c.kind).limit(1)).first() is None:
        return frozenset()
    asked = {m.key: digests_of(secret, key=m.key, url=m.url, author=_author(secret, platform, m)) for m in mentions}
    there = _there(c, {one for digests in asked.values() for one in digests})
    return frozenset(key for key, digests in asked.items() if digests & there)


def _author(secret: bytes, platform: str, mention: Mention) -> str | None:
    return pseudonym(secret, platform, mention.author.native_id) if mention.author else None


def _there(c: Connection, digests: Iterable[str]) -> set[str]:
    wanted, found = sorted(digests), set[str]()
    for start in range(0, len(wanted), 500):
        found.update(c.execute(sa.select(t.tombstones.c.digest).where(t.tombstones.c.digest.in_(wanted[start : start + 500]))).scalars())
    return found


def matching(secret: bytes, rows: Iterable[Mapping[Any, Any]], there: frozenset[str]) -> list[int]:
    """Ids of stored mentions (id, key, url, author) that a tombstone of ``there`` names: for a restored ledger."""
    return [r["id"] for r in rows if digests_of(secret, key=r["key"], url=r["url"], author=r["author"]) & there]

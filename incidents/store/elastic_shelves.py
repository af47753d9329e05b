"""What lies in Elasticsearch: one index a month of publication (UTC), each behind two aliases.

    PREFIX-mentions                 all months: what searches ask
    PREFIX-mentions-2026.11         one month: what is written to
    PREFIX-mentions-2026.11-g1      the index itself; a re-index makes g2 and moves both aliases in one step
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from incidents.model import METRICS
from incidents.query.facets import sentiment_token
from incidents.query.terms import keyword, line
from incidents.store.index import Document
from incidents.store.search import BLOCK_BITS, ID_BITS, mark, place_in_time

SCHEMA = 1
ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # one for all: the client makes one a line
OLDEST_YEAR = 2020  # what is older shares one index: a cluster holds 1 000 shards a node
OLD = "old"

TERMS = {"type": "text", "analyzer": "whitespace", "norms": False}
KEYWORD, NUMBER = {"type": "keyword"}, {"type": "long"}
MAPPINGS: Mapping[str, Any] = {
    "dynamic": "strict",
    "_meta": {"schema": SCHEMA},
    "properties": {
        "terms": {**TERMS, "position_increment_gap": 1000},  # title and text: further apart than any NEAR reaches
        "title": TERMS,
        "place": NUMBER,
        "dated": {"type": "date", "format": "epoch_second"},
        "source": KEYWORD, "platform": KEYWORD, "author": KEYWORD, "brands": KEYWORD, "sentiments": KEYWORD,
        "stories": NUMBER,
        "counts": {"properties": dict.fromkeys(METRICS, NUMBER)},
        "block": NUMBER,
        "mark": {"type": "long", "index": False},
        "gone": {"type": "boolean"},
    },
}
SETTINGS: Mapping[str, Any] = {
    "number_of_shards": 1, "auto_expand_replicas": "0-1", "refresh_interval": "1s",
    "gc_deletes": "0s",  # what the reconciler took out may come back in an older version
}


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names of aliases and indices under one prefix."""

    prefix: str

    @property
    def all(self) -> str:
        return f"{self.prefix}-mentions"

    @property
    def pattern(self) -> str:
        return f"{self.all}-*-g*"

    def shelf(self, shelf: str) -> str:
        return f"{self.all}-{shelf}"

    def index(self, shelf: str, generation: int) -> str:
        return f"{self.shelf(shelf)}-g{generation}"

    def read(self, index: str) -> tuple[str, int] | None:
        """Shelf and generation of an index of ours."""
        found = re.fullmatch(rf"{re.escape(self.all)}-(\d{{4}}\.\d\d|{OLD})-g(\d+)", index)
        return None if found is None else (found[1], int(found[2]))


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One entry of a bulk request: ``verb`` is index or delete, ``lines`` what is sent (made once, also when sent again)."""

    mention_id: int
    verb: str
    lines: str
    shelf: str = ""


def putting(mention_id: str, version: int, index: str, source: str, shelf: str = "") -> Operation:
    """Write ``source`` (JSON) unless a newer version is there; with ``shelf`` only through an alias, so that no index springs up by itself."""
    alias = ',"require_alias":true' if shelf else ""
    head = f'{{"index":{{"_index":"{index}","_id":"{mention_id}","version":{version},"version_type":"external_gte"{alias}}}}}'
    return Operation(mention_id=int(mention_id), verb="index", lines=f"{head}\n{source}", shelf=shelf)


def deleting(mention_id: str, index: str) -> Operation:
    return Operation(mention_id=int(mention_id), verb="delete", lines=ENCODE({"delete": {"_index": index, "_id": mention_id}}))


def shelf_of(moment: datetime) -> str:
    """``2026.11``, or ``old``."""
    at = moment.astimezone(UTC)
    return f"{at.year}.{at.month:02d}" if at.year >= OLDEST_YEAR else OLD


def ended_by(shelf: str, moment: datetime) -> bool:
    """True when everything on ``shelf`` was published in months before that of ``moment``."""
    here = shelf_of(moment)
    return here != OLD and (shelf == OLD or shelf < here)


def body(document: Document) -> str:
    """What is kept of one mention, as JSON: terms, not its text. Of one that is gone only that it is.

    Put together by hand: terms hold nothing that JSON escapes, and an encoder took a third of the time of ingest (bench/archive.py --raw).
    """
    if document.gone:
        return '{"gone":true}'
    place = place_in_time(document.dated, document.mention_id)
    title, text = line(document.title), line(document.text)
    both = ",".join([f'"{part}"' for part in (title, text) if part])
    counts = ",".join([f'"{name}":{count}' for name, count in document.counts.items()])
    return (f'{{"terms":[{both}],"title":"{title}","place":{place},"dated":{place >> ID_BITS},"block":{document.mention_id >> BLOCK_BITS},'
            f'"mark":{mark(document.mention_id, document.version)},"stories":{list(document.stories)},"counts":{{{counts}}},'
            f'{_author(document.author)}{_properties(document.source, document.platform, document.brands, tuple(document.sentiments.items()))}}}')


def _author(name: str) -> str:
    return f'"author":{ENCODE(plain)},' if (plain := keyword(name)) else ""


@lru_cache(maxsize=10_000)  # the same few come again and again
def _properties(source: str, platform: str, brands: tuple[str, ...], sentiments: tuple[tuple[str, str], ...]) -> str:
    towards = [sentiment_token(sentiment, keyword(brand)) for brand, sentiment in sentiments]
    towards += [sentiment_token(sentiment, None) for sentiment in sorted({sentiment for _, sentiment in sentiments})]
    known = {name: plain for name, value in (("source", source), ("platform", platform)) if (plain := keyword(value))}
    return ENCODE({**known, "brands": [keyword(brand) for brand in brands], "sentiments": towards})[1:-1]

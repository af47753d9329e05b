"""What lies in Elasticsearch: one index a month of publication (UTC), each behind two aliases.

    PREFIX-mentions                 all months: what searches ask
    PREFIX-mentions-2026.11         one month: what is written to
    PREFIX-mentions-2026.11-g1      the index itself; a re-index makes g2 and moves both aliases in one step
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from incidents.model import METRICS
from incidents.query.facets import sentiment_token
from incidents.query.terms import keyword, terms
from incidents.store.index import Document
from incidents.store.search import BLOCK_BITS, ID_BITS, mark, place_in_time

SCHEMA = 1
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


def shelf_of(moment: datetime) -> str:
    """``2026.11``, or ``old``."""
    at = moment.astimezone(UTC)
    return f"{at:%Y.%m}" if at.year >= OLDEST_YEAR else OLD


def ended_by(shelf: str, moment: datetime) -> bool:
    """True when everything on ``shelf`` was published in months before that of ``moment``."""
    here = shelf_of(moment)
    return here != OLD and (shelf == OLD or shelf < here)


def body(document: Document) -> dict[str, Any]:
    """What is kept of one mention: terms, not its text. Of one that is gone only that it is."""
    if document.gone:
        return {"gone": True}
    place = place_in_time(document.dated, document.mention_id)
    title, text = " ".join(terms(document.title)), " ".join(terms(document.text))
    return {
        "terms": [part for part in (title, text) if part], "title": title,
        "place": place, "dated": place >> ID_BITS, "block": document.mention_id >> BLOCK_BITS, "mark": mark(document.mention_id, document.version),
        **{name: value for name in ("source", "platform", "author") if (value := keyword(getattr(document, name)))},
        "brands": [keyword(brand) for brand in document.brands], "sentiments": _sentiments(document.sentiments),
        "stories": list(document.stories), "counts": dict(document.counts),
    }


def _sentiments(sentiments: Mapping[str, str]) -> list[str]:
    towards = [sentiment_token(sentiment, keyword(brand)) for brand, sentiment in sentiments.items()]
    return towards + [sentiment_token(sentiment, None) for sentiment in sorted(set(sentiments.values()))]

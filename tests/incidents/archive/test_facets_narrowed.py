"""Facets of a narrowed search, on every archive, against counting in plain Python: each filter narrows all four facets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from random import Random

import pytest

from incidents.query.terms import keyword
from incidents.store.index import Document
from incidents.store.search import FACETS, Archive, Query
from tests.incidents.archive.builders import document
from tests.incidents.builders import HOUR, T0

BRANDS, SOURCES, PLATFORMS, WORDS = ("tea", "Milk-2", "奶 茶"), ("wb", "a-b c", "ａ-b C", "論壇"), ("weibo", "小紅書", ""), ("虫", "茶", "好喝")
SENTIMENTS = ("negative", "neutral", "positive")


def drawn(rng: Random, number: int) -> Document:
    brands = tuple(rng.sample(BRANDS, rng.randint(0, 3)))
    judged = {one: rng.choice(SENTIMENTS) for one in brands if rng.random() < 0.8}
    return document(number, "".join(rng.choices(WORDS, k=2)), source=rng.choice(SOURCES), platform=rng.choice(PLATFORMS), brands=brands, sentiments=judged, dated=T0 + rng.randrange(2000) * HOUR)


def narrowed(rng: Random) -> Query:
    def some(values: Iterable[str]) -> str | None:
        return rng.choice(list(values)) if rng.random() < 0.4 else None
    word = some(WORDS)
    return Query(words=(word,) if word else (), brand=some(BRANDS), source=some(SOURCES), platform=some(PLATFORMS[:2]), sentiment=some(SENTIMENTS),
                 since=T0 + timedelta(days=rng.randrange(60)) if rng.random() < 0.3 else None, until=T0 + timedelta(days=rng.randrange(30, 90)) if rng.random() < 0.3 else None)


def fits(one: Document, asked: Query) -> bool:
    towards = {sentiment for brand, sentiment in one.sentiments.items() if asked.brand is None or keyword(brand) == keyword(asked.brand)}
    return (all(word in one.text for word in asked.words) and (asked.brand is None or keyword(asked.brand) in map(keyword, one.brands))
            and (asked.source is None or keyword(asked.source) == keyword(one.source)) and (asked.platform is None or keyword(asked.platform) == keyword(one.platform))
            and (asked.sentiment is None or asked.sentiment in towards) and (asked.since is None or one.dated >= asked.since) and (asked.until is None or one.dated < asked.until))


def values(one: Document, asked: Query) -> Iterator[tuple[str, str]]:
    """What a mention counts for: each value once; of sentiments only those towards the brand that is asked for."""
    towards = {sentiment for brand, sentiment in one.sentiments.items() if asked.brand is None or keyword(brand) == keyword(asked.brand)}
    singles = (("source", one.source), ("platform", one.platform))
    yield from ((name, keyword(value)) for name, value in singles if value)
    yield from (("brand", keyword(brand)) for brand in one.brands)
    yield from (("sentiment", sentiment) for sentiment in towards)


@pytest.mark.parametrize("seed", range(3))
def test_every_filter_narrows_every_facet(archive: Archive, seed: int) -> None:
    rng = Random(600 + seed)
    documents = [drawn(rng, number) for number in range(1, 301)]
    assert archive.write(documents) == []
    archive.settle()
    for asked in (narrowed(rng) for _ in range(60)):
        there = [one for one in documents if fits(one, asked)]
        counted = Counter(pair for one in there for pair in values(one, asked))
        assert archive.facets(asked) == {facet: {value: number for (name, value), number in counted.items() if name == facet} for facet in FACETS}, asked
        assert archive.count(asked) == len(there)

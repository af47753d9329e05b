"""Two readings of random queries over random mentions must find the same ones (the archives' contract suite has the third)."""

from __future__ import annotations

import sqlite3
from random import Random

import pytest

from incidents.query import Watchlist, fts, parse
from incidents.store.archive import open_archive
from incidents.store.search import Query
from tests.incidents.archive.builders import document_of
from tests.incidents.query.corpus import corpus, query


@pytest.mark.parametrize("seed", range(12))
def test_in_this_process_and_in_fts5(seed: int) -> None:
    rng = Random(seed)
    mentions, asked = corpus(rng, 150), [query(rng) for _ in range(150)]
    archive = open_archive("sqlite:///:memory:")
    archive.write([document_of(number, one) for number, one in enumerate(mentions, 1)])
    watchlist = Watchlist({one: parse(one) for one in asked})
    found = [watchlist.match(one) for one in mentions]
    for one in asked:
        expected = [number for number in range(len(mentions), 0, -1) if one in found[number - 1]]
        assert list(archive.newest(Query(expr=parse(one)), limit=200).ids) == expected, one
    archive.close()


def test_the_random_queries_find_some_and_not_all() -> None:
    rng = Random(1)
    mentions, watchlist = corpus(rng, 150), Watchlist({one: parse(one) for one in (query(rng) for _ in range(150))})
    shares = [len(watchlist.match(one)) for one in mentions]
    assert 10 < sum(shares) / len(shares) < 100


def test_the_deepest_and_the_widest_query_fit_into_fts5() -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE search USING fts5(title, text, facets)")
    nested = "".join("(茶 (虫 OR " for _ in range(14)) + "店" + "))" * 14
    taken = "".join("茶 NOT (虫 OR " for _ in range(14)) + "店" + ")" * 14
    for one in (nested, taken, " OR ".join(["茶"] * 1000), " ".join(["茶"] * 1000), "茶 " + "-虫 " * 999, "(" * 30 + "茶" + ")" * 30):
        assert db.execute("SELECT rowid FROM search WHERE search MATCH ?", (fts.reading(parse(one)),)).fetchall() == []

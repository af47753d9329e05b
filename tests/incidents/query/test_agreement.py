"""Two readings of random queries over random mentions must find the same ones (the archives' contract suite has the third)."""

from __future__ import annotations

import sqlite3

from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.query import Fields, Watchlist, fts, parse
from incidents.store.archive import open_archive
from incidents.store.search import Query
from tests.incidents.archive.builders import document_of
from tests.incidents.query.corpus import fields, queries


@settings(max_examples=150, deadline=None)
@given(st.lists(fields, min_size=1, max_size=12), st.lists(queries, min_size=1, max_size=8))
def test_in_this_process_and_in_fts5(corpus: list[Fields], asked: list[str]) -> None:
    archive = open_archive("sqlite:///:memory:")
    archive.write([document_of(number, one) for number, one in enumerate(corpus, 1)])
    watchlist = Watchlist({query: parse(query) for query in asked})
    found = [watchlist.match(one) for one in corpus]
    for query in asked:
        expected = [number for number in range(len(corpus), 0, -1) if query in found[number - 1]]
        assert list(archive.newest(Query(expr=parse(query))).ids) == expected, query
    archive.close()


def test_the_deepest_and_the_widest_query_fit_into_fts5() -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE search USING fts5(title, text, facets)")
    nested = "".join("(茶 (虫 OR " for _ in range(14)) + "店" + "))" * 14
    taken = "".join("茶 NOT (虫 OR " for _ in range(14)) + "店" + ")" * 14
    for query in (nested, taken, " OR ".join(["茶"] * 1000), " ".join(["茶"] * 1000), "茶 " + "-虫 " * 999, "(" * 30 + "茶" + ")" * 30):
        assert db.execute("SELECT rowid FROM search WHERE search MATCH ?", (fts.reading(parse(query)),)).fetchall() == []

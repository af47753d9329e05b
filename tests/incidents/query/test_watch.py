from __future__ import annotations

import random
import statistics
import time

import pytest

from incidents.query import Fields, Watchlist, parse

INSECT = Fields(title="雾岛茶又出事了", text="霧島茶裡喝出了ＢＵＧ和虫子，店员 3 小时没人理", source="wb", platform="weibo", author="小满")


def matched(query: str, fields: Fields = INSECT) -> list[str] | None:
    """The marked words in their order, None when the query does not match."""
    found = Watchlist({"q": parse(query)}).match(fields).get("q")
    return None if found is None else [getattr(fields, span.field)[span.start : span.end] for span in found]


@pytest.mark.parametrize(("query", "marked"), [
    ("雾岛茶", ["雾岛茶", "霧島茶"]), ("霧島 bug", ["雾岛", "霧島", "ＢＵＧ"]), ("虫 OR 老鼠", ["虫"]), ("虫 AND 老鼠", None), ("虫 NOT 老鼠", ["虫"]), ("虫 -店员", None),
    ("title:虫", None), ("title:出事", ["出事"]), ("source:WB", []), ("source:wb 虫", ["虫"]), ("platform:zhihu", None), ("author:小满 店员", ["店员"]),
    ("sentiment:negative", None), ("虫 NOT sentiment:negative", ["虫"]), ("喝 NEAR/4 虫", ["喝", "虫"]), ("虫 NEAR/4 喝", ["喝", "虫"]), ("喝 NEAR/3 虫", None),
    ("(bug OR 老鼠) NEAR/2 (虫子 OR 蟑螂)", ["ＢＵＧ", "虫子"]), ("子店", ["子，店"]), ("bu", None), ("小时", ["小时"]), ("3小时", ["3 小时"]), ("33小时", None),
    ("了霧", None), ("(虫 老鼠) OR 店员", ["店员"]), ('"出事了" NEAR/0 茶又', ["茶又", "出事了"]), ("茶 NEAR/100 了", ["茶", "了", "茶", "了"]),
])
def test_queries_match_what_they_say_and_mark_it(query: str, marked: list[str] | None) -> None:
    assert matched(query) == marked


def test_a_missing_property_is_no_match_and_an_unknown_sentiment_is_not_negative() -> None:
    bare = Fields(text="虫")
    assert matched("author:小满", bare) is None and matched("虫 NOT author:小满", bare) == ["虫"]


def test_spans_are_each_once_in_order_and_name_the_wording() -> None:
    found = Watchlist({"q": parse('虫 OR "虫" OR ＢＵＧ')}).match(INSECT)["q"]
    assert [(span.name, span.field, span.start) for span in found] == [("ＢＵＧ", "text", 7), ("虫", "text", 11)]


def thousands(number: int = 5000) -> Watchlist:
    rng = random.Random(7)
    words = ["".join(chr(rng.randrange(0x4E00, 0x5E00)) for _ in range(rng.choice((2, 2, 3, 4)))) for _ in range(number * 3)]
    queries = {f"q{n}": parse(f"({words[3 * n]} OR {words[3 * n + 1]}) AND ({words[3 * n + 2]} OR 的 OR 了) NOT 招聘") for n in range(number)}
    return Watchlist({**queries, "tea": parse("雾岛茶 AND (虫 OR 异物) NOT 招聘")})


def test_of_thousands_of_queries_only_those_whose_words_were_seen_are_looked_at() -> None:
    watchlist = thousands()
    looked = list(watchlist._waking(watchlist._hits(INSECT)))
    assert "tea" in looked and len(looked) < 20


def test_thousands_of_queries_take_about_a_millisecond() -> None:
    watchlist, times = thousands(), []
    for _ in range(50):
        began = time.perf_counter()
        assert set(watchlist.match(INSECT)) == {"tea"}
        times.append(time.perf_counter() - began)
    assert statistics.median(times) < 0.005  # bench/matching.py measures the millisecond on a quiet machine

"""What any archive must do. A new one is added to the fixture ``archive`` and must pass all of this."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from incidents.query import Watchlist, parse
from incidents.store.index import Document
from incidents.store.reconcile import reconcile
from incidents.store.search import Archive, Query, sums
from tests.incidents.archive.builders import document, document_of
from tests.incidents.builders import HOUR, T0, judge_all, ledger_in, mention, save
from tests.incidents.query.corpus import corpus, query

DAY = timedelta(days=1)


def put(archive: Archive, *documents: Document) -> None:
    assert archive.write(documents) == []
    archive.settle()


def ids(archive: Archive, text: str = "", **narrowed: object) -> list[int]:
    asked = Query(expr=parse(text) if text else None, **narrowed)  # type: ignore[arg-type]
    found = list(archive.newest(asked, limit=1000).ids)
    assert archive.count(asked) == len(found) == sum(archive.by_day(asked).values())
    return found


def test_words_of_any_length_are_found_exactly(archive: Archive) -> None:
    rng = Random(7)
    texts = {n: "".join(rng.choices("雾岛茶虫子好喝店员道歉", k=12)) for n in range(1, 200)}
    put(archive, *(document(n, text) for n, text in texts.items()))
    for word in ("茶", "虫子", "雾岛茶", "好喝店", "员道歉茶"):
        assert ids(archive, word) == sorted((n for n, text in texts.items() if word in text), reverse=True)


def test_scripts_widths_case_and_syntax_do_not_matter(archive: Archive) -> None:
    put(archive, document(1, "霧島茶 ＮＥＡＲ “好喝” OR 1 ß 𠮷 cafe\u0301 Ⅷ"))
    for word in ("雾岛茶", "near", "SS", "𠮷", "caf\u00e9", "viii", '好喝" or 1'):
        assert archive.count(Query(words=(word,))) == 1, word
    assert archive.count(Query(words=("雾岛茶", "near", "！"))) == 1 and archive.count(Query(words=("cafe", "near"))) == 0


def test_a_phrase_ends_at_its_field(archive: Archive) -> None:
    put(archive, document(1, "茶出虫", title="雾岛"), document(2, "雾岛茶"))
    assert ids(archive, "雾岛茶") == [2] and ids(archive, "雾岛 NEAR/100 茶") == [2] and ids(archive, "title:雾岛") == [1] and ids(archive, "雾岛 虫") == [1]


def test_overlong_words_are_found_and_hurt_nobody(archive: Archive) -> None:
    put(archive, document(1, "a" * 40_000), document(2, "a" * 39_999), document(3, "虫" * 90_000, title="b" * 300))
    assert archive.count(Query(words=("A" * 40_000,))) == 1 and ids(archive, "虫虫虫") == ids(archive, "title:" + "b" * 300) == [3]


def test_filters_are_whole_values_in_any_script(archive: Archive) -> None:
    put(archive, document(1, source="a-b c", platform="小紅書", author="Li Lei"), document(2, source="a b-c", author="李雷"), document(3, source="", platform="", author=""))
    assert ids(archive, 'source:"A-B C"') == [1] and ids(archive, "platform:小红书") == [1] and ids(archive, 'author:"li lei"') == [1] and ids(archive, "author:李") == []
    assert ids(archive, source="a b-c") == [2] and ids(archive, "雾岛 -source:(\"a-b c\" OR \"a b-c\")") == [3]


def test_sentiment_is_towards_the_brand_that_is_asked_for(archive: Archive) -> None:
    put(archive, document(1, brands=("tea", "milk"), sentiments={"tea": "negative", "milk": "positive"}), document(2, brands=("milk",), sentiments={"milk": "negative"}), document(3, sentiments={}))
    assert ids(archive, "sentiment:negative") == ids(archive, sentiment="negative") == [2, 1]
    assert ids(archive, "sentiment:negative", brand="milk") == ids(archive, brand="milk", sentiment="negative") == [2]
    assert ids(archive, "茶 NOT sentiment:negative", brand="tea") == [3]


def test_the_newest_version_wins(archive: Archive) -> None:
    put(archive, document(1, "旧的文字", version=2))
    put(archive, document(1, "新的文字", version=3, sentiments={"tea": "positive"}))
    put(archive, document(1, "旧的文字", version=2), document(1, "新的文字", version=3, platform="forum"))
    assert ids(archive, "旧的") == ids(archive, platform="weibo") == [] and ids(archive, "新的") == ids(archive, platform="forum") == [1]


def test_what_is_gone_is_found_by_nothing_and_does_not_come_back(archive: Archive) -> None:
    put(archive, document(1, "要删的", version=1), document(2, "留下的"))
    put(archive, document(1, "", version=2, gone=True))
    put(archive, document(1, "要删的", version=1))
    assert ids(archive) == [2] and ids(archive, "要删的") == [] and archive.facets(Query())["source"] == {"wb": 1} and archive.versions(0) == {2: 1}


def test_one_batch_may_hold_several_versions(archive: Archive) -> None:
    put(archive, document(1, "新", version=2), document(1, "旧", version=1), document(2, "旧", version=1), document(2, "新", version=2))
    assert ids(archive, "新") == [2, 1] and ids(archive, "旧") == []


def test_time_paging_and_days(archive: Archive) -> None:
    put(archive, *(document(n, dated=T0 + n * 8 * HOUR) for n in range(1, 10)))
    assert ids(archive, since=T0 + 16 * HOUR, until=T0 + 32 * HOUR) == [3, 2]
    page = archive.newest(Query(words=("茶",)), limit=4)
    again = archive.newest(Query(words=("茶",)), limit=4, before=page.before)
    last = archive.newest(Query(words=("茶",)), limit=4, before=again.before)
    assert (page.ids, again.ids, last.ids, last.before) == ((9, 8, 7, 6), (5, 4, 3, 2), (1,), None)


def test_days_are_those_of_shanghai(archive: Archive) -> None:
    put(archive, document(1, dated=datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC)), document(2, dated=datetime(2026, 11, 20, 16, tzinfo=UTC)), document(3, dated=datetime(1960, 1, 1, tzinfo=UTC)))
    assert archive.by_day(Query()) == {"1970-01-01": 1, "2026-11-20": 1, "2026-11-21": 1}


def test_new_mentions_do_not_disturb_paging(archive: Archive) -> None:
    put(archive, *(document(n) for n in range(1, 7)))
    page = archive.newest(Query(), limit=3)
    put(archive, document(7), document(8))
    assert archive.newest(Query(), limit=9, before=page.before).ids == (3, 2, 1)


def test_of_one_second_the_larger_id_is_newer(archive: Archive) -> None:
    put(archive, *(document(n, dated=T0 + timedelta(microseconds=1000 - n)) for n in (1, 3, 2)))
    assert ids(archive) == [3, 2, 1]


def test_facets_count_every_value(archive: Archive) -> None:
    put(archive, document(1, "虫", source="wb", platform="weibo", brands=("tea", "milk"), sentiments={"tea": "negative", "milk": "neutral"}), document(2, "虫", source="forum-1", platform="forum"), document(3, "茶"))
    assert archive.facets(Query(words=("虫",))) == {"brand": {"tea": 2, "milk": 1}, "source": {"wb": 1, "forum-1": 1}, "platform": {"weibo": 1, "forum": 1}, "sentiment": {"negative": 2, "neutral": 1}}
    assert archive.facets(Query(words=("虫",), brand="milk"))["sentiment"] == {"neutral": 1}
    assert archive.facets(Query(words=("没有",))) == {"brand": {}, "source": {}, "platform": {}, "sentiment": {}}


def test_an_empty_archive_answers(archive: Archive) -> None:
    assert ids(archive) == [] and ids(archive, "茶 NEAR/3 虫") == [] and archive.checksums() == {} and archive.versions(3) == {} and archive.drop_months_before(T0) == 0
    assert archive.facets(Query())["brand"] == {}
    archive.remove([1, 2])
    archive.clear()
    assert archive.faults() == []


@pytest.mark.parametrize("seed", range(4))
def test_it_reads_queries_as_the_matcher_does(archive: Archive, seed: int) -> None:
    rng = Random(1000 + seed)
    mentions, asked = corpus(rng, 120), [query(rng) for _ in range(80)]
    put(archive, *(document_of(number, one) for number, one in enumerate(mentions, 1)))
    watchlist = Watchlist({one: parse(one) for one in asked})
    found = [watchlist.match(one) for one in mentions]
    for one in asked:
        assert list(archive.newest(Query(expr=parse(one)), limit=200).ids) == [n for n in range(len(mentions), 0, -1) if one in found[n - 1]], one


def test_the_widest_and_deepest_queries_are_answered(archive: Archive) -> None:
    put(archive, document(1, "茶虫"))
    group = "(" + " OR ".join(chr(0x4E00 + n) for n in range(29)) + " OR 茶)"
    for text in (" OR ".join(["茶"] * 1000), " ".join(["茶"] * 1000), "茶 " + "-店 " * 999, "(" * 30 + "茶" + ")" * 30, "".join("(茶 (店 OR " for _ in range(14)) + "虫" + "))" * 14, f"{group} NEAR/100 {group[:-1]} OR 虫)"):
        assert ids(archive, text) == [1]


def test_checksums_and_versions_tell_what_is_there(archive: Archive) -> None:
    put(archive, *(document(n, version=n % 3) for n in (1, 2, 1023, 1024, 5000)))
    expected = [(n, n % 3) for n in (1, 2, 1023, 1024, 5000)]
    assert archive.checksums() == sums(expected) and archive.versions(0) == {1: 1, 2: 2, 1023: 0} and archive.versions(4) == {5000: 2}


def test_whole_months_are_let_go(archive: Archive) -> None:
    dates = {1: datetime(2012, 5, 1, tzinfo=UTC), 2: datetime(2026, 9, 30, 23, tzinfo=UTC), 3: datetime(2026, 10, 1, tzinfo=UTC), 4: T0}
    put(archive, *(document(n, dated=dated) for n, dated in dates.items()))
    assert archive.drop_months_before(datetime(2026, 10, 31, tzinfo=UTC)) == 2
    archive.settle()
    assert ids(archive) == [4, 3]
    put(archive, document(2, dated=dates[2]))
    assert ids(archive) == [4, 3, 2]


def test_what_was_removed_may_come_back_in_an_older_version(archive: Archive) -> None:
    put(archive, document(1, version=9), document(2))
    archive.remove([1])
    assert ids(archive) == [2]
    put(archive, document(1, version=3))
    assert archive.versions(0) == {1: 3, 2: 1}


def test_the_reconciler_mends_what_is_missing_older_and_too_much(archive: Archive, tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, *(mention(str(n), f"雾岛茶第{n}杯喝出了虫子") for n in range(30)))
    judge_all(ledger)
    assert reconcile(ledger.index, archive).written == 30
    archive.remove([3, 4])
    put(archive, document(99, "不在账本里"), document(5, "将来的", version=99))
    done = reconcile(ledger.index, archive)
    archive.settle()
    assert (done.differing, done.written, done.removed, done.refused) == (1, 3, 1, ())
    assert len(ids(archive, "雾岛茶 AND 虫子")) == len(ids(archive)) == 30 and reconcile(ledger.index, archive).differing == 0


def test_the_queue_feeds_it_and_a_rebuild_gives_the_same(archive: Archive, tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, *(mention(str(n), f"雾岛茶第{n}杯喝出了虫子") for n in range(30)))
    judge_all(ledger)
    while documents := ledger.index.claim(10):
        assert archive.write(documents) == []
        ledger.index.confirm(documents)
    archive.settle()
    fed = ids(archive, brand="wudao", sentiment="negative")
    archive.clear()
    assert ids(archive) == []
    for portion in ledger.index.everything(7):
        archive.write(portion)
    archive.settle()
    assert ids(archive, brand="wudao", sentiment="negative") == fed and len(fed) == 30


def test_the_reconciler_looks_whether_what_it_wrote_is_there(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, *(mention(str(n), f"雾岛茶第{n}杯") for n in range(5)))
    real, calls = archive.write, list[int]()

    def takes_and_forgets(documents: list[Document]) -> list[tuple[int, str]]:
        calls.append(len(documents))
        return real(documents[:2] if len(calls) == 1 else documents)

    monkeypatch.setattr(archive, "write", takes_and_forgets)
    reconcile(ledger.index, archive)
    archive.settle()
    assert calls == [5, 3] and archive.count(Query()) == 5

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest

from incidents.store.archive import open_archive
from incidents.store.index import Document
from incidents.store.search import Archive, Query
from tests.incidents.builders import HOUR, T0, judge_all, ledger_in, mention, save


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return open_archive(f"sqlite:///{tmp_path}/archive.sqlite")


def document(number: int, text: str, **changes: object) -> Document:
    values: dict[str, object] = dict(mention_id=number, version=1, gone=False, title="", text=text, author="", source="wb", platform="weibo", dated=T0 + timedelta(minutes=number),
                                     brands=("tea",), sentiments={"tea": "negative"}, stories=())
    return Document(**{**values, **changes})  # type: ignore[arg-type]


def test_words_of_any_length_are_found_exactly(archive: Archive) -> None:
    random.seed(7)
    texts = {n: "".join(random.choices("雾岛茶虫子好喝店员道歉", k=12)) for n in range(1, 200)}
    archive.write([document(n, text) for n, text in texts.items()])
    for word in ("茶", "虫子", "雾岛茶", "好喝店", "员道歉茶"):
        expected = sorted((n for n, text in texts.items() if word in text), reverse=True)
        assert list(archive.newest(Query(words=(word,)), limit=500).ids) == expected and archive.count(Query(words=(word,))) == len(expected)


def test_scripts_widths_and_syntax_do_not_matter(archive: Archive) -> None:
    archive.write([document(1, "霧島茶 ＮＥＡＲ “好喝” OR 1")])
    for word in ("雾岛茶", "near", '"好喝"', "好喝) OR (", "NEAR(好 喝)"):
        assert archive.count(Query(words=(word,))) in (0, 1)
    assert archive.count(Query(words=("雾岛茶", "near"))) == 1


def test_writing_again_replaces_and_an_old_version_does_not(archive: Archive) -> None:
    archive.write([document(1, "旧的文字", version=2)])
    archive.write([document(1, "新的文字", version=3)])
    archive.write([document(1, "旧的文字", version=2)])
    assert archive.count(Query(words=("旧的",))) == 0 and archive.count(Query(words=("新的",))) == 1
    archive.write([document(1, "", version=4, gone=True)])
    assert archive.count(Query()) == 0


def test_facets_time_paging_and_days(archive: Archive) -> None:
    archive.write([document(n, "雾岛茶", dated=T0 + n * 8 * HOUR, sentiments={"tea": "negative" if n % 2 else "neutral"}) for n in range(1, 10)])
    assert archive.count(Query(brand="tea", sentiment="negative")) == 5 and archive.count(Query(source="other")) == 0
    assert archive.count(Query(since=T0 + 16 * HOUR, until=T0 + 32 * HOUR)) == 2
    page = archive.newest(Query(words=("茶",)), limit=4)
    assert page.ids == (9, 8, 7, 6) and archive.newest(Query(words=("茶",)), limit=4, before=page.before).ids == (5, 4, 3, 2)
    assert sum(archive.by_day(Query()).values()) == 9


def test_the_queue_feeds_it_and_a_rebuild_gives_the_same(tmp_path: Path, archive: Archive) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, *(mention(str(n), f"雾岛茶第{n}杯喝出了虫子") for n in range(30)))
    judge_all(ledger)
    while documents := ledger.index.claim(10):
        archive.write(documents)
        ledger.index.confirm(documents)
    fed = archive.newest(Query(brand="wudao", sentiment="negative"), limit=100).ids
    archive.clear()
    for portion in ledger.index.everything(7):
        archive.write(portion)
    assert archive.newest(Query(brand="wudao", sentiment="negative"), limit=100).ids == fed and len(fed) == 30

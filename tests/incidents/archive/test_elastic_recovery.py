"""A real server behind a line that fails in every way; and the two archives asked the same after the same history."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from random import Random

import pytest

from incidents.query import parse
from incidents.store.archive_elastic import ElasticArchive
from incidents.store.elastic_address import address
from incidents.store.index import Document
from incidents.store.search import Archive, ArchiveDown, Query
from tests.incidents.archive.builders import document, document_of
from tests.incidents.archive.conftest import NUMBERS, RUN, server_url
from tests.incidents.archive.nine import Gate, gate
from tests.incidents.builders import T0
from tests.incidents.query.corpus import corpus, query

pytestmark = pytest.mark.server


@pytest.fixture
def line(swept: None) -> Iterator[Gate]:
    server_url("x")  # skips without a server
    with gate(os.environ["ELASTICSEARCH_URL"].rstrip("/")) as found:
        yield found


def through(line: Gate, timeout_s: float, prefix: str = "") -> ElasticArchive:
    return ElasticArchive(address(f"elastic+http://127.0.0.1:{line.port}/{prefix or f'{RUN}-{next(NUMBERS)}'}"), timeout_s=timeout_s, sleep=lambda _: None)


def test_nothing_is_lost_or_doubled_on_a_line_that_fails_in_every_way(line: Gate) -> None:
    archive, taken, put_off, stop = through(line, 2.0), list[int](), dict[str, int](), threading.Event()

    def write_on() -> None:
        while not stop.is_set():
            first, mode = len(taken) * 5 + 1, line.mode
            try:
                archive.write([document(n, f"第{n}条") for n in range(first, first + 5)])
                taken.append(first)
            except ArchiveDown:
                put_off[mode] = put_off.get(mode, 0) + 1

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        for mode in ("pass", "cut", "late", "hang", "busy", "pass", "late", "pass"):
            line.mode, before = mode, (len(taken), put_off.get(mode, 0))
            wait_for(lambda: len(taken) > before[0] + 2 if mode == "pass" else put_off.get(mode, 0) > before[1])  # noqa: B023 – asked before the next turn
    finally:
        line.mode = "pass"
        stop.set()
        writer.join()
    archive.settle()
    count = len(taken) * 5
    assert archive.count(Query()) == count and archive.newest(Query(), limit=count + 9).ids == tuple(range(count, 0, -1))


def wait_for(true: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("mode", ["cut", "hang", "busy", "late"])
def test_every_call_says_it_is_down_in_time_and_works_again_at_once(line: Gate, mode: str) -> None:
    archive = through(line, 10.0)
    archive.write([document(1)])
    archive.settle()
    hasty = through(line, 0.7, archive.names.prefix)
    line.mode = mode
    for call in (lambda: hasty.count(Query()), lambda: hasty.newest(Query()), hasty.checksums, hasty.settle, lambda: hasty.write([document(2)])):
        began = time.perf_counter()
        with pytest.raises(ArchiveDown):
            call()
        assert time.perf_counter() - began < 5
    assert [one.code for one in hasty.faults()] == ["busy" if mode == "busy" else "down"]
    line.mode = "pass"
    assert archive.count(Query()) >= 1 and archive.write([document(2)]) == [] and archive.faults() == []


def test_a_document_of_the_wrong_shape_is_refused_alone(elastic: Archive) -> None:
    bad = document(2, counts={"reposts": 2**70})  # larger than a long
    assert [mention_id for mention_id, _ in elastic.write([document(1), bad, document(3)])] == [2]
    elastic.settle()
    assert elastic.newest(Query()).ids == (3, 1)


@pytest.mark.parametrize("seed", range(3))
def test_both_archives_answer_the_same_after_the_same_history(elastic: Archive, sqlite: Archive, seed: int) -> None:
    rng = Random(7000 + seed)
    history = written(rng, 150)
    for start in range(0, len(history), 40):
        for archive in (elastic, sqlite):
            assert archive.write(history[start : start + 40]) == []
    elastic.settle()
    assert elastic.checksums() == sqlite.checksums() and elastic.versions(0) == sqlite.versions(0)
    for asked in (narrowed(rng) for _ in range(40)):
        assert answers(elastic, asked) == answers(sqlite, asked), asked


def written(rng: Random, count: int) -> list[Document]:
    """Each mention in one to four versions, some of them gone at last, shuffled: the newest must win whatever comes first."""
    found: list[Document] = []
    for number, one in enumerate(corpus(rng, count), 1):
        dated = T0.replace(month=rng.randint(8, 11), day=rng.randint(1, 28))
        for version in range(1, rng.randint(2, 5)):
            gone = version == 4 and rng.random() < 0.5
            changed = document_of(number, corpus(rng, 1)[0] if rng.random() < 0.3 else one)
            found.append(document(number, changed.text, title=changed.title, source=changed.source, platform=changed.platform, sentiments=changed.sentiments,
                                  dated=dated, version=version, gone=gone, counts={"reposts": rng.randrange(100)}))
    rng.shuffle(found)
    return found


def narrowed(rng: Random) -> Query:
    since = T0.replace(month=rng.randint(8, 9), day=1) if rng.random() < 0.3 else None
    until = T0.replace(month=rng.randint(10, 11), day=15) if rng.random() < 0.3 else None
    return Query(expr=parse(query(rng)), brand="tea" if rng.random() < 0.3 else None, sentiment=rng.choice(["negative", None, None]), since=since, until=until)


def answers(archive: Archive, asked: Query) -> object:
    first = archive.newest(asked, limit=7)
    return first, archive.newest(asked, limit=500, before=first.before) if first.before else None, archive.count(asked), archive.by_day(asked), archive.facets(asked)

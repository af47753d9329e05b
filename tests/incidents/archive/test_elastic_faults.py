"""Elasticsearch when it is busy, down, hanging, strange or half willing: nothing is lost, nothing waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from incidents.errors import YujingError
from incidents.store import archive_elastic
from incidents.store.archive import open_archive
from incidents.store.archive_elastic import ATTEMPTS, ElasticArchive
from incidents.store.elastic_address import address
from incidents.store.search import ArchiveDown, Query
from tests.incidents.archive.builders import document
from tests.incidents.archive.fake_elastic import FakeElastic, items, serving, taken, whole

DOCUMENTS = [document(n) for n in range(1, 5)]


@pytest.fixture
def fake() -> Iterator[FakeElastic]:
    with serving(FakeElastic(bulks=[taken])) as found:
        yield found


def archive_on(fake: FakeElastic, waits: list[float] | None = None) -> ElasticArchive:
    waited = [] if waits is None else waits
    return ElasticArchive(address(f"elastic+http://127.0.0.1:{fake.port}/t"), timeout_s=0.5, sleep=waited.append)


def ids_of(lines: list[dict[str, dict[str, str]]]) -> list[str]:
    return [line["index"]["_id"] for line in lines[::2]]


def test_busy_items_alone_are_sent_again_after_rising_waits(fake: FakeElastic) -> None:
    waits: list[float] = []
    fake.bulks = [items(lambda n: 429 if n > 2 else 201), items(lambda n: 503 if n > 3 else 200), taken]
    assert archive_on(fake, waits).write(DOCUMENTS) == []
    assert [ids_of(lines) for lines in fake.sent] == [["1", "2", "3", "4"], ["3", "4"], ["4"]]
    assert len(waits) == 2 and 0 <= waits[0] <= 0.4 and 0 <= waits[1] <= 0.8


def test_a_bad_document_is_set_aside_and_the_others_are_taken(fake: FakeElastic) -> None:
    fake.bulks = [items(lambda n: 400 if n == 2 else 201)]
    assert archive_on(fake).write(DOCUMENTS) == [(2, "fault_400: because")] and len(fake.sent) == 1


def test_a_newer_version_there_is_no_fault(fake: FakeElastic) -> None:
    fake.bulks = [items(lambda n: 409)]
    assert archive_on(fake).write(DOCUMENTS) == [] and len(fake.sent) == 1


@pytest.mark.parametrize("answer", [items(lambda n: 429), items(lambda n: 403), whole(429), whole(503)])
def test_who_stays_busy_is_down_and_the_queue_waits(fake: FakeElastic, answer: object) -> None:
    fake.bulks = [answer]  # type: ignore[list-item]
    with pytest.raises(ArchiveDown, match="4 documents wait"):
        archive_on(fake).write(DOCUMENTS)
    assert len(fake.sent) == ATTEMPTS


def test_a_request_that_is_too_large_is_halved(fake: FakeElastic) -> None:
    fake.bulks = [lambda lines: whole(413)(lines) if "3" in ids_of(lines) else taken(lines)]
    assert [mention_id for mention_id, _ in archive_on(fake).write(DOCUMENTS)] == [3]


def test_large_documents_travel_in_several_requests(fake: FakeElastic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_elastic, "PORTION_BYTES", 40_000)
    archive_on(fake).write([document(n, "虫" * 2_000) for n in range(1, 13)])
    assert [len(lines) // 2 for lines in fake.sent] == [3, 3, 3, 3]


def test_a_hanging_server_is_down_after_the_time_limit(fake: FakeElastic) -> None:
    fake.hang, began = threading.Event(), time.perf_counter()
    with pytest.raises(ArchiveDown, match="does not answer"):
        archive_on(fake).count(Query())
    assert time.perf_counter() - began < 3


@pytest.mark.parametrize(("changes", "said", "code"), [
    ({"version": "7.17.1"}, "version 7.17.1", "old_version"), ({"product": ""}, "no Elasticsearch", "other_product"), ({"product": "Other"}, "no Elasticsearch", "other_product"),
    ({"login": 401}, "refuses the login", "login"), ({"media": 400}, "servers 8 and 9", "other_version"), ({"media": 406}, "servers 8 and 9", "other_version"),
])
def test_a_server_that_is_not_ours_is_named(fake: FakeElastic, changes: dict[str, object], said: str, code: str) -> None:
    for name, value in changes.items():
        setattr(fake, name, value)
    archive = archive_on(fake)
    with pytest.raises(ArchiveDown, match=said):
        archive.write(DOCUMENTS)
    assert [one.code for one in archive.faults()] == [code] and not fake.sent


def test_nobody_there_is_down_at_once() -> None:
    archive = open_archive("elastic+http://127.0.0.1:9/t")
    for call in (lambda: archive.newest(Query()), lambda: archive.write(DOCUMENTS), archive.settle, archive.checksums):
        with pytest.raises(ArchiveDown, match="does not answer"):
            call()


def test_an_address_holds_hosts_prefix_and_secrets() -> None:
    secrets = {"secret:es": "k", "secret:pw": "p"}
    found = address("elastic+https://lin:secret%3Apw@a:9200,[::1]:9201/tea?api_key=secret:es&ca=ca.pem", lambda value: secrets.get(value or "", value))
    assert found.hosts == ("https://a:9200", "https://[::1]:9201") and (found.prefix, found.user, found.password, found.api_key, found.ca) == ("tea", "lin", "p", "k", "ca.pem")
    assert "'p'" not in repr(found) and "'k'" not in repr(found)


@pytest.mark.parametrize("url", ["elastic+http://host/t", "elastic+http://h:9/T", "elastic+http://h:9/t?apikey=SESAME", "elastic+http://u:SESAME@:9/t", "mongo://h/x"])
def test_an_address_that_cannot_be_used_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(YujingError) as caught:
        open_archive(url)
    assert "SESAME" not in str(caught.value)

"""A real Elasticsearch: re-index while it is used, and what others do to the indices behind our back."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from incidents.store import elastic_migrate
from incidents.store.archive_elastic import ElasticArchive
from incidents.store.elastic_migrate import Migrated, migrate
from incidents.store.elastic_shelves import MAPPINGS
from incidents.store.faults import Fault
from incidents.store.reconcile import reconcile
from incidents.store.search import Archive, ArchiveDown, Query
from tests.incidents.archive.builders import document
from tests.incidents.builders import T0, ledger_in, mention, save

pytestmark = pytest.mark.server


@pytest.fixture
def server(elastic: Archive) -> ElasticArchive:
    assert isinstance(elastic, ElasticArchive)
    return elastic


def test_a_reindex_loses_nothing_that_is_written_meanwhile(server: ElasticArchive) -> None:
    server.write([document(n, "旧的") for n in range(1, 3001)])
    stop, written = threading.Event(), []

    def keep_writing() -> None:
        number = 3000
        while not stop.is_set():
            number += 1
            server.write([document(number, "新的"), document(number - 3000, "改了", version=2), document(number - 2000, "", version=3, gone=True)])
            written.append(number)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        assert migrate(server, everything=True).copied >= 3000
    finally:
        stop.set()
        writer.join()
    server.settle()
    assert list(server.indices()) == [f"{server.names.all}-2026.11-g2"] and len(written) > 3
    assert server.count(Query(words=("新的",))) == len(written)
    assert server.count(Query()) == 3000 and server.count(Query(words=("改了",))) == len(written)


def test_searches_are_answered_all_along(server: ElasticArchive) -> None:
    server.write([document(n) for n in range(1, 2001)])
    server.settle()
    counts: set[int] = set()
    stop = threading.Event()

    def keep_asking() -> None:
        while not stop.is_set():
            counts.add(server.count(Query(words=("茶",))))

    asker = threading.Thread(target=keep_asking)
    asker.start()
    for _ in range(3):
        migrate(server, everything=True)
    stop.set()
    asker.join()
    assert counts == {2000}


def killed_in_the_first_copy(server: ElasticArchive, copied: int) -> None:
    """A run that dies, without a word, after it copied so many."""
    def die(_: str, done: int, __: int) -> None:
        if done >= copied:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrate(server, everything=True, progress=die)


def test_a_reindex_that_was_killed_is_taken_up_where_it_was(server: ElasticArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elastic_migrate, "NOTE_EVERY", 1)
    server.write([document(n) for n in range(1, 5001)])
    killed_in_the_first_copy(server, 4000)
    server.write([document(1, "改了", version=2), document(2, "", version=2, gone=True)])
    assert migrate(server) == Migrated(months=1, copied=2002)  # 3 000 were noted
    server.settle()
    assert server.count(Query()) == 4999 and server.count(Query(words=("改了",))) == 1
    assert list(server.indices()) == [f"{server.names.all}-2026.11-g2"] and migrate(server) == Migrated()


@pytest.mark.parametrize("step", ["refresh", "update_aliases", "add_block", "delete"])
def test_a_reindex_may_be_killed_at_every_step(server: ElasticArchive, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    server.write([document(n) for n in range(1, 11)])
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(type(server.client.indices), step, raiser)
        migrate(server, everything=True)
    server.write([document(11), document(1, "改了", version=2)])
    migrate(server, everything=True)
    server.settle()
    assert server.count(Query()) == 11 and server.count(Query(words=("改了",))) == 1 and len(server.indices()) == 1


def raiser(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_an_index_of_another_shape_is_named_and_migrated(server: ElasticArchive) -> None:
    old = {**MAPPINGS, "_meta": {"schema": 0}}
    server.client.indices.create(index=f"{server.names.all}-2026.11-g1", mappings=old, aliases={server.names.all: {}, f"{server.names.all}-2026.11": {}})
    with pytest.raises(ArchiveDown, match="archive migrate"):
        server.write([document(1)])
    assert server.faults()[0].code == "mapping" and "archive migrate" in server.faults()[0].way_out()
    migrate(server)
    assert server.write([document(1)]) == [] and server.faults() == []


def test_a_full_disk_makes_it_wait_and_go_on(server: ElasticArchive) -> None:
    server._sleep = lambda _: None
    server.write([document(1)])
    index = f"{server.names.all}-2026.11-g1"
    server.client.indices.put_settings(index=index, settings={"index.blocks.read_only_allow_delete": True})
    with pytest.raises(ArchiveDown, match="wait in the queue"):
        server.write([document(2)])
    assert server.faults() == [Fault(code="blocked", values={"index": index})]
    server.client.indices.put_settings(index=index, settings={"index.blocks.read_only_allow_delete": None})
    assert server.write([document(2)]) == [] and server.faults() == []


def test_what_others_delete_is_found_and_mended(server: ElasticArchive, tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, *(mention(str(n), f"雾岛茶第{n}杯") for n in range(20)))
    reconcile(ledger.index, server)
    server.client.delete(index=f"{server.names.all}-2026.11", id="7", refresh=True)
    assert reconcile(ledger.index, server).written == 1
    server.client.indices.delete(index=f"{server.names.all}-2026.11-g1")
    assert server.count(Query()) == 0
    assert reconcile(ledger.index, server).written == 20
    server.settle()
    assert server.count(Query()) == 20


def test_a_mention_that_lies_in_two_months_is_put_right(server: ElasticArchive, tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1", "雾岛茶"))
    reconcile(ledger.index, server)
    server.write([document(1, "雾岛茶", dated=T0.replace(month=3))])
    assert reconcile(ledger.index, server).written == 1
    server.settle()
    assert server.count(Query()) == 1 and reconcile(ledger.index, server).differing == 0

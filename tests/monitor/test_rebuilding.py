"""``yujing archive rebuild``: what the archive refuses is said, waits in the queue, and is no longer noted once it is taken."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from incidents.store import tables as t
from incidents.store.archive import open_archive
from incidents.store.archive_sqlite import LARGEST_ID
from incidents.store.ledger import Ledger
from incidents.store.reconcile import reconcile
from incidents.store.search import Query
from monitor.processes import rebuild_archive
from tests.incidents.builders import ledger_in, mention, save, settings_in


def with_one_that_is_refused(folder: Path) -> Ledger:
    """The second mention's id is larger than the archive takes."""
    ledger = ledger_in(folder)
    save(ledger, mention("1"))
    with ledger.engine.connect() as c:
        c.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for table, column in (("mentions", "id"), ("mention_brands", "mention_id"), ("work", "mention_id"), ("index_queue", "mention_id"), ("snapshots", "mention_id")):
            c.exec_driver_sql(f"UPDATE {table} SET {column} = {LARGEST_ID}")
        c.commit()
    save(ledger, mention("2"))
    return ledger


def test_what_is_refused_is_said_and_waits(tmp_path: Path) -> None:
    ledger = with_one_that_is_refused(tmp_path)
    total, refused = rebuild_archive(settings_in(tmp_path), ledger, lambda _: None)
    assert total == 1 and list(refused) == [LARGEST_ID + 1]
    with ledger.engine.connect() as c:
        q = t.index_queue.c
        assert c.execute(sa.select(q.mention_id, q.attempts, q.fault)).all() == [(LARGEST_ID + 1, 1, refused[LARGEST_ID + 1])]


def test_the_reconciler_notes_it_too_though_it_no_longer_waited(tmp_path: Path) -> None:
    ledger, archive = with_one_that_is_refused(tmp_path), open_archive(settings_in(tmp_path).archive_url)
    ledger.index.confirm(ledger.index.claim())
    assert ledger.index.waiting() == 0
    assert [one for one, _ in reconcile(ledger.index, archive).refused] == [LARGEST_ID + 1] and ledger.index.waiting() == 1


def test_what_was_set_aside_before_waits_no_more_after_a_rebuild(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    for _ in range(5):
        ledger.index.refuse({1: "document_parsing_exception"})
    assert rebuild_archive(settings_in(tmp_path), ledger, lambda _: None) == (1, {})
    assert ledger.index.waiting() == 0 and open_archive(settings_in(tmp_path).archive_url).count(Query()) == 1


def test_what_was_set_aside_and_is_there_all_the_same_waits_no_more(tmp_path: Path) -> None:
    ledger, archive = ledger_in(tmp_path), open_archive(settings_in(tmp_path).archive_url)
    save(ledger, mention("1"), mention("2"))
    archive.write(ledger.index.documents([1]))  # by another process, while this one was refused
    for _ in range(5):
        ledger.index.refuse({1: "document_parsing_exception"})
    assert ledger.index.aside() == [(1, 1)]
    reconcile(ledger.index, archive)
    assert ledger.index.aside() == [] and ledger.index.waiting() == 0 and archive.count(Query()) == 2

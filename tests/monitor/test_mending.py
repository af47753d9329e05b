from __future__ import annotations

from pathlib import Path

from incidents.store.archive import open_archive
from incidents.store.search import Query
from monitor.processes import Mending
from tests.incidents.builders import ledger_in, mention, save, settings_in


def test_an_archive_that_was_emptied_behind_our_back_becomes_whole_without_hands(tmp_path: Path) -> None:
    ledger, archive = ledger_in(tmp_path), open_archive(settings_in(tmp_path).archive_url)
    save(ledger, mention("1"), mention("2"))
    archive.write(documents := ledger.index.claim())
    ledger.index.confirm(documents)
    archive.remove([1, 2])
    assert Mending(index=ledger.index, archive=archive).look() == 2
    assert archive.count(Query()) == 2


def test_it_is_not_looked_at_all_the_time(tmp_path: Path) -> None:
    ledger, archive = ledger_in(tmp_path), open_archive(settings_in(tmp_path).archive_url)
    mending = Mending(index=ledger.index, archive=archive)
    save(ledger, mention("1"))
    assert mending.look() == 1 and mending.again_at > 0
    archive.remove([1])
    assert mending.look() == 0


def test_what_was_set_aside_waits_no_more_once_it_is_in_the_archive(tmp_path: Path) -> None:
    ledger, archive = ledger_in(tmp_path), open_archive(settings_in(tmp_path).archive_url)
    save(ledger, mention("1"))
    for _ in range(5):
        ledger.index.refuse({1: "document_parsing_exception"})
    assert ledger.index.claim() == [] and ledger.index.waiting() == 1
    assert Mending(index=ledger.index, archive=archive).look() == 1
    assert ledger.index.waiting() == 0 and archive.count(Query()) == 1

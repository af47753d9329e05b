"""The file of the SQLite archive: damaged, of an older shape, read while it is written, asked for what it cannot hold."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from incidents.store.archive import open_archive
from incidents.store.search import ArchiveDown, Query
from tests.incidents.archive.builders import document


def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    file = tmp_path / "archive.sqlite"
    file.write_bytes(b"this is no database" * 1000)
    archive = open_archive(f"sqlite:///{file}")
    assert archive.count(Query()) == 0 and archive.write([document(1)]) == [] and archive.count(Query()) == 1
    assert (tmp_path / "archive.sqlite.damaged").read_bytes().startswith(b"this is no")


def test_a_file_of_an_older_shape_begins_anew(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.sqlite") as old:
        old.executescript("CREATE VIRTUAL TABLE search USING fts5(terms, facets, content=''); CREATE TABLE written (mention_id INTEGER PRIMARY KEY);")
    archive = open_archive(f"sqlite:///{tmp_path}/a.sqlite")
    assert archive.write([document(1)]) == [] and archive.checksums() != {}


def test_a_file_of_today_is_kept(tmp_path: Path) -> None:
    first = open_archive(f"sqlite:///{tmp_path}/a.sqlite")
    first.write([document(1)])
    first.close()
    assert open_archive(f"sqlite:///{tmp_path}/a.sqlite").count(Query()) == 1


def test_an_id_that_does_not_fit_is_refused_and_the_others_are_taken(tmp_path: Path) -> None:
    archive = open_archive(f"sqlite:///{tmp_path}/a.sqlite")
    assert [one for one, _ in archive.write([document(1 << 30, dated=document(1).dated), document(2)])] == [1 << 30] and archive.count(Query()) == 1


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").mkdir()
    with pytest.raises(ArchiveDown, match="cannot be opened"):
        open_archive(f"sqlite:///{tmp_path}/a.sqlite")


def test_readers_and_a_writer_do_not_wait_for_one_another(tmp_path: Path) -> None:
    archive, faults = open_archive(f"sqlite:///{tmp_path}/a.sqlite"), list[Exception]()

    def ask() -> None:
        try:
            for _ in range(60):
                assert archive.count(Query(words=("茶",))) % 10 == 0  # a batch is seen whole or not at all
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for start in range(0, 300, 10):
        archive.write([document(n + 1) for n in range(start, start + 10)])
    for thread in threads:
        thread.join()
    assert faults == [] and archive.count(Query()) == 300


def test_rebuilding_in_one_process_leaves_the_facets_of_another_right(tmp_path: Path) -> None:
    writer, reader = open_archive(f"sqlite:///{tmp_path}/a.sqlite"), open_archive(f"sqlite:///{tmp_path}/a.sqlite")
    writer.write([document(1, source="a"), document(2, source="b")])
    assert reader.facets(Query())["source"] == {"a": 1, "b": 1}
    writer.clear()
    writer.write([document(2, source="b"), document(3, source="c")])
    assert reader.facets(Query())["source"] == {"b": 1, "c": 1}


def test_a_file_that_breaks_while_it_is_used_is_named(tmp_path: Path) -> None:
    archive = open_archive(f"sqlite:///{tmp_path}/a.sqlite")
    archive.write([document(1)])
    with sqlite3.connect(tmp_path / "a.sqlite") as other:
        other.execute("DROP TABLE search")
    assert [one.code for one in archive.faults()] == ["file"] and str(tmp_path / "a.sqlite") in archive.faults()[0].way_out()
    with pytest.raises(ArchiveDown):
        archive.count(Query(words=("茶",)))

"""Greps the files: what was erased is in none of them once the scrub is through."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from incidents.store import scrub
from incidents.store.archive import open_archive
from incidents.store.ledger import Ledger
from incidents.store.search import Archive, Query
from tests.incidents.builders import ledger_in, mention, save, settings_in
from tests.incidents.store.test_erasure import forget

WORD, NAME = "qwertzuiopasdfg", "雾岛茶"  # a word that only the erased text has


def feed(ledger: Ledger, archive: Archive) -> None:
    while documents := ledger.index.claim():
        archive.write(documents)
        ledger.index.confirm(documents)


def world(folder: Path, others: int = 600) -> tuple[Ledger, Archive]:
    """Enough documents for several segments; the erased one in their middle."""
    ledger, archive = ledger_in(folder), open_archive(settings_in(folder).archive_url)
    for start in range(0, others, 100):
        save(ledger, *(mention(str(n), f"{NAME} {WORD} 拉肚子" if n == 250 else f"{NAME}第 {n} 杯 味道{n % 7} 照旧") for n in range(start, start + 100)))
        feed(ledger, archive)
    return ledger, archive


def held(folder: Path, what: bytes) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(("ledger.sqlite", "archive.sqlite")) and "reserve" not in path.name and what in path.read_bytes()]


def body(folder: Path) -> bytes:
    with sqlite3.connect(folder / "archive.sqlite") as db:
        return bytes(db.execute("SELECT body FROM bodies WHERE mention_id = (SELECT max(mention_id) FROM bodies WHERE mention_id <= 251)").fetchone()[0])[8:-4]


def test_after_a_forget_the_word_is_in_no_file_and_everything_else_is_found(tmp_path: Path) -> None:
    ledger, archive = world(tmp_path)
    folder = settings_in(tmp_path).data
    packed, tail = body(folder), WORD[3:].encode()  # terms share their beginnings with the one before
    assert held(folder, tail) and held(folder, packed)
    forget(ledger, "weibo:m.example:250")
    feed(ledger, archive)
    assert "archive.sqlite" in {name.removesuffix("-wal") for name in held(folder, tail)}  # deleting alone leaves it in its segment
    while not scrub.step(ledger.engine, settings_in(tmp_path).archive_url):
        pass
    assert held(folder, tail) == [] and held(folder, packed) == []
    assert archive.count(Query(brand="wudao")) == 599 and scrub.step(ledger.engine, settings_in(tmp_path).archive_url) is False


def test_an_archive_too_large_to_be_written_anew_keeps_nothing_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, archive = world(tmp_path)
    folder = settings_in(tmp_path).data
    packed, tail = body(folder), WORD[3:].encode()
    for _ in range(3):  # scores, stories and counts write a mention again; its older rows must leave nothing behind
        archive.write(ledger.index.documents(range(1, 601)))
    forget(ledger, "weibo:m.example:250")
    feed(ledger, archive)
    monkeypatch.setattr(scrub, "LARGEST", 0)
    while not scrub.step(ledger.engine, settings_in(tmp_path).archive_url):
        pass
    with sqlite3.connect(folder / "archive.sqlite") as db:
        assert db.execute("PRAGMA freelist_count").fetchone()[0] > 0  # nothing was written anew: free pages are there, and hold zeros
    assert held(folder, tail) == [] and held(folder, packed) == []


def test_it_waits_until_the_archive_has_heard_of_the_erasure(tmp_path: Path) -> None:
    ledger, archive = world(tmp_path, others=300)
    forget(ledger, "weibo:m.example:250")
    assert scrub.step(ledger.engine, settings_in(tmp_path).archive_url) is False
    feed(ledger, archive)
    assert scrub.step(ledger.engine, settings_in(tmp_path).archive_url) is True


def test_it_is_bounded_and_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, archive = world(tmp_path)
    forget(ledger, "weibo:m.example:250")
    feed(ledger, archive)
    monkeypatch.setattr(scrub, "PAGES", 1)
    steps = 1
    while not scrub.step(ledger.engine, settings_in(tmp_path).archive_url, timedelta(0)):
        steps += 1
    assert steps > 2 and held(settings_in(tmp_path).data, WORD[3:].encode()) == []


def test_an_archive_in_use_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, archive = world(tmp_path, others=300)
    forget(ledger, "weibo:m.example:250")
    feed(ledger, archive)
    monkeypatch.setattr(scrub, "TIMEOUT_S", 0.05)
    other = sqlite3.connect(settings_in(tmp_path).data / "archive.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert scrub.step(ledger.engine, settings_in(tmp_path).archive_url) is False
    other.execute("COMMIT")
    assert scrub.step(ledger.engine, settings_in(tmp_path).archive_url) is True

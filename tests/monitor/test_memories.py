from __future__ import annotations

import json
from pathlib import Path

import pytest

from incidents.store.archive import open_archive
from incidents.store.search import Query
from monitor import memories
from tests.incidents.builders import T0, ledger_in, mention, save, settings_in


def found(folder: Path) -> int:
    archive = open_archive(settings_in(folder).archive_url)
    try:
        return archive.count(Query(words=("雾岛茶",)))
    finally:
        archive.close()


def index(folder: Path) -> None:
    archive, ledger = open_archive(settings_in(folder).archive_url), ledger_in(folder)
    archive.write(documents := ledger.index.claim())
    ledger.index.confirm(documents)
    archive.close()
    ledger.close()


def test_backup_and_restore_bring_ledger_and_archive_back_to_one_moment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"), mention("2"))
    assert memories.run_backup(settings_in(tmp_path), tmp_path / "b") == 0
    save(ledger, mention("3"))
    ledger.close()
    index(tmp_path)
    assert found(tmp_path) == 3
    assert memories.run_restore(settings_in(tmp_path), tmp_path / "b") == 0
    said = capsys.readouterr().out
    assert found(tmp_path) == 2 and "2 mentions" in said and "kept as" in said and "1 taken out" in said


def test_a_restore_on_a_new_machine_builds_the_archive(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path / "old")
    save(ledger, mention("1"), mention("2"))
    memories.run_backup(settings_in(tmp_path / "old"), tmp_path / "b")
    (tmp_path / "new").mkdir()
    memories.run_restore(settings_in(tmp_path / "new"), tmp_path / "b")
    assert found(tmp_path / "new") == 2


def test_forgetting_says_what_still_holds_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    memories.run_backup(settings_in(tmp_path), tmp_path / "b")
    assert memories.run_forget(settings_in(tmp_path), "weibo:u1") == 0
    said = capsys.readouterr().out
    assert "1 mentions" in said and "wait to leave the archive" in said and "still hold it" in said


def test_the_proof_of_retention_is_one_json_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"), at=T0.replace(year=2020))
    index(tmp_path)
    assert memories.run_retention(settings_in(tmp_path)) == 0
    index(tmp_path)
    assert memories.run_retention(settings_in(tmp_path)) == 0
    proof = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert proof["days"][0]["let_go"] == 1 and proof["older_than_cut"] == 0 and len(proof["days"][0]["digest"]) == 64

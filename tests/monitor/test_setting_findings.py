"""Each fault of the settings in its real broken state, and the doctor's JSON."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

import nlp
from incidents import i18n, now
from incidents.settings import load
from incidents.store import backup as backups
from monitor import cli, doctor, floors, setting_findings
from monitor.finding import Finding
from tests.incidents.builders import T0, ledger_in, settings_in

SECRET = "SEC-planted-4711"


def look(folder: Path, **changes: object) -> list[Finding]:
    return list(setting_findings.look(settings_in(folder, **changes), folder / "yujing.toml"))


def bad(folder: Path, **changes: object) -> dict[str, str]:
    return {one.code: f"{one.what} {one.way_out}" for one in look(folder, **changes) if one.bad}


def test_sound_settings_have_no_fault(tmp_path: Path) -> None:
    assert bad(tmp_path) == {} and {one.code for one in look(tmp_path)} == {"playbook", "kind", "model"}


def test_a_playbook_and_a_reader_that_are_not_there(tmp_path: Path) -> None:
    brands = [{"id": "t", "name": "雾岛茶", "any": ["雾岛茶"], "playbook": "food_safty"}]
    sources = [{"id": "bbs", "name": "论坛", "kind": "diskuz", "url": "http://h.example/"}]
    found = bad(tmp_path, brands=brands, sources=sources)
    assert "雾岛茶" in found["playbook"] and "food_safety" in found["playbook"] and "diskuz" in found["kind"] and "discuz" in found["kind"]


@pytest.mark.parametrize(("text", "mode", "said"), [(f'ding = "{SECRET}"\n', 0o644, "chmod 600"), (f"ding = {SECRET}\n", 0o600, "not valid TOML"), (None, 0, "cannot be read")])
def test_a_secrets_file_that_cannot_be_used(tmp_path: Path, text: str | None, mode: int, said: str) -> None:
    if text is not None:
        (tmp_path / "secrets.toml").write_text(text, encoding="utf-8")
        (tmp_path / "secrets.toml").chmod(mode)
    found = bad(tmp_path, secrets="secrets.toml", channels=[{"id": "ding", "kind": "dingtalk", "url": "secret:ding"}])
    assert said in found["secrets"] and SECRET not in str(found)


def test_secrets_in_a_settings_file_that_others_can_read(tmp_path: Path) -> None:
    file = tmp_path / "yujing.toml"
    file.write_text("", encoding="utf-8")
    channels = [{"id": "ding", "kind": "dingtalk", "url": "https://h.example/?access_token=x", "secret": SECRET}]
    file.chmod(0o644)
    assert "channels.ding.secret" in (said := bad(tmp_path, channels=channels)["secrets"]) and "channels.ding.url" in said and SECRET not in said
    file.chmod(0o600)
    assert bad(tmp_path, channels=channels) == {}


def test_an_altered_model_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(Path(nlp.__path__[0]) / "sentiment" / "floor_model", tmp_path / "floor_model")
    monkeypatch.setattr(setting_findings, "nlp", SimpleNamespace(__path__=[str(tmp_path)]))
    assert bad(tmp_path) == {}
    weights = next(file for file in (tmp_path / "floor_model").iterdir() if file.name != "manifest.json")
    weights.write_bytes(weights.read_bytes() + b"\0")
    assert weights.name in (said := bad(tmp_path)["model"]) and "SHA-256" in said


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    assert "no-such-folder" in bad(tmp_path, models={"sentiment": "./no-such-folder"})["model"]


def test_a_broken_backup_is_said_before_it_is_needed(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    backups.backup(ledger.engine, tmp_path / "b", machine=now.machine(), world=T0)
    (tmp_path / "b").write_bytes((tmp_path / "b").read_bytes()[:-100])
    (found,) = [one for one in doctor.examine(settings_in(tmp_path), tmp_path / "yujing.toml") if one.code == "backup"]
    assert found.bad and "cut short" in found.what and "yujing backup" in found.way_out


def test_json_tells_the_same_and_ends_with_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "yujing.toml").write_text('language = "en"\nbrands = [{ id = "t", name = "T", any = ["T"], playbook = "nothing" }]\n', encoding="utf-8")
    monkeypatch.setenv("YUJING_SETTINGS", str(tmp_path / "yujing.toml"))
    try:
        assert cli.main(["doctor", "--json"]) == 1
    finally:
        i18n.settle("zh-Hans")
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(set(one) == {"code", "bad", "weak", "what", "way_out"} for one in found)
    assert "names the playbook nothing" in next(one["what"] for one in found if one["code"] == "playbook")
    assert load(tmp_path / "yujing.toml").language == "en"


def test_settings_that_cannot_be_read_are_a_finding_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "yujing.toml").write_text("listn = 1\n", encoding="utf-8")
    monkeypatch.setenv("YUJING_SETTINGS", str(tmp_path / "yujing.toml"))
    assert cli.main(["doctor", "--json"]) == 1
    (found,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert found["bad"] and "did you mean 'listen'" in found["what"] and found["way_out"]


def test_an_old_sqlite_is_worth_knowing_and_no_fault(tmp_path: Path) -> None:
    ledger_in(tmp_path)
    (found,) = [one for one in doctor.examine(settings_in(tmp_path), tmp_path / "yujing.toml") if one.code == "sqlite"]
    old = sqlite3.sqlite_version_info < floors.SQLITE
    assert not found.bad and found.weak == old and sqlite3.sqlite_version in found.what


def test_little_space_is_a_fault_wherever_the_data_folder_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    monkeypatch.setattr(doctor, "FREE", free * 2)  # as if the rule asked for more than this disk has
    (found,) = list(doctor._disk(settings_in(tmp_path, data="not/there/yet")))
    assert found.bad and found.way_out and str(tmp_path) in found.what

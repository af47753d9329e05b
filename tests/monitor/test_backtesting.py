"""`yujing backtest`: from the ledger and from a folder, as it is typed."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from incidents import now
from incidents.model import Mention
from incidents.store.ledger import Ledger
from monitor import cli
from tests.incidents.builders import HOUR, SETTINGS, T0, counts, ledger_in, mention, save

GROWN = {0.5: 30, 1: 60, 2: 100, 3: 150, 6: 300, 12: 700, 25: 900}


def line(name: str, counted: dict[float, int] = GROWN, **changes: Any) -> str:
    seen = [{"at": (T0 + hours * HOUR).isoformat(), "reposts": n} for hours, n in counted.items()]
    return json.dumps({"id": name, "platform": "weibo", "metric": "reposts", "first_seen": T0.isoformat(), "snapshots": seen, "thresholds": [500], **changes})


def folder_of(tmp_path: Path, *lines: str) -> Path:
    folder = tmp_path / "followed"
    folder.mkdir()
    (folder / "one.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_a_folder_is_walked_without_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = folder_of(tmp_path, line("big"), line("small", {1: 20, 3: 22, 25: 24}), line("short", {1: 20}))
    assert cli.main(["backtest", "--folder", str(folder), "--out", str(tmp_path / "plots")]) == 0
    said = capsys.readouterr().out
    assert "followed 3  matured 2  not followed to 24 h 1" in said and "will it reach 500" in said
    assert all((tmp_path / "plots" / f"{name}.png").read_bytes().startswith(b"\x89PNG") for name in ("reliability", "precision-recall", "alerts-recall"))


def test_a_line_that_cannot_be_used_is_named_and_the_rest_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path, line("a"), '{"id": 7}', line("b", first_seen="yesterday"))
    assert cli.main(["backtest", "--folder", str(folder)]) == 1
    said = capsys.readouterr().out
    assert "one.jsonl line 2: missing_field" in said and "one.jsonl line 3: bad_time" in said and "followed 1" in said


def test_an_empty_folder_and_a_silly_threshold_are_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["backtest", "--folder", str(tmp_path)]) == 2
    assert cli.main(["backtest", "--folder", str(tmp_path), "--threshold", "0"]) == 2
    said = capsys.readouterr().err
    assert "no files *.jsonl" in said and "whole number from 1" in said


def test_lines_of_different_thresholds_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path, line("a"), line("b", thresholds=[100]))
    assert cli.main(["backtest", "--folder", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "will it reach 100" in said and "will it reach 500" in said


def followed(ledger: Ledger, name: str, counted: dict[float, int] = GROWN) -> Mention:
    one = mention(name, text=f"雾岛茶的第 {name} 条")
    save(ledger, one, snapshots=tuple(counts(one, T0 + hours * HOUR, reposts=n) for hours, n in counted.items()))
    return one


def test_the_ledger_is_walked_by_brand(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = ledger_in(tmp_path)
    followed(ledger, "1")
    followed(ledger, "2", {1: 20, 3: 22, 25: 24})
    ledger.close()
    path = tmp_path / "yujing.toml"
    path.write_text(toml(), encoding="utf-8")
    monkeypatch.setenv("YUJING_SETTINGS", str(path))
    with now.frozen(T0 + timedelta(days=3)):
        assert cli.main(["backtest", "--brand", "wudao"]) == 0
        assert cli.main(["backtest", "--brand", "other"]) == 2
    said = capsys.readouterr()
    assert "# wudao: will it reach 500" in said.out and "followed 2  matured 2" in said.out
    assert "no brand 'other'" in said.err and "wudao" in said.err


def toml() -> str:
    brand, source = SETTINGS["brands"][0], SETTINGS["sources"][0]
    rows = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in brand.items()]
    more = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in source.items()]
    return "\n".join(["[[brands]]", *rows, "[[sources]]", *more])

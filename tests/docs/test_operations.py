"""docs/operations.md: its commands exist, those of the ledger are run in the page's order, its unit and its sentences are true."""

from __future__ import annotations

import configparser
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from incidents import now
from incidents.settings import load
from monitor import cli
from tests.incidents.builders import ledger_in, mention, save

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) for line in block.splitlines()]
INLINE = re.findall(r"`(yujing [a-z][^`]*)`", PAGE)
ON_THE_LEDGER = ("yujing doctor", "yujing backup", "yujing restore", "yujing forget", "yujing retention", "yujing source list", "yujing source pause", "yujing source resume",
                 "yujing archive rebuild", "yujing policy check")
SETTINGS = """[[brands]]
id = "wudao"
name = "雾岛茶"
any = ["雾岛茶"]
[[sources]]
id = "wb"
name = "微博"
kind = "weibo"
url = "http://127.0.0.1:9/"
[[channels]]
id = "log"
kind = "console"
[[people]]
login = "lin"
name = "林叙"
roles = ["duty", "lead", "pr_head", "vp"]
channels = ["log"]
"""


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("yujing")])
def test_every_command_is_one_that_can_be_given(command: str) -> None:
    cli._parser().parse_args(shlex.split(command.replace("&", "%26"))[1:])


def test_every_command_in_the_text_exists() -> None:
    known = set(re.findall(r"^### `(yujing [a-z ]+)`$", (ROOT / "docs/commands.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert INLINE and [one for one in INLINE if not any(f"{one} ".startswith(f"{name} ") for name in known)] == []


def test_the_commands_of_the_ledger_run_in_the_order_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "yujing.toml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.setenv("YUJING_SETTINGS", str(tmp_path / "yujing.toml"))
    monkeypatch.chdir(tmp_path)
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1", url="https://weibo.example/1"), mention("2"), at=now.machine())
    ledger.close()
    ran = [line for line in COMMANDS if line.startswith(ON_THE_LEDGER)]
    ended = {line: cli.main(shlex.split(line)[1:]) for line in ran}
    assert len(ran) >= 10 and [line for line, code in ended.items() if code != 0 and "doctor" not in line] == []
    said = capsys.readouterr().out
    assert "2 mentions" in said and "Erased: 1 mentions" in said and "已暂停" in said and not load().source("wb").paused


def test_the_unit_starts_the_command() -> None:
    (unit,) = re.findall(r"^```ini\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    read = configparser.ConfigParser(strict=True)
    read.optionxform = str  # type: ignore[assignment]
    read.read_file(io.StringIO(unit))
    assert read["Service"]["ExecStart"].endswith("/.venv/bin/yujing run") and read["Service"]["Restart"] == "always"


@pytest.mark.parametrize("words", ["already runs", "is taken by another program", "put back", "decided story=", "The floor model takes over.", "it starts again", "the archive differed from the ledger", "/healthz"])
def test_lines_that_the_page_quotes_are_said_by_the_code(words: str) -> None:
    assert words in PAGE
    packages = ("monitor", "alerts", "nlp", "dashboard")
    assert any(words in file.read_text(encoding="utf-8") for package in packages for file in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize(("arguments", "status"), [(["doctor"], 1), (["nonsense"], 2), (["people", "link", "x"], 2), (["source", "list", "--help"], 0)])
def test_exit_statuses(tmp_path: Path, arguments: list[str], status: int) -> None:
    done = subprocess.run([sys.executable, "-m", "monitor.cli", *arguments], cwd=ROOT, env={**os.environ, "YUJING_SETTINGS": str(tmp_path / "none.toml")}, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr

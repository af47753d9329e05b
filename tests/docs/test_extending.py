"""docs/extending.md is walked: its files are put into a copy of the product, its commands are run, and what they show is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crawlers.sites import Answer, Site, serving

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+) ?(?:title=\"([^\"]+)\"|(\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


@dataclass(frozen=True, kw_only=True)
class Block:
    language: str
    file: str
    use: str
    text: str


def blocks(section: str) -> list[Block]:
    return [Block(language=a, file=b, use=c, text=d) for a, b, c, d in BLOCK.findall(SECTIONS[section])]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what gets new files, links to the rest."""
    folder = tmp_path_factory.mktemp("product")
    left_out = shutil.ignore_patterns("__pycache__", "browser*", "pictures")
    for name in ("crawlers", "alerts", "incidents", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    for name in ("nlp", "monitor", "dashboard", "pyproject.toml", "scrapy.cfg", "settings.example.toml"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "bin").mkdir()
    command = folder / "bin" / "yujing"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m monitor.cli "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    (folder / "bin" / "python").symlink_to(sys.executable)
    return folder


@pytest.fixture
def saved_topic(scratch: Path) -> Iterator[Site]:
    def answer(path: str, _query: dict[str, str]) -> Answer:
        page = scratch / "tests/crawlers/pages/phpbb/viewtopic.html"
        return (200, {"Content-Type": "text/html"}, page.read_bytes()) if path == "/viewtopic.php" else (404, {}, b"")

    with serving(Site(answer)) as site:
        yield site


def put(scratch: Path, section: str) -> None:
    for one in blocks(section):
        if one.file:
            (scratch / one.file).parent.mkdir(parents=True, exist_ok=True)
            (scratch / one.file).write_text(one.text, encoding="utf-8")


def run(scratch: Path, commands: str) -> str:
    environment = {**os.environ, "PATH": f"{scratch / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(scratch), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    environment.pop("YUJING_SETTINGS", None)
    commands = re.sub(r"^python ", f"{sys.executable} ", commands, flags=re.MULTILINE).replace("-m pytest", "-m pytest -p no:cacheprovider")
    done = subprocess.run(["sh", "-ec", commands], cwd=scratch, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def walk(scratch: Path, section: str, instead: tuple[str, str] = ("", "")) -> None:
    """Put the files, run the commands, look for what they should show."""
    put(scratch, section)
    walked = next(one.text for one in blocks(section) if one.use == "walk")
    assert instead[0] in walked
    shown = run(scratch, walked.replace(*instead) if instead[0] else walked).replace('": ', '":')
    wanted = next(one.text for one in blocks(section) if one.use == "shows").splitlines()
    assert wanted and [line for line in wanted if line not in shown] == [], shown


def test_a_source(scratch: Path, saved_topic: Site) -> None:
    path = "/viewtopic.php?t=7"
    walk(scratch, "A source", (f"https://forum.example{path}", f"'{saved_topic.url}{path}' --allow-host {saved_topic.host}"))


@pytest.mark.parametrize("section", ["A channel", "A model", pytest.param("An archive", marks=pytest.mark.slow), "A playbook"])
def test_a_section_can_be_walked(scratch: Path, section: str) -> None:
    walk(scratch, section)


def test_a_language_whose_keys_are_held_against_the_others(scratch: Path) -> None:
    put(scratch, "A channel")
    walk(scratch, "A language")
    file = scratch / "incidents/locale/zh-HK/operations.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("at_once = ", "at_onec = "), encoding="utf-8")
    with pytest.raises(AssertionError, match=r"policy\.at_on"):
        run(scratch, "python -m pytest tests/incidents/test_i18n.py -k same_keys\n")


def test_every_section_is_walked_and_every_block_is_used() -> None:
    assert set(SECTIONS) == {"A source", "A channel", "A model", "An archive", "A playbook", "A language"}
    assert PAGE.count("```") == 2 * sum(len(blocks(section)) for section in SECTIONS)
    assert all(one.file or one.use in ("walk", "shows") for section in SECTIONS for one in blocks(section))


def test_the_channel_of_the_page_keeps_its_own_rule() -> None:
    (channel,) = [one for one in blocks("A channel") if one.file.startswith("alerts/")]
    assert len(channel.text.splitlines()) <= 60

"""Every fault that an archive can tell has words and a way out in every language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import incidents.store
from incidents.i18n import catalogue
from incidents.store.faults import Fault
from incidents.store.search import ArchiveDown

SOURCES = Path(incidents.store.__file__).parent
CODES = sorted({"down"} | {code for file in SOURCES.glob("*.py") for code in re.findall(r'Fault\(code="(\w+)"|(?:ArchiveDown|Busy|Forbidden|TooLarge|Gone)\(.*?, "(\w+)"', file.read_text(encoding="utf-8")) for code in code if code})
LANGUAGES = sorted(folder.name for folder in (SOURCES.parent / "locale").iterdir() if folder.is_dir())
VALUES = {"why": "-", "version": "7", "index": "i", "status": 400, "kind": "k", "file": "f"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fault_has_words_and_a_way_out(language: str) -> None:
    for code in CODES:
        one = Fault(code=code, values=VALUES)
        assert one.said(language) and one.way_out(language), code
    assert len(CODES) >= 12


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_words_for_faults_that_nobody_tells(language: str) -> None:
    assert {key.removeprefix("archive.fault.") for key in catalogue(language) if key.startswith("archive.fault.")} == set(CODES)


def test_an_archive_that_is_down_says_why_also_without_a_code() -> None:
    assert "no answer" in ArchiveDown("no answer").fault.said()

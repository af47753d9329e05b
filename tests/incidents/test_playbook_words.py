"""Translated playbooks: every sentence of every line, in every language that is not the playbook's own."""

from __future__ import annotations

import re
from collections import defaultdict

import opencc
import pytest

from incidents import checklist, i18n
from incidents.playbook_words import BRANCH, LINE, said, translation
from tests.incidents.test_i18n import ALIKE

TRANSLATED = ("zh-Hant", "en")
HAN = re.compile(r"[\u4e00-\u9fff]")
every = pytest.mark.parametrize(("name", "language"), [(name, language) for name in checklist.names() for language in TRANSLATED])


@every
def test_the_same_lines_with_the_same_sentences(name: str, language: str) -> None:
    ours, theirs = checklist.load(name), translation(name, language)
    assert {line.line: {field for field in LINE if getattr(line, field)} for line in ours.every_line()} == {key: set(one) for key, one in theirs["line"].items()}
    assert {one.id: set(BRANCH) for one in ours.branches} == {key: set(one) for key, one in theirs.get("branch", {}).items()}
    assert all(text.strip() for kind in ("line", "branch") for one in theirs.get(kind, {}).values() for text in one.values())


@every
def test_what_proves_a_line_proves_no_other(name: str, language: str) -> None:
    hints = [one["evidence_hint"] for one in translation(name, language)["line"].values()]
    assert len(hints) == len(set(hints))


@every
def test_numbers_stay(name: str, language: str) -> None:
    """Articles of laws, telephone numbers, addresses and time limits survive the translation."""
    theirs = translation(name, language)["line"]
    for line in checklist.load(name).every_line():
        for number in re.findall(r"第(\d+)条|(12315|cma\.cnca\.cn|cx\.cnca\.cn|SHA-256)", f"{line.due_words}{line.evidence_hint}{line.help}"):
            assert "".join(number) in " ".join(theirs[line.line].values()), line.line


@pytest.mark.parametrize("language", TRANSLATED)
def test_one_sentence_is_said_in_one_way(language: str) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for name in checklist.names():
        theirs = translation(name, language)["line"]
        for line in checklist.load(name).every_line():
            for field in theirs[line.line]:
                found[getattr(line, field)].add(theirs[line.line][field])
    assert {ours: ways for ours, ways in found.items() if len(ways) > 1} == {}


def test_traditional_sentences_hold_no_simplified_characters() -> None:
    turn = opencc.OpenCC("s2t")
    for name in checklist.names():
        for one in translation(name, "zh-Hant")["line"].values():
            for text in one.values():
                assert turn.convert(text.translate(ALIKE)) == text.translate(ALIKE)


def test_english_sentences_are_english_but_for_the_two_legal_words() -> None:
    for name in checklist.names():
        for one in translation(name, "en")["line"].values():
            for text in one.values():
                assert not HAN.search(text.replace("补偿", "").replace("赔偿", "")), text


def test_a_task_reads_in_the_reader_s_language_and_a_changed_one_as_it_was_written() -> None:
    title = checklist.load("general").lines[0].title
    assert said(title, "zh-Hans") == title and said(title, "zh-Hant") == "聯絡當事人：先聽完，再記下經過、影響與訴求"
    i18n.speak("en")
    assert said(title).startswith("Contact the person concerned")
    assert said(title + "！") == title + "！"
    i18n.speak(None)

"""Sentences of playbooks in the reader's language, from ``playbooks/LANGUAGE/NAME.toml``.

A sentence is looked up by what it says, not by its line: tasks and events keep the sentence that stood in the playbook
when they were made, and one that was changed since has no translation and is shown as it was written.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from incidents import checklist, i18n
from incidents.checklist import Branch, Line

LINE = ("title", "due_words", "evidence_hint", "help")
BRANCH = ("title", "when")


def said(sentence: str, language: str | None = None) -> str:
    """``sentence`` of a playbook in ``language`` (None: the one that is spoken); itself where nobody translated it."""
    return _sentences(language or i18n.spoken()).get(sentence, sentence)


def translation(name: str, language: str) -> Mapping[str, Any]:
    """The translation of the playbook ``name``: its title and tables ``line.ID`` and ``branch.ID``; empty when there is none."""
    file = files(__package__) / "playbooks" / language / f"{name}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


@lru_cache(maxsize=8)
def _sentences(language: str) -> Mapping[str, str]:
    return {original: theirs for name in checklist.names() for original, theirs in _pairs(name, translation(name, language))}


def _pairs(name: str, theirs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not theirs:
        return
    playbook = checklist.load(name)
    for line in playbook.every_line():
        yield from _both(line, LINE, theirs.get("line", {}).get(line.line, {}))
    for branch in playbook.branches:
        yield from _both(branch, BRANCH, theirs.get("branch", {}).get(branch.id, {}))


def _both(ours: Line | Branch, fields: tuple[str, ...], theirs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((getattr(ours, name), theirs[name]) for name in fields if name in theirs)

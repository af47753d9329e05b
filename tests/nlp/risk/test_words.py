"""Every code that the rules can give has a word for people."""

from __future__ import annotations

import tomllib
from pathlib import Path

from nlp.risk.lexicon import lexicon

FOLDER = Path(__file__).parents[3] / "incidents" / "locale" / "zh-Hans"
FILES = [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.toml"))]


def words(table: str) -> set[str]:
    return {code for file in FILES for code in file.get(table, {})}


def names(*groups: str) -> set[str]:
    return {rule.name for rule in lexicon().rules if rule.group in groups}


def test_signals_issues_and_noise_have_words() -> None:
    assert words("signal") >= names("harm", "escalation", "crowd")
    assert words("issue") >= names("issue")
    assert words("noise") == names("noise")
    assert words("nature") == (names("nature") - {"fact"}) | {"valid"}

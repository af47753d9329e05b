"""docs/query.md is a test: what it says can be written can be read, and its limits are the parser's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from incidents.errors import QueryError
from incidents.query import parse
from incidents.query.lexer import LARGEST_NEAR
from incidents.query.parser import DEEPEST, FIELDS, LONGEST, MOST_PHRASES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "query.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (`.+) \| ", PAGE, flags=re.MULTILINE)


@pytest.mark.parametrize("query", [query for row in ROWS for query in re.findall(r"`([^`]+)`", row) if query not in ("neutral", "positive")])
def test_what_the_table_writes_can_be_read(query: str) -> None:
    parse(query)


def test_the_table_is_found_and_names_every_field() -> None:
    assert len(ROWS) >= 11 and all(name in PAGE for name in FIELDS)


def test_the_limits_are_the_parsers() -> None:
    assert all(text in PAGE for text in (f"{LONGEST:,}".replace(",", " ") + " characters", f"{MOST_PHRASES:,}".replace(",", " ") + " words", f"{DEEPEST} brackets", f"distance is {LARGEST_NEAR}"))


@pytest.mark.parametrize("query", ["-招聘", "虫 OR NOT 茶", "雾岛*"])
def test_what_it_says_is_refused_is_refused(query: str) -> None:
    with pytest.raises(QueryError):
        parse(query)

"""The example settings are valid, whole, and tell the truth about the defaults."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from incidents import checklist
from incidents.settings import Settings, _table_in, load, parse

EXAMPLE = Path(__file__).resolve().parents[2] / "settings.example.toml"
SWITCHED_OFF = re.compile(r"^# (?=\[[\w.\[\]]+\]$|[a-z_]+ = )", re.MULTILINE)
HAS_NO_DEFAULT = {"ledger", "archive", "clock", "brands", "sources", "channels", "people", "contact", "secrets"}  # examples, not defaults


def with_defaults() -> dict[str, Any]:
    """The example with every switched-off line in force."""
    return tomllib.loads(SWITCHED_OFF.sub("", EXAMPLE.read_text(encoding="utf-8")))


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        inner = _table_in(field.annotation)
        if inner is not None:
            yield from models(inner)


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_it_can_be_used_as_it_stands() -> None:
    settings = load(EXAMPLE)
    assert settings.brands and settings.sources and settings.channels and settings.people


def test_it_can_be_used_with_every_line_switched_on() -> None:
    parse(with_defaults(), EXAMPLE)


@pytest.mark.parametrize("model", sorted(set(models(Settings)), key=repr), ids=repr)
def test_every_setting_is_in_it(model: type[BaseModel]) -> None:
    there = set(keys(with_defaults()))
    assert not set(model.model_fields) - there


def test_what_is_switched_off_is_the_default() -> None:
    said, defaults = Settings.model_validate(with_defaults()), Settings()
    for name in set(Settings.model_fields) - HAS_NO_DEFAULT:
        assert getattr(said, name) == getattr(defaults, name), name


def test_its_playbooks_are_there() -> None:
    wanted = {brand.playbook for brand in load(EXAMPLE).brands if brand.playbook}
    assert wanted <= set(checklist.names())

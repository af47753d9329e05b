"""Fills the HTML pages of the drill's sites. Every value is escaped unless it is markup of our own."""

from __future__ import annotations

import html
from functools import lru_cache
from pathlib import Path
from string import Template

FOLDER = Path(__file__).with_name("pages")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


@lru_cache(maxsize=32)
def _template(name: str) -> Template:
    return Template((FOLDER / f"{name}.html").read_text(encoding="utf-8"))


def fill(name: str, **values: object) -> Markup:
    """The page or part ``name`` with its ``$placeholders`` filled; a missing value is an error."""
    return Markup(_template(name).substitute({key: escaped(value) for key, value in values.items()}))


def escaped(value: object) -> str:
    return str(value) if isinstance(value, Markup) else html.escape(str(value))


def robots(name: str) -> str:
    return (FOLDER / f"{name}_robots.txt").read_text(encoding="utf-8")

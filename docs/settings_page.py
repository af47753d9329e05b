"""Writes the table of every setting into docs/settings.md, out of the settings' own models and the comments of settings.example.toml.

    python docs/settings_page.py            writes the page
    python docs/settings_page.py --check    ends with 1 when the page is not current
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from incidents.settings import GradeSettings, Settings, _table_in  # noqa: E402

PAGE, EXAMPLE = ROOT / "docs" / "settings.md", ROOT / "settings.example.toml"
BEGIN, END = "<!-- every setting: written by docs/settings_page.py -->", "<!-- end of every setting -->"
HEADER = re.compile(r"^#? ?\[{1,2}([\w.]+)\]{1,2}\s*$")
KEY = re.compile(r"^(?:# )?([a-z_]+) = ")
GRADE_KEY = re.compile(r"^#   ([a-z_]+)\s{2,}(.+)$")
CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")


def tables() -> Iterator[tuple[str, type[BaseModel]]]:
    """(heading, model) of each table, in the order of the file."""
    yield "", Settings
    for name, field in Settings.model_fields.items():
        inner = _table_in(field.annotation)
        if name == "grades":
            yield "[grades.blue]` … `[grades.red]", GradeSettings
        elif inner is not None:
            yield f"[[{name}]]" if get_origin(field.annotation) is tuple else f"[{name}]", inner


def comments() -> dict[str, str]:
    """``table.key`` → the comment above it in the example, its English part; keys in a row share it, a table's is its keys'."""
    found: dict[str, str] = {}
    table, above, last = "", [], ""
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        if header := HEADER.match(line):
            table, last, above = header[1], english(" ".join(above)), []
        elif key := KEY.match(line):
            last = english(" ".join(above)) or last
            found.setdefault(f"{table}.{key[1]}", last)
            above = []
        elif grade := GRADE_KEY.match(line):
            found[f"grades.{grade[1]}"] = english(grade[2])
        elif line.startswith("# ") and not line.startswith("# ---"):
            above.append(line[2:].strip())
        else:
            above, last = [], ""
    return found


def english(said: str) -> str:
    """What stands before the sentence in Chinese that closes a comment; single Chinese words between English ones stay."""
    for cut in re.finditer(r"\s+(?=[\u4e00-\u9fff“]{2}|“)", said):
        tail = said[cut.end() :]
        if len(CHINESE.findall(tail)) > len(re.findall(r"[a-zA-Z]", tail)) / 2:
            return said[: cut.start()].strip()
    return said.strip()


def kind(annotation: Any) -> str:
    """A type in a reader's words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return kind(inner[0])
    if origin is Literal:
        return " \\| ".join(f"`{value}`" for value in inner)
    if origin in (Union, types.UnionType):
        return kind(next(one for one in inner if one is not type(None)))
    if origin is tuple:
        return f"list of {kind(inner[0])}"
    if origin is dict:
        return f"table of {kind(inner[1])}"
    names = {bool: "true or false", int: "whole number", float: "number", timedelta: "length of time", str: "text", Path: "path"}
    return names.get(annotation, "table" if isinstance(annotation, type) and issubclass(annotation, BaseModel) else "time")


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    return shown(field.get_default(call_default_factory=True))


def shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, BaseModel):
        return shown(value.model_dump())
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        return next(f'`"{seconds // size}{unit}"`' for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")) if seconds % size == 0)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(repr(one).replace(chr(39), chr(34)) for one in value)}]`"
    if isinstance(value, dict):
        return "`{" + ", ".join(f"{name} = {one}" for name, one in value.items()) + "}`"
    return f"`{value}`" if isinstance(value, int | float) else f'`"{value}"`'


def lines() -> Iterator[str]:
    said = comments()
    for heading, model in tables():
        name = "grades" if "grades" in heading else heading.strip("[]")
        yield f"### `{heading}`" if heading else "### Top of the file"
        yield ""
        yield "| key | is | default | says |"
        yield "|---|---|---|---|"
        for key, field in model.model_fields.items():
            inner = _table_in(field.annotation)
            if model is Settings and inner is not None:
                continue
            why = said.get(f"{name}.{key}", "")
            if not why:
                raise SystemExit(f"settings.example.toml says nothing of {name}.{key}")
            yield f"| `{key}` | {kind(field.annotation)} | {'see the example' if name == 'grades' and field.is_required() else default(field)} | {why.replace('|', chr(92) + '|')} |"
        yield ""


def page() -> str:
    """The page with its table written anew."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    return text[:begin] + "\n" + "\n".join(lines()) + "\n" + text[end:]


if __name__ == "__main__":
    new = page()
    if "--check" in sys.argv:
        sys.exit(new != PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(new, encoding="utf-8")

"""Changes that commands make to the settings file: comments and order stay, and it changes only when the result can be used."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import Array

from incidents.errors import Refused
from incidents.settings import Settings, load

HEADER = re.compile(r"^\s*\[")


def add_table(path: Path, name: str, values: Mapping[str, Any]) -> Settings:
    """Append one ``[[name]]`` table to the file; values of None are left out.

    Raises:
        SettingsError: the new table cannot be used; the file is as it was.
    """
    return replace(path, with_table(read(path), name, {key: value for key, value in values.items() if value is not None}))


def with_table(text: str, name: str, values: Mapping[str, Any]) -> str:
    """``text`` with one table more. At the end: whatever stands in the file, comments too, stays where it is."""
    document = tomlkit.parse(text)
    rows = document.get(name)
    if isinstance(rows, Array):  # name = [{ … }]: no [[name]] may follow it
        inline = tomlkit.inline_table()
        inline.update(dict(values))
        rows.append(inline)
        return tomlkit.dumps(document)
    lines = "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())
    return f"{text.rstrip()}\n\n[[{name}]]\n{lines}".lstrip("\n")


def set_key(path: Path, name: str, identity: str, key: str, value: bool) -> Settings:
    """Set ``key`` in the ``[[name]]`` table whose id is ``identity``.

    Raises:
        Refused: the table's lines could not be found, or more than this one key would change.
    """
    text = read(path)
    document = tomlkit.parse(text)
    rows = document[name]
    number = next(n for n, row in enumerate(rows) if row["id"] == identity)
    if isinstance(rows, Array):
        rows[number][key] = value
        changed = tomlkit.dumps(document)
    else:
        changed = _with_line(text, name, number, key, value)
    _check_only(text, changed, name, number, key, value)
    return replace(path, changed)


def _with_line(text: str, name: str, number: int, key: str, value: bool) -> str:
    """The line ``key = value`` in the ``number``-th table, in place of the old one, else below its id."""
    lines = text.splitlines(keepends=True)
    header = re.compile(rf"^\s*\[\[\s*{name}\s*\]\]")
    begin = [at for at, line in enumerate(lines) if header.match(line)][number] + 1
    end = next((at for at in range(begin, len(lines)) if HEADER.match(lines[at])), len(lines))
    old = [at for at in range(begin, end) if re.match(rf"\s*{key}\s*=", lines[at])]
    if old:
        lines[old[0]] = re.sub(r"=\s*(true|false)", f"= {_toml(value)}", lines[old[0]], count=1)
    else:
        below = next((at for at in range(begin, end) if re.match(r"\s*id\s*=", lines[at])), begin - 1)
        lines[below] = lines[below].rstrip("\n") + "\n"
        lines.insert(below + 1, f"{key} = {_toml(value)}\n")
    return "".join(lines)


def _check_only(before: str, after: str, name: str, number: int, key: str, value: bool) -> None:
    """A text search can go wrong (a header inside a long string): then nothing is written."""
    wanted = tomlkit.parse(before).unwrap()
    wanted[name][number][key] = value
    if tomlkit.parse(after).unwrap() != wanted:
        raise Refused(f"The line of {key!r} was not found by itself in the settings file: edit it there.")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig")


def replace(path: Path, text: str) -> Settings:
    """Check the new text beside the old file, then put it in its place in one step.

    Raises:
        SettingsError: the text cannot be used; the file is as it was.
    """
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.resolve().parent, suffix=".toml", delete=False) as new:
        new.write(text)
        new.flush()
        os.fsync(new.fileno())
    try:
        load(Path(new.name))
        if path.exists():
            Path(new.name).chmod(path.stat().st_mode & 0o777)
        os.replace(new.name, path.resolve())  # noqa: PTH105 - atomic, and says so; a link stays a link
    except BaseException:
        Path(new.name).unlink(missing_ok=True)
        raise
    return load(path)


def _toml(value: Any) -> str:
    return str(tomlkit.item(value).as_string())

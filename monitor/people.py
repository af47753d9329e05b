"""``yujing people add``: a person goes into the settings file, whose comments and order stay as they are."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import tomlkit
from tomlkit.items import AoT

from incidents.errors import Refused
from incidents.settings import Settings, load


def add_person(path: Path, settings: Settings, *, login: str, name: str, roles: Sequence[str], mobile: str | None, channels: Sequence[str]) -> Settings:
    """Write the new ``[[people]]`` table; the file changes only when the result can be used.

    Raises:
        Refused: the login is taken.
        SettingsError: the new table cannot be used (unknown channel, bad login).
    """
    if any(person.login == login for person in settings.people):
        raise Refused(f"{login!r} is in {path} already: edit it there.")
    document = tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    person = tomlkit.table()
    for key, value in (("login", login), ("name", name), ("roles", list(roles)), ("mobile", mobile), ("channels", list(channels))):
        if value:
            person[key] = value
    people = document.setdefault("people", tomlkit.aot())
    if not isinstance(people, AoT):
        raise Refused(f"`people` in {path} is not written as [[people]] tables: change that first.")
    people.append(person)
    return _replace(path, tomlkit.dumps(document))


def _replace(path: Path, text: str) -> Settings:
    """Check the new text beside the old file, then put it in its place in one step."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.resolve().parent, suffix=".toml", delete=False) as new:
        new.write(text)
    try:
        settings = load(Path(new.name))
        Path(new.name).chmod(path.stat().st_mode & 0o777)
        os.replace(new.name, path)  # noqa: PTH105 - atomic, and says so
    except BaseException:
        Path(new.name).unlink(missing_ok=True)
        raise
    return settings

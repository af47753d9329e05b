"""``yujing people add``: a person goes into the settings file, whose comments and order stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from incidents.errors import Refused
from incidents.settings import Settings
from monitor.settings_file import add_table


def add_person(path: Path, settings: Settings, *, login: str, name: str, roles: Sequence[str], mobile: str | None, channels: Sequence[str]) -> Settings:
    """Write the new ``[[people]]`` table; the file changes only when the result can be used.

    Raises:
        Refused: the login is taken.
        SettingsError: the new table cannot be used (unknown channel, bad login).
    """
    if any(person.login == login for person in settings.people):
        raise Refused(f"{login!r} is in {path} already: edit it there.")
    return add_table(path, "people", {"login": login, "name": name, "roles": list(roles), "mobile": mobile or None, "channels": list(channels) or None})

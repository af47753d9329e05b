"""Words for people, from ``locale/LANGUAGE/*.toml``: whole sentences with ``{placeholders}``.

Nested tables make dotted keys: ``[grade] red = "红"`` is ``grade.red``. Times are said in Asia/Shanghai.

Which language: the one that a call names; else the one that this thread or request speaks (``speak``: a person looks
at a page); else the product's own (``settle``: the settings' ``language``, which alerts and commands use).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any

from incidents.errors import YujingError
from incidents.now import shanghai

_FIRST = ("zh-Hans", "zh-Hant", "en")
#: The folders of ``locale/``: those three first, then what was added.
LANGUAGES = (*_FIRST, *sorted({found.name for found in (files(__package__) / "locale").iterdir() if found.is_dir() and not found.name.startswith(("_", "."))} - {*_FIRST}))

_own = LANGUAGES[0]
_spoken: ContextVar[str | None] = ContextVar("spoken", default=None)


def settle(language: str) -> None:
    """The language of this process, for everybody who named none."""
    global _own
    _own = language


def speak(language: str | None) -> None:
    """The language of this thread or request from now on; None goes back to the process's own."""
    _spoken.set(language if language in LANGUAGES else None)


def spoken() -> str:
    return _spoken.get() or _own


class MissingWords(YujingError):
    """A key that is in no locale file: a fault of ours, found by the tests."""


@lru_cache(maxsize=8)
def catalogue(language: str = LANGUAGES[0]) -> Mapping[str, str]:
    """All words of a language, by dotted key."""
    found: dict[str, str] = {}
    for file in sorted((files(__package__) / "locale" / language).iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            found.update(_flat(tomllib.loads(file.read_text(encoding="utf-8"))))
    return found


def _flat(table: Mapping[str, Any], before: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            found.update(_flat(value, f"{before}{name}."))
        else:
            found[before + name] = str(value)
    return found


def words(key: str, /, language: str | None = None, **values: Any) -> str:
    """The sentence of ``key`` with its placeholders filled.

    Raises:
        MissingWords: no such key, or a placeholder without a value.
    """
    sentence = catalogue(language or spoken()).get(key)
    if sentence is None:
        raise MissingWords(f"No words for {key!r} in {language or spoken()}.")
    try:
        return sentence.format(**values)
    except (KeyError, IndexError) as error:
        raise MissingWords(f"The words of {key!r} in {language or spoken()} want a value for {error}.") from error


def has(key: str, language: str | None = None) -> bool:
    return key in catalogue(language or spoken())


def clock_time(at: datetime, now: datetime, language: str | None = None) -> str:
    """``09:41``, with 昨日/明日 or the date before it when it is another day."""
    there, here = shanghai(at), shanghai(now)
    days = (there.date() - here.date()).days
    name = {0: "same", -1: "yesterday", 1: "tomorrow"}.get(days, "other")
    return words(f"time.{name}", language, time=there.strftime("%H:%M"), month=there.month, day=there.day)


def span(length: timedelta, language: str | None = None) -> str:
    """``18 分``, ``4 时 25 分``, ``3 天 2 时``; less than a minute is 不到 1 分."""
    minutes = int(abs(length).total_seconds() // 60)
    days, rest = divmod(minutes, 1440)
    hours, minutes_left = divmod(rest, 60)
    if days:
        return words("span.days", language, days=days, hours=hours)
    if hours:
        return words("span.hours", language, hours=hours, minutes=minutes_left)
    return words("span.minutes" if minutes else "span.moment", language, minutes=minutes)


def number(count: float) -> str:
    """``1,234``."""
    return f"{round(count):,}"


def about(count: float) -> str:
    """A forecast number with two significant digits: 1,943 → 1,900."""
    if count < 10:
        return str(round(count))
    digits = len(str(int(count))) - 2
    return number(round(count / 10**digits) * 10**digits) if digits > 0 else number(count)

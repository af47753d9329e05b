"""The oldest versions of other people's packages that are safe to run (reliability-security, "Floors")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

FLOORS = {
    "scrapy": "2.18", "lxml": "6.1", "twisted": "26.4", "torch": "2.10", "transformers": "5.2.1", "streamlit": "1.67",
    "starlette": "1.1", "ray": "2.59", "brotli": "1.2",
}
SQLITE = (3, 51, 3)  # before it a rare WAL-reset fault (sqlite.org/wal.html#walresetbug)


def number(said: str) -> tuple[int, ...]:
    """``2.13.0+cpu`` → (2, 13, 0); what follows the release (rc1, +cpu) does not count."""
    found = re.match(r"\d+(?:\.\d+)*", said)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def too_old() -> Iterator[tuple[str, str, str]]:
    """(package, installed, floor) of each installed package below its floor."""
    for name, floor in FLOORS.items():
        there = installed(name)
        if there is not None and number(there) < number(floor):
            yield name, there, floor


def installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

"""One thing that the doctor looked at, in words."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from incidents.i18n import has, words


@dataclass(frozen=True, kw_only=True)
class Finding:
    """``code`` is English, so that scripts can find it; ``bad`` makes the command end with 1, ``weak`` is only worth knowing."""

    code: str
    what: str
    bad: bool
    way_out: str = ""
    weak: bool = False

    def line(self) -> str:
        return f"{'✗' if self.bad else '!' if self.weak else '✓'} {self.code}: {self.what}" + (f"\n    → {self.way_out}" if self.way_out else "")

    def json(self) -> str:
        """One line of JSON: code, bad, weak, what, way_out."""
        return json.dumps(asdict(self), ensure_ascii=False)


def unusable(error: Exception) -> Finding:
    """The settings file itself is the fault; nothing else can be looked at."""
    return bad("settings", "settings_bad", fault=error)


def good(code: str, name: str, /, **values: Any) -> Finding:
    """All is well; ``doctor.NAME`` says how well."""
    return Finding(code=code, what=words(f"doctor.{name}", **values), bad=False)


def bad(code: str, name: str, /, **values: Any) -> Finding:
    """A fault: ``doctor.NAME`` names it, ``doctor.out.NAME`` says the way out."""
    return Finding(code=code, what=words(f"doctor.{name}", **values), bad=True, way_out=words(f"doctor.out.{name}", **values))


def note(code: str, name: str, /, **values: Any) -> Finding:
    """No fault yet, but something to know; with a way out where there is one."""
    out = f"doctor.out.{name}"
    return Finding(code=code, what=words(f"doctor.{name}", **values), bad=False, weak=has(out), way_out=words(out, **values) if has(out) else "")

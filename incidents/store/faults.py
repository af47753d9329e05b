"""What is wrong with an archive, as a code that every language has words for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from incidents.i18n import words


@dataclass(frozen=True, kw_only=True)
class Fault:
    """``archive.fault.CODE`` says it, ``archive.out.CODE`` the way out; both with ``values``."""

    code: str
    values: Mapping[str, object] = field(default_factory=dict)

    def said(self, language: str | None = None) -> str:
        return words(f"archive.fault.{self.code}", language, **self.values)

    def way_out(self, language: str | None = None) -> str:
        return words(f"archive.out.{self.code}", language, **self.values)

"""The cases of judgement written for this project (nlp/cases/README.md), in two halves: open and sealed."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "cases"
Z = 1.959964  # 95 %


@dataclass(frozen=True, kw_only=True)
class Case:
    """``labels`` are the columns before the text."""

    labels: tuple[str, ...]
    text: str

    @property
    def sealed(self) -> bool:
        """Whether it is of the half that nobody looks at while the rules are changed."""
        return bool(zlib.crc32(self.text.encode()) & 1)


@dataclass(frozen=True, kw_only=True)
class Share:
    """``hits`` of ``count``, with the 95 % interval of Wilson (1927)."""

    hits: int
    count: int

    @property
    def value(self) -> float:
        return self.hits / self.count if self.count else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        if not self.count:
            return 0.0, 1.0
        p, n, z = self.value, self.count, Z
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{100 * self.value:5.1f} [{100 * low:.0f}–{100 * high:.0f}] {self.hits}/{self.count}"


def cases(name: str) -> Iterator[Case]:
    """All cases of ``nlp/cases/NAME.txt``, in their order."""
    for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line:
            *labels, text = line.split("\t")
            yield Case(labels=tuple(labels), text=text)

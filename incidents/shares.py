"""A share of a few with its interval: what every page and table says beside a rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z80, Z95 = 1.281552, 1.959964  # two-sided


@dataclass(frozen=True, kw_only=True)
class Share:
    """``hits`` of ``count``, with the 95 % interval of Wilson (1927, JASA 22)."""

    hits: int
    count: int

    @property
    def value(self) -> float:
        return self.hits / max(1, self.count)

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.hits, self.count, Z95)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{100 * self.value:5.1f} [{100 * low:.0f}–{100 * high:.0f}] {self.hits}/{self.count}"


def wilson(hits: int, count: int, z: float) -> tuple[float, float]:
    """Wilson's score interval at ``z`` standard deviations; of nothing it is everything."""
    if not count:
        return 0.0, 1.0
    p, wide = hits / count, 1 + z * z / count
    middle, half = p + z * z / (2 * count), z * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    return max(0.0, (middle - half) / wide), min(1.0, (middle + half) / wide)

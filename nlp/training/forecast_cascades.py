"""Weibo reposts with every offset, read for replay: what would a crawler have counted at any moment?"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from nlp.forecast import CountAt, ForecastInput
from nlp.forecast.spread import Floats

WEIBO_FILE = Path("cascades") / "weibo_reposts.jsonl.gz"


@dataclass(frozen=True, kw_only=True)
class Cascade:
    """One post and the hours after it at which it was reposted, rising."""

    id: str
    appeared: datetime
    hours: Floats
    text: str
    followers: int | None
    friends: int | None
    posts: int | None
    verified: bool | None
    debunked: bool  # a claim that Weibo later judged false

    def count(self, age: float) -> int:
        """Reposts up to ``age`` hours after appearance."""
        return int(np.searchsorted(self.hours, age, side="right"))

    def seen(self, ages: Sequence[float], thresholds: tuple[int, ...] = ()) -> ForecastInput:
        """What a crawler that came at ``ages`` (hours) brings."""
        counts = tuple(CountAt(at=self.appeared + timedelta(hours=age), value=self.count(age)) for age in ages)
        return ForecastInput(
            platform="weibo", metric="reposts", first_seen=self.appeared, snapshots=counts, thresholds=thresholds,
            followers=self.followers, friends=self.friends, posts=self.posts, verified=self.verified, text=self.text,
        )


def shared_folder() -> Path:
    """Where the training data lies: ``YUJING_SHARED``, else ``shared`` beside the repository."""
    named = os.environ.get("YUJING_SHARED")
    return Path(named) if named else Path(__file__).resolve().parents[3] / "shared"


def read(folder: Path) -> list[Cascade]:
    """Every cascade of ``folder``, oldest first.

    Raises:
        OSError: the file is not there.
    """
    return sorted(_lines(folder / WEIBO_FILE), key=lambda one: one.appeared)


def _lines(path: Path) -> Iterator[Cascade]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield _cascade(json.loads(line))


def _cascade(row: dict[str, object]) -> Cascade:
    offsets = np.sort(np.asarray(row["offsets"], dtype=np.float64)) / 3600
    return Cascade(
        id=str(row["id"]), appeared=datetime.fromtimestamp(float(str(row["t0"])), UTC), hours=np.maximum(offsets, 0.0),
        text=str(row["text"] or ""), followers=_whole(row["followers"]), friends=_whole(row["friends"]),
        posts=_whole(row["posts"]), verified=bool(row["verified"]),
        debunked=bool(row["rumor"]),
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def split(cascades: Sequence[Cascade], *parts: float) -> list[list[Cascade]]:
    """Cut in order of time at the given shares: ``split(all, .7, .85)`` gives oldest 70 %, next 15 %, newest 15 %."""
    cuts = [0, *(round(share * len(cascades)) for share in parts), len(cascades)]
    return [list(cascades[a:b]) for a, b in pairwise(cuts)]


def crawl_ages(rng: np.random.Generator, age: float, at_most: int = 10) -> list[float]:
    """One irregular, thinned crawl history that ends at ``age``: 1 to ``at_most`` visits, the last one at
    ``age``, the earlier ones evenly or by chance (uniform or towards the start), as real revisits are."""
    visits = int(rng.choice([1, 2, 3, 4, 5, 7, 10], p=[0.08, 0.14, 0.18, 0.3, 0.12, 0.1, 0.08]))
    visits = min(visits, at_most)
    if visits == 1:
        return [age]
    if rng.random() < 0.4:
        return [age * step / visits for step in range(1, visits + 1)]
    power = rng.choice([1.0, 2.0])
    return [*sorted(age * rng.random(visits - 1) ** power), age]

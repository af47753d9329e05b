"""The sampled mix of training rows, the same for every device and after every restart.

The mix of a step follows from the seed and the number of the pool alone, so a run that was stopped goes on
with exactly the rows that it would have read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

SHARES: Mapping[str, float] = {"weibo": 0.35, "news": 0.25, "forum": 0.10, "review": 0.30}
POOL = 2048  # rows that are sorted by length together


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """Which rows make the next batch; ``rows`` is how many were read before it."""

    rows: int
    places: tuple[int, ...]


class Mix:
    """Endless batches of like length. Each domain is walked through in rounds, shuffled anew each round."""

    def __init__(self, domains: Sequence[str], lengths: Sequence[int], tokens: int, seed: int, shares: Mapping[str, float] = SHARES) -> None:
        self._lengths = np.array(lengths)
        self._tokens, self._seed = tokens, seed
        named = np.array(domains)
        self._shares = shares
        self._members = {name: np.flatnonzero(named == name) for name in shares if (named == name).any()}

    def batches(self, after: int = 0) -> Iterator[Sampled]:
        """Batches from row number ``after`` on, each of at most ``tokens`` padded pieces."""
        pool, done = 0, 0
        while True:
            for places in self._pool(pool):
                if done >= after:
                    yield Sampled(rows=done, places=tuple(int(place) for place in places))
                done += len(places)
            pool += 1

    def _pool(self, pool: int) -> list[np.ndarray]:
        chosen = np.concatenate([self._turn(name, pool) for name in self._members])
        dice = np.random.default_rng((self._seed, pool, 1))
        ordered = chosen[np.argsort(self._lengths[chosen] + dice.random(len(chosen)))]
        batches = self._cut(ordered)
        return [batches[at] for at in dice.permutation(len(batches))]

    def _turn(self, name: str, pool: int) -> np.ndarray:
        """The domain's rows in this pool: the next stretch of its shuffled rounds."""
        members, count = self._members[name], round(POOL * self._shares[name])
        wanted = np.arange(pool * count, (pool + 1) * count)
        rounds, places = wanted // len(members), wanted % len(members)
        chosen = np.empty(count, np.int64)
        for number in np.unique(rounds):
            order = np.random.default_rng((self._seed, int(number), 2)).permutation(members)
            chosen[rounds == number] = order[places[rounds == number]]
        return chosen

    def _cut(self, ordered: np.ndarray) -> list[np.ndarray]:
        batches, begin = [], 0
        for at in range(len(ordered)):
            if at > begin and (at + 1 - begin) * self._lengths[ordered[at]] > self._tokens:
                batches.append(ordered[begin:at])
                begin = at
        return [*batches, ordered[begin:]]

"""Entries of hot lists as rows of numbers: many entries at once, for training and for asking alike.

All visits lie in one row, entry after entry; an entry is asked about as it was at one of its visits. Unknown is nan,
which the trees were taught to meet: columns were left out at random in training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.forecast.seen import Seen
from nlp.forecast.spread import Floats

Numbers = NDArray[np.int64]
BESIDE = ("rank", "heat", "reads", "originals")
KEPT = 60  # visits of one entry: the first and the newest; an hourly crawl makes 24 in a day
SHORTEST = 0.05  # hours between two visits below which a pace would be noise
SHANGHAI = 8 * 3600
COUNTS = ("age", "stale", "visits", "cover", "longest_gap", "count", "first", "added", "added_last", "pace", "pace_before",
          "faster", "pace_mean", "rate", "doubled_hour", "doubled")
PLACE = ("rank", "rank_first", "rank_best", "rank_won", "rank_won_all")
HEAT = ("heat", "heat_first", "heat_best", "heat_won", "heat_won_before", "heat_won_all", "heat_on_count")
BOTH = ("{}", "{}_first", "{}_under", "{}_first_under", "{}_added", "{}_pace", "{}_doubled", "{}_per_added")
READS, ORIGINALS = (tuple(name.format(which) for name in BOTH) for which in ("reads", "originals"))
WHEN = ("hour_first", "hour", "weekday")
TITLE = ("category", "length", "worded_large", "worded_growing")
KNOWN = (*COUNTS, *PLACE, *HEAT, *READS, *ORIGINALS, *WHEN, *TITLE)
GROWTH = (*KNOWN, "hours_left")
ASKED = (*GROWTH, "needed", "times", "hours_at_pace", "hours_at_mean")
GROUPS = {"rank": PLACE, "heat": HEAT, "reads": READS, "originals": ORIGINALS, "title": TITLE[1:], "category": TITLE[:1]}


@dataclass(frozen=True, kw_only=True)
class Visits:
    """What was seen of entries. ``first_seen`` in seconds since 1970, ``ages`` in hours; counts never fall."""

    first_seen: Floats
    starts: Numbers
    ages: Floats
    counts: Floats
    rank: Floats
    heat: Floats
    reads: Floats
    originals: Floats

    @classmethod
    def of(cls, first_seen: Sequence[float], seen: Sequence[Seen]) -> Visits:
        """The visits of the inputs ``seen``, one entry each."""
        chosen = [_kept(len(one.ages)) for one in seen]
        pairs = [(one, i) for one, places in zip(seen, chosen, strict=True) for i in places]
        beside = {name: np.array([one.beside[i].get(name, np.nan) for one, i in pairs], dtype=np.float64) for name in BESIDE}
        return cls(
            first_seen=np.asarray(first_seen, dtype=np.float64), starts=_starts([len(places) for places in chosen]),
            ages=np.array([one.ages[i] for one, i in pairs]), counts=np.array([float(one.values[i]) for one, i in pairs]), **beside,
        )

    @cached_property
    def lengths(self) -> Numbers:
        return np.diff(np.append(self.starts, len(self.ages)))

    @cached_property
    def owner(self) -> Numbers:
        """The entry of each visit."""
        return np.repeat(np.arange(len(self.starts)), self.lengths)

    @cached_property
    def newest(self) -> Numbers:
        """The newest visit of each entry."""
        return self.starts + self.lengths - 1

    @cached_property
    def best_rank(self) -> Floats:
        return self._running(self.rank, np.fmin)

    @cached_property
    def best_heat(self) -> Floats:
        return self._running(self.heat, np.fmax)

    @cached_property
    def longest_gap(self) -> Floats:
        gaps = np.diff(self.ages, prepend=0.0)
        gaps[self.starts] = 0.0
        return self._running(gaps, np.fmax)

    def _running(self, values: Floats, better: Callable[[Floats, Floats], Floats]) -> Floats:
        made = values.copy()
        for step in range(1, int(self.lengths.max(initial=0))):
            at = self.starts[self.lengths > step] + step
            made[at] = better(made[at], made[at - 1])
        return made


def _kept(length: int) -> Sequence[int]:
    return range(length) if length <= KEPT else [0, *range(length - KEPT + 1, length)]


def _starts(lengths: Sequence[int]) -> Numbers:
    return np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Views:
    """Entries as they were at the visits ``last``, asked about at ``ages`` hours."""

    visits: Visits
    last: Numbers
    ages: Floats

    @cached_property
    def start(self) -> Numbers:
        return self.visits.starts[self.visits.owner[self.last]]

    @cached_property
    def before(self) -> Numbers:
        return np.maximum(self.last - 1, self.start)

    @cached_property
    def earlier(self) -> Numbers:
        return np.maximum(self.last - 2, self.start)

    @cached_property
    def gap(self) -> Floats:
        """Hours since the visit before, nan when there was none."""
        return self._hours(self.last, self.before)

    def _hours(self, later: Numbers, sooner: Numbers) -> Floats:
        hours = np.maximum(self.visits.ages[later] - self.visits.ages[sooner], SHORTEST)
        return np.where(later > sooner, hours, np.nan)

    @cached_property
    def pace(self) -> Floats:
        """What was added an hour between the two newest visits."""
        counts = self.visits.counts
        return (counts[self.last] - counts[self.before]) / self.gap


def known(views: Views, titles: Floats) -> Floats:
    """The numbers of ``KNOWN``, one row a view; ``titles`` holds those of ``TITLE``."""
    visits, last = views.visits, views.last
    reads, originals = (_beside(views, part) for part in (visits.reads, visits.originals))
    columns = [*_counts(views), *_place(views), *_heat(views), *reads, *originals, *_when(views), *titles.T]
    return np.stack(columns, axis=1) if len(last) else np.zeros((0, len(KNOWN)))


def _counts(views: Views) -> list[Any]:
    visits, last, start = views.visits, views.last, views.start
    count, first, before = (visits.counts[i] for i in (last, start, views.before))
    age, number = visits.ages[last], last - start + 1.0
    pace_before = (before - visits.counts[views.earlier]) / views._hours(views.before, views.earlier)
    return [
        views.ages, views.ages - age, number, number / (age + 1), visits.longest_gap[last], _log(count), _log(first), _log(count - first),
        _log(count - before), _log(views.pace), _log(pace_before), _log(views.pace) - _log(pace_before),
        _log((count - first) / views._hours(last, start)), _log(count / (age + 0.5)),
        (_log(count) - _log(before)) / views.gap, _log(count) - _log(first),
    ]


def _place(views: Views) -> list[Any]:
    rank = views.visits.rank
    now, first = rank[views.last], rank[views.start]
    return [now, first, views.visits.best_rank[views.last], rank[views.before] - now, first - now]


def _heat(views: Views) -> list[Any]:
    heat = views.visits.heat
    now, first, before, earlier = (_log(heat[i]) for i in (views.last, views.start, views.before, views.earlier))
    best = _log(views.visits.best_heat[views.last])
    return [now, first, best, now - before, before - earlier, now - first, now - _log(views.visits.counts[views.last])]


def _beside(views: Views, part: Floats) -> list[Any]:
    counts, last, before, start = views.visits.counts, views.last, views.before, views.start
    added = _log(part[last] - part[before]) + 0 * views.gap
    return [
        _log(part[last]), _log(part[start]), _log(counts[last]) - _log(part[last]), _log(counts[start]) - _log(part[start]),
        _log(part[last] - part[start]), _log((part[last] - part[before]) / views.gap),
        (_log(part[last]) - _log(part[before])) / views.gap, _log(counts[last] - counts[before]) - added,
    ]


def _when(views: Views) -> list[Any]:
    local = views.visits.first_seen[views.visits.owner[views.last]] + SHANGHAI
    hour = local / 3600 % 24
    return [hour, (hour + views.ages) % 24, np.floor(local / 86_400 + 3) % 7]


def questions(rows: Floats, views: Views, thresholds: Floats, hours_left: Floats) -> Floats:
    """The numbers of ``ASKED``: what each row's own threshold still needs, with so many hours left."""
    counts = views.visits.counts[views.last]
    needed = _log(np.maximum(thresholds - counts, 0))
    mean = _log(counts / (views.visits.ages[views.last] + 1))
    pace = np.where(np.isnan(views.pace), mean, _log(views.pace))
    asked = [hours_left, needed, _log(thresholds) - _log(counts), needed - pace, needed - mean]
    return np.concatenate([rows, np.stack(asked, axis=1)], axis=1)


def _log(values: Any) -> Floats:
    return np.asarray(np.log2(1 + np.maximum(0.0, values)), dtype=np.float64)

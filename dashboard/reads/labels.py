"""What the page 标注 shows: the next mention, the brand's own accuracy with its interval, and what has shifted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard import desk
from dashboard.reads.kept import briefly
from incidents.now import SHANGHAI
from incidents.shares import Z95, wilson
from incidents.store.labels import Label, ToLabel

FEW = 20  # random labels below which an accuracy says nothing
WEEK, BEFORE = timedelta(days=7), timedelta(days=28)
ENOUGH = 50  # mentions on each side before their tones are compared
SHIFTED = 0.1  # population stability index from which a shift is said (0.1 some, 0.25 much: Siddiqi 2006)
MUCH = 0.25
WEEKS = 8


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """``right`` of ``count`` randomly drawn mentions, with the 95 % interval of Wilson (1927)."""

    right: int
    count: int
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Shift:
    """Shares of negative mentions in the last week and in the four weeks before, and how far all tones moved apart."""

    now: float
    before: float
    index: float


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Everything that the labels of a brand say. ``weeks`` is by the Monday of the mentions' own week, oldest first."""

    labels: int
    by_field: Mapping[str, Accuracy]
    weeks: Sequence[tuple[datetime, Accuracy]]
    worse: bool
    shift: Shift | None


def next_to_label(brand: str, world: datetime) -> ToLabel | None:
    """Not kept for a moment: who clicked must see the next one."""
    return desk.here().ledger.labels.draw(brand, world)


@briefly(5.0)
def labelled(brand: str, world: datetime) -> Labelled:
    """As of ``world``."""
    kept = desk.here().ledger.labels
    found = kept.all(brand)
    drawn = [label for label in found if label.drawn == "random"]
    tone = [label for label in drawn if label.field == "sentiment"]
    weeks = by_week(tone)
    return Labelled(
        labels=len({label.mention_id for label in found}),
        by_field={field: accuracy([label for label in drawn if label.field == field]) for field in ("sentiment", "relevance", "issue")},
        weeks=weeks[-WEEKS:], worse=fallen(weeks), shift=shift(kept.tones(brand, world - WEEK, world), kept.tones(brand, world - WEEK - BEFORE, world - WEEK)))


def accuracy(labels: Sequence[Label]) -> Accuracy:
    """Of labels that were drawn at random."""
    right, count = sum(label.right for label in labels), len(labels)
    low, high = wilson(right, count, Z95)
    return Accuracy(right=right, count=count, low=low, high=high)


def by_week(labels: Sequence[Label]) -> list[tuple[datetime, Accuracy]]:
    """Accuracy by the week in which the mentions were written, oldest first."""
    weeks: dict[datetime, list[Label]] = {}
    for label in labels:
        weeks.setdefault(_monday(label.dated), []).append(label)
    return [(week, accuracy(weeks[week])) for week in sorted(weeks)]


def fallen(weeks: Sequence[tuple[datetime, Accuracy]]) -> bool:
    """Whether the newest week lies, with its whole interval, below what all weeks before reached."""
    if len(weeks) < 2:
        return False
    newest = weeks[-1][1]
    right, count = sum(one.right for _, one in weeks[:-1]), sum(one.count for _, one in weeks[:-1])
    return newest.count >= FEW and count >= FEW and newest.high < right / count


def shift(newest: Mapping[str, int], before: Mapping[str, int]) -> Shift | None:
    """How the model's tones of the last week differ from those before; None while there are too few."""
    if min(sum(newest.values()), sum(before.values())) < ENOUGH:
        return None
    ours, theirs = _shares(newest), _shares(before)
    index = sum((ours[name] - theirs[name]) * math.log(ours[name] / theirs[name]) for name in ours)
    return Shift(now=ours["negative"], before=theirs["negative"], index=index)


def _shares(counts: Mapping[str, int]) -> dict[str, float]:
    """Half a mention more of each, so that none is zero."""
    full = Counter(dict(counts))
    total = sum(full.values()) + 1.5
    return {name: (full[name] + 0.5) / total for name in ("negative", "neutral", "positive")}


def _monday(at: datetime) -> datetime:
    local = at.astimezone(SHANGHAI)
    return (local - timedelta(days=local.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)

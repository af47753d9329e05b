"""What a crawler brought, made fit to reckon with; or the reason why it cannot be.

Counts fall (deletions, resets), are only floors ("100万+"), unknown, doubled or dated in the future. Nothing
is repaired by guessing: a doubtful count is left out, and what then is too little to reckon with is an
abstention with a code of the locale file (``forecast.abstain.CODE``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nlp.forecast import CountAt, ForecastInput

DAY = timedelta(hours=24)
CLOCK_SLACK = timedelta(minutes=10)  # two machines' clocks; a count older than that before the post is wrong
FALL_TOLERATED = 0.2  # deleted reposts; beyond it the platform has reset or hidden the counter


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Clean counts of one input: ages in hours after appearance, rising; values never falling."""

    ages: tuple[float, ...]
    values: tuple[int, ...]
    newest_at: datetime
    beside: tuple[Mapping[str, float], ...] = ()
    fell: bool = False

    @property
    def age(self) -> float:
        return self.ages[-1]

    @property
    def count(self) -> int:
        return self.values[-1]


@dataclass(frozen=True, kw_only=True)
class Unusable:
    """Why nothing can be foreseen: ``code`` of the locale file and an English sentence for scripts."""

    code: str
    sentence: str
    observed: int | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The range a model was trained on: counts from ``least`` to ``most``, from ``youngest`` hours on."""

    least: int
    most: int
    youngest: float

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Bounds:
        return cls(least=table["least"], most=table["most"], youngest=table["youngest"])

    def refuse(self, seen: Seen) -> Unusable | None:
        """Why ``seen`` is outside the range, or None."""
        if seen.count < self.least:
            sentence = f"Fewer than {self.least} were counted; such posts were not in the training."
            return Unusable(code="too_few", sentence=sentence, observed=seen.count)
        if seen.count > self.most:
            sentence = f"More than {self.most} were counted; such posts were not in the training."
            return Unusable(code="too_many", sentence=sentence, observed=seen.count)
        if seen.age < self.youngest:
            return Unusable(code="too_young", sentence="The post is only minutes old.", observed=seen.count)
        return None


def not_fitted(asked: ForecastInput) -> Unusable:
    return Unusable(code="not_fitted", sentence=f"No model was fitted on {asked.metric} of {asked.platform}.")


def look(asked: ForecastInput, now: datetime) -> Seen | Unusable:
    """The counts of ``asked`` that were known at ``now``, or why they cannot be used."""
    if asked.first_seen > now:
        return Unusable(code="future", sentence="It appears only after the present moment.")
    known = _known(asked.snapshots, now)
    if not known:
        return Unusable(code="no_counts", sentence="No count is known yet.")
    top = max(one.value or 0 for one in known)
    if now - asked.first_seen >= DAY:
        return Unusable(code="matured", sentence="Both horizons, 12 h and 24 h, have passed.", observed=top)
    if known[0].at < asked.first_seen - CLOCK_SLACK:
        return Unusable(code="before_birth", sentence="A count is older than the post itself.", observed=top)
    if known[-1].floor:
        return Unusable(code="floor", sentence="The newest count is only a lower bound.", observed=top)
    return _rising(asked.first_seen, [one for one in known if not one.floor])


def first_reached(asked: ForecastInput, threshold: int, now: datetime) -> datetime | None:
    """When a crawl first saw ``threshold`` reached (a floor counts), or None."""
    for one in _known(asked.snapshots, now):
        if (one.value or 0) >= threshold:
            return one.at
    return None


def _known(snapshots: tuple[CountAt, ...], now: datetime) -> list[CountAt]:
    """Known counts up to ``now`` in order of time; of equal times the last one sent wins."""
    latest = {one.at: one for one in snapshots if one.at <= now and one.value is not None and one.value >= 0}
    return [latest[at] for at in sorted(latest)]


def _rising(first_seen: datetime, exact: list[CountAt]) -> Seen | Unusable:
    values: list[int] = []
    fell = False
    for one in exact:
        value, before = int(one.value or 0), values[-1] if values else 0
        if value < before * (1 - FALL_TOLERATED):
            sentence = f"The count fell from {before} to {value}: deleted, or the platform reset it."
            return Unusable(code="fell", sentence=sentence, observed=value)
        fell = fell or value < before
        values.append(max(value, before))
    ages = tuple(max(0.0, (one.at - first_seen) / timedelta(hours=1)) for one in exact)
    beside = tuple(one.beside for one in exact)
    return Seen(ages=ages, values=tuple(values), newest_at=exact[-1].at, beside=beside, fell=fell)

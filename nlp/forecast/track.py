"""The track record: what was forecast, held against what came. Pure; the ledger keeps the rows.

Calibration, coverage, lead time and the misses by name; whether the intervals drift; what to correct them by; and
which probability threshold keeps to a budget of alerts, with what it would have cost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise

import numpy as np

from incidents.model import Forecast
from incidents.shares import Share
from nlp.forecast import Correction

ENOUGH = 30  # matured forecasts below which no rate is told and nothing is corrected
WINDOW = timedelta(days=21)  # rolling: older ones no longer say how the platform behaves
AGES = (1.0, 3.0)  # hours of age at which one forecast of each mention is scored: many looks at one post are no many proofs
NEAR = 2.0  # a forecast made between half and twice that age stands for it
ALERT_LEVELS = tuple(np.arange(0.05, 1.0, 0.05).round(2).tolist())
NOMINAL = {"q10–q90": 0.8, "q05–q95": 0.9}


@dataclass(frozen=True, kw_only=True)
class Matured:
    """A forecast whose 24 h are over: ``came`` is the total that was seen, ``crossed_at`` when the threshold was."""

    name: str
    forecast: Forecast
    threshold: int
    came: int
    crossed_at: datetime | None = None

    @property
    def over(self) -> bool:
        return self.came >= self.threshold

    @property
    def chance(self) -> float | None:
        """P(total at 24 h ≥ threshold) as it was forecast."""
        return None if self.forecast.h24 is None else self.forecast.h24.p_over.get(self.threshold)


@dataclass(frozen=True, kw_only=True)
class Band:
    """Forecasts of about the same probability: how many, their mean probability, how often it came true."""

    low: float
    high: float
    count: int
    said: float
    came: float


@dataclass(frozen=True, kw_only=True)
class Report:
    """The record over a stretch of time. Rates are None below ENOUGH forecasts."""

    count: int
    coverage_80: float | None
    coverage_90: float | None
    brier: float | None
    base_rate: float | None
    msle: float | None
    bands: tuple[Band, ...]
    median_lead: timedelta | None
    missed: tuple[Matured, ...]
    false_alarms: tuple[Matured, ...]


@dataclass(frozen=True, kw_only=True)
class AtAge:
    """One forecast a mention, made near ``age`` hours after appearance, held against what came. The rates that need
    many are None below ENOUGH; the shares carry their own interval and are told from the first one on."""

    age: float
    count: int
    covered_80: Share
    covered_90: Share
    crossed: Share
    brier: float | None
    said: float | None  # mean probability: beside ``crossed.value`` it says whether the probabilities are too high or too low
    precision: float | None  # average precision of P(≥ threshold); its base rate is ``crossed.value``
    msle: float | None
    bands: tuple[Band, ...]


def nearest(matured: Sequence[Matured], age: float) -> list[Matured]:
    """One forecast a name: the one made nearest to ``age`` hours (on a log scale), if between half and twice that."""
    chosen: dict[str, tuple[float, Matured]] = {}
    for one in matured:
        hours = (one.forecast.made_at - one.forecast.first_seen) / timedelta(hours=1)
        off = abs(math.log(hours / age)) if hours > 0 else math.inf
        if one.forecast.h24 is not None and off <= math.log(NEAR) and off < chosen.get(one.name, (math.inf, one))[0]:
            chosen[one.name] = (off, one)
    return [one for _, one in chosen.values()]


def at_age(matured: Sequence[Matured], age: float) -> AtAge:
    """The record at one age."""
    sample = nearest(matured, age)
    enough = len(sample) >= ENOUGH
    chances = [(one.chance, one.over) for one in sample if one.chance is not None]
    return AtAge(
        age=age, count=len(sample), covered_80=_share(sample, "10", "90"), covered_90=_share(sample, "05", "95"),
        crossed=Share(hits=sum(over for _, over in chances), count=len(chances)), bands=bands(chances),
        brier=float(np.mean([(p - over) ** 2 for p, over in chances])) if enough and chances else None,
        said=float(np.mean([p for p, _ in chances])) if enough and chances else None,
        precision=average_precision(chances) if enough else None,
        msle=float(np.mean([_error(one) ** 2 for one in sample])) if enough else None,
    )


def _share(sample: Sequence[Matured], low: str, high: str) -> Share:
    return Share(hits=sum(one.forecast.h24.q[low] <= one.came <= one.forecast.h24.q[high] for one in sample if one.forecast.h24), count=len(sample))


def average_precision(chances: Sequence[tuple[float, bool]]) -> float | None:
    """Mean precision over the steps of recall, equal probabilities taken as one step; None when nothing came true."""
    total, right, seen, found = sum(over for _, over in chances), 0, 0, 0.0
    for _, equal in groupby(sorted(chances, key=lambda one: -one[0]), key=lambda one: one[0]):
        step = [over for _, over in equal]
        right, seen = right + sum(step), seen + len(step)
        found += sum(step) * right / seen
    return found / total if total else None


def report(matured: Sequence[Matured], alert_at: float = 0.3) -> Report:
    """Score ``matured``. Missed: it crossed, and no forecast before that said at least ``alert_at``; a false alarm:
    one said so and it did not cross. Both by name, each name once. Abstentions are not scored."""
    scored = [one for one in matured if one.forecast.h24 is not None]
    enough = len(scored) >= ENOUGH
    chances = [(one.chance, one.over) for one in scored if one.chance is not None]
    return Report(
        count=len(scored),
        coverage_80=_covered(scored, "10", "90") if enough else None, coverage_90=_covered(scored, "05", "95") if enough else None,
        brier=float(np.mean([(p - over) ** 2 for p, over in chances])) if enough and chances else None,
        base_rate=float(np.mean([one.over for one in scored])) if enough else None,
        msle=float(np.mean([_error(one) ** 2 for one in scored])) if enough else None,
        bands=bands(chances), median_lead=_median_lead(scored, alert_at),
        missed=_missed(scored, alert_at), false_alarms=_false_alarms(scored, alert_at),
    )


def _covered(scored: Sequence[Matured], low: str, high: str) -> float:
    return float(np.mean([one.forecast.h24.q[low] <= one.came <= one.forecast.h24.q[high] for one in scored if one.forecast.h24]))


def _error(one: Matured) -> float:
    """log2(1 + increment) that came, less the median that was forecast."""
    assert one.forecast.h24 is not None
    observed = one.forecast.observed or 0
    return math.log2(1 + max(0, one.came - observed)) - math.log2(1 + max(0.0, one.forecast.h24.q["50"] - observed))


def bands(chances: Sequence[tuple[float, bool]], edges: Sequence[float] = (0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)) -> tuple[Band, ...]:
    """The reliability table: a well calibrated record has ``came`` near ``said`` in every band."""
    found = []
    for low, high in pairwise(edges):
        inside = [(p, over) for p, over in chances if low <= p < high or (high == edges[-1] and p == high)]
        if inside:
            said, came = np.mean(inside, axis=0).tolist()
            found.append(Band(low=low, high=high, count=len(inside), said=said, came=came))
    return tuple(found)


def _warned(scored: Sequence[Matured], alert_at: float) -> dict[str, datetime]:
    """When each name was first forecast to cross with at least ``alert_at``, before it did."""
    first: dict[str, datetime] = {}
    for one in sorted(scored, key=lambda each: each.forecast.made_at):
        ahead = one.crossed_at is None or one.forecast.made_at < one.crossed_at
        if one.chance is not None and one.chance >= alert_at and ahead:
            first.setdefault(one.name, one.forecast.made_at)
    return first


def _missed(scored: Sequence[Matured], alert_at: float) -> tuple[Matured, ...]:
    warned = _warned(scored, alert_at)
    return tuple({one.name: one for one in scored if one.over and one.name not in warned}.values())


def _false_alarms(scored: Sequence[Matured], alert_at: float) -> tuple[Matured, ...]:
    warned = _warned(scored, alert_at)
    return tuple({one.name: one for one in scored if not one.over and one.name in warned}.values())


def _median_lead(scored: Sequence[Matured], alert_at: float) -> timedelta | None:
    """How long before the crossing the first warning came; of those that were warned of."""
    found = sorted(leads(scored, alert_at).values())
    return found[len(found) // 2] if found else None


def leads(matured: Sequence[Matured], alert_at: float) -> dict[str, timedelta]:
    """For each name that crossed and was warned of before: how long before."""
    scored = [one for one in matured if one.forecast.h24 is not None]
    crossed = {one.name: one.crossed_at for one in scored if one.crossed_at is not None}
    return {name: crossed[name] - at for name, at in _warned(scored, alert_at).items() if name in crossed}


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The intervals no longer hold: ``covered`` of ``nominal``, and chance alone would hardly do that."""

    interval: str
    nominal: float
    covered: float
    count: int


def drift(matured: Sequence[Matured], now: datetime) -> tuple[Drift, ...]:
    """Intervals of the last ``WINDOW`` whose coverage is off by more than 3 standard errors; [] below ENOUGH."""
    recent = _recent(matured, now)
    if len(recent) < ENOUGH:
        return ()
    found = []
    for interval, nominal in NOMINAL.items():
        low, high = (part.removeprefix("q") for part in interval.split("–"))
        covered = _covered(recent, low, high)
        if abs(covered - nominal) > 3 * math.sqrt(nominal * (1 - nominal) / len(recent)):
            found.append(Drift(interval=interval, nominal=nominal, covered=covered, count=len(recent)))
    return tuple(found)


def _recent(matured: Sequence[Matured], now: datetime) -> list[Matured]:
    return [one for one in matured if one.forecast.h24 is not None and now - WINDOW <= one.forecast.made_at + timedelta(hours=24) <= now]


def correction(matured: Sequence[Matured], now: datetime) -> Correction:
    """How the uncorrected model errs, learnt from the last ``WINDOW``; the identity below ENOUGH. From one forecast a name (its first, so that none weighs more for being crawled
    often). The shift is shrunk towards none by ENOUGH imaginary perfect forecasts; the factor makes the 80 % interval hold on them (conformal: rank ⌈(n + 1) · 0.8⌉), shrunk likewise."""
    firsts = {one.name: one for one in sorted(_recent(matured, now), key=lambda each: each.forecast.made_at, reverse=True)}
    if len(firsts) < ENOUGH:
        return Correction(count=len(firsts))
    errors = np.array([_error(one) + Correction.in_name(one.forecast.model).shift for one in firsts.values()])
    share = len(errors) / (len(errors) + ENOUGH)
    shift = float(np.median(errors)) * share
    needed = sorted(_stretch(one, shift) for one in firsts.values())
    raw = needed[min(len(needed), math.ceil((len(needed) + 1) * 0.8)) - 1]
    return Correction(shift=shift, factor=float(min(4.0, max(0.25, raw))) ** share, count=len(errors))


def _stretch(one: Matured, shift: float) -> float:
    """By what factor the 80 % interval, moved by ``shift``, must be stretched to hold what came."""
    assert one.forecast.h24 is not None
    observed, q = one.forecast.observed or 0, one.forecast.h24.q
    made_under = Correction.in_name(one.forecast.model)
    middle, low, high = (math.log2(1 + max(0.0, q[level] - observed)) for level in ("50", "10", "90"))
    off = math.log2(1 + max(0, one.came - observed)) - (middle - made_under.shift) - shift
    half = max(high - middle if off > 0 else middle - low, 1e-3) / made_under.factor
    return abs(off) / half


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What alerting at P ≥ ``alert_at`` would have cost over the brand's own history."""

    alert_at: float
    alerts_a_day: float
    precision: float | None
    recall: float | None
    median_lead: timedelta | None


def costs(matured: Sequence[Matured], days: float, levels: Sequence[float] = ALERT_LEVELS) -> tuple[Budget, ...]:
    """One line for each probability threshold: alerts a day (each name once), precision, recall, lead."""
    scored = [one for one in matured if one.forecast.h24 is not None]
    crossed = {one.name for one in scored if one.over}
    found = []
    for level in levels:
        warned = _warned(scored, level)
        right = len(crossed & set(warned))
        found.append(Budget(alert_at=level, alerts_a_day=len(warned) / days, precision=right / len(warned) if warned else None,
                            recall=right / len(crossed) if crossed else None, median_lead=_median_lead(scored, level)))
    return tuple(found)


def tuned(matured: Sequence[Matured], days: float, most_a_day: float) -> Budget | None:
    """The lowest threshold (most recall) that keeps to ``most_a_day`` alerts; None below ENOUGH or when none does."""
    if sum(one.forecast.h24 is not None for one in matured) < ENOUGH:
        return None
    return next((line for line in costs(matured, days) if line.alerts_a_day <= most_a_day), None)

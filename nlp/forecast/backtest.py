"""Backtest: go through stored history as it was seen, forecast at every crawl, and hold it against what came.

Nothing of the future is shown to the forecaster: at each crawl it gets the snapshots up to then. The report, the
costs of each probability threshold and the plots are what ``yujing backtest`` shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from incidents.errors import ModelError
from incidents.shares import Share
from nlp.forecast import CountAt, Forecaster, ForecastInput
from nlp.forecast.track import AGES, AtAge, Budget, Matured, Report, at_age, costs, report

DAY = timedelta(hours=24)
NAMED = 40  # misses and false alarms that are named; the others are counted


@dataclass(frozen=True, kw_only=True)
class Followed:
    """One mention of the stored history with all its snapshots."""

    name: str
    asked: ForecastInput


@dataclass(frozen=True, kw_only=True)
class Walked:
    """What a walk through the history gave: matured forecasts, and what had to be left out and why."""

    matured: tuple[Matured, ...]
    followed: int
    unripe: tuple[str, ...]  # not followed to 24 h: no outcome, no claim
    abstained: Mapping[str, int]  # code → crawls at which the forecaster abstained
    unforeseen: tuple[str, ...]  # crossed, and not one forecast was made before that


def replay(history: Iterable[Followed], forecaster: Forecaster, threshold: int) -> list[Matured]:
    """The matured forecasts of :func:`walk`."""
    return list(walk(history, forecaster, threshold).matured)


def walk(history: Iterable[Followed], forecaster: Forecaster, threshold: int) -> Walked:
    """A matured forecast for each crawl of the first 24 h at which the forecaster did not abstain and the
    threshold was not yet seen. A mention without an exact count at or after 24 h has not matured and is left out."""
    found: list[Matured] = []
    unripe, unforeseen, abstained, followed = [], [], Counter[str](), 0
    for one in history:
        followed += 1
        end = _end(one.asked)
        if end is None:
            unripe.append(one.name)
            continue
        crossed = _crossed(one.asked, threshold)
        made = [forecaster.predict([_known(one.asked, moment, threshold)], moment)[0] for moment in _crawls(one.asked, crossed)]
        spoken = [each for each in made if each.h24 is not None]
        abstained.update((each.abstains or "passed").partition(":")[0] for each in made if each.h24 is None)
        found += [Matured(name=one.name, forecast=each, threshold=threshold, came=end, crossed_at=crossed) for each in spoken]
        if crossed is not None and not spoken:
            unforeseen.append(one.name)
    return Walked(matured=tuple(found), followed=followed, unripe=tuple(unripe), abstained=abstained, unforeseen=tuple(unforeseen))


def _end(asked: ForecastInput) -> int | None:
    """The total at 24 h: by straight line between the crawls around it."""
    exact = [(one.at, one.value) for one in asked.snapshots if one.value is not None and not one.floor]
    close = asked.first_seen + DAY
    before = max(((at, value) for at, value in exact if at <= close), default=None)
    after = min(((at, value) for at, value in exact if at >= close), default=None)
    if after is None:
        return None
    if before is None or before[0] == after[0]:
        return after[1]
    return round(before[1] + (after[1] - before[1]) * ((close - before[0]) / (after[0] - before[0])))


def _crossed(asked: ForecastInput, threshold: int) -> datetime | None:
    reached = [one.at for one in asked.snapshots if (one.value or 0) >= threshold and one.at <= asked.first_seen + DAY]
    return min(reached, default=None)


def _crawls(asked: ForecastInput, crossed: datetime | None) -> list[datetime]:
    close = min(asked.first_seen + DAY, crossed or asked.first_seen + DAY)
    return sorted({one.at for one in asked.snapshots if asked.first_seen <= one.at < close})


def _known(asked: ForecastInput, moment: datetime, threshold: int) -> ForecastInput:
    seen: tuple[CountAt, ...] = tuple(one for one in asked.snapshots if one.at <= moment)
    return replace(asked, snapshots=seen, thresholds=(threshold,))


def days_of(history: Sequence[Followed]) -> float:
    """How long the history is, in days: from the first appearance to the last, at least one."""
    born = [one.asked.first_seen for one in history]
    return max(1.0, (max(born) - min(born)) / DAY) if born else 1.0


def told(walked: Walked, days: float, alert_at: float = 0.3) -> str:
    """The whole of what a person reads: what was left out, the table, and every miss and false alarm by name."""
    abstained = ", ".join(f"{code} {count}" for code, count in sorted(walked.abstained.items())) or "never"
    made = report(walked.matured, alert_at)
    return "\n".join([
        f"followed {walked.followed}  matured {walked.followed - len(walked.unripe)}  not followed to 24 h {len(walked.unripe)}  days {days:.1f}",
        f"crawls at which it abstained: {abstained}", "", table(walked.matured, days),
        f"missed at P ≥ {alert_at:.2f}: {_names(made.missed)}",
        f"crossed without any forecast before: {', '.join(walked.unforeseen[:NAMED]) or 'none'}{_more(len(walked.unforeseen))}",
        f"false alarms at P ≥ {alert_at:.2f}: {_names(made.false_alarms)}", "",
    ])


def _names(matured: Sequence[Matured]) -> str:
    shown = ", ".join(f"{one.name} (came {one.came})" for one in matured[:NAMED])
    return (shown or "none") + _more(len(matured))


def _more(count: int) -> str:
    return f" … {count} in all" if count > NAMED else ""


def table(matured: Sequence[Matured], days: float) -> str:
    """What a person reads: the record, the reliability table, and what each threshold would have cost."""
    made: Report = report(matured)
    lines = [
        f"forecasts {made.count}  mentions {len({one.name for one in matured})}  base rate {_rate(made.base_rate)}",
        f"80 % covers {_rate(made.coverage_80)}  90 % covers {_rate(made.coverage_90)}  Brier {_rate(made.brier)}  MSLE {_rate(made.msle)}",
        "", "one forecast a mention, nearest to an age (95 % intervals by Wilson)",
        "age    count  base rate  AP     Brier  mean P  80 % covers               90 % covers               MSLE",
        *(_age(at_age(matured, age)) for age in AGES),
        "", "said   came   count",
        *(f"{band.said:.3f}  {band.came:.3f}  {band.count}" for band in made.bands),
        "", "alert at  alerts/day  precision  recall  median lead",
        *(_cost(line) for line in costs(matured, days)),
    ]
    return "\n".join(lines) + "\n"


def _age(one: AtAge) -> str:
    base = _rate(one.crossed.value if one.crossed.count else None)
    return (f"{one.age:>3.0f} h  {one.count:>5}  {base:>9}  {_rate(one.precision):>5}  {_rate(one.brier):>5}  {_rate(one.said):>6}  "
            f"{_covers(one.covered_80)}  {_covers(one.covered_90)}  {_rate(one.msle)}")


def _covers(share: Share) -> str:
    low, high = share.interval
    return f"{share.value:.3f} [{low:.3f}, {high:.3f}]    " if share.count else f"{'–':<24}"


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _cost(line: Budget) -> str:
    lead = "–" if line.median_lead is None else f"{line.median_lead / timedelta(hours=1):.1f} h"
    return f"{line.alert_at:8.2f}  {line.alerts_a_day:10.2f}  {_rate(line.precision):>9}  {_rate(line.recall):>6}  {lead}"


def plots(matured: Sequence[Matured], days: float, folder: Path) -> tuple[Path, ...]:
    """Reliability (one forecast a mention and age), precision against recall, and alerts a day against recall, as PNG files.

    Raises:
        ModelError: matplotlib is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = [line for line in costs(matured, days) if line.precision is not None and line.recall is not None]
    recall = [line.recall or 0.0 for line in lines]
    reliability = {f"{age:g} h": [(band.said, band.came) for band in at_age(matured, age).bands] for age in AGES}
    named = {line.alert_at: f"{line.alert_at:.2f}" for line in lines}
    notes = [named[line.alert_at] if place % 3 == 0 else "" for place, line in enumerate(lines)]
    return (
        _plot(folder / "reliability.png", ("forecast probability", "share that came true"), reliability, diagonal=True),
        _plot(folder / "precision-recall.png", ("recall", "precision"), {"alert at": list(zip(recall, [line.precision or 0.0 for line in lines], strict=True))}, notes),
        _plot(folder / "alerts-recall.png", ("alerts a day", "recall"), {"alert at": list(zip([line.alerts_a_day for line in lines], recall, strict=True))}, notes),
    )


def _plot(path: Path, axes_said: tuple[str, str], curves: Mapping[str, Sequence[tuple[float, float]]], notes: Sequence[str] = (), *, diagonal: bool = False) -> Path:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ModelError("The plots need matplotlib: pip install matplotlib. The table needs nothing.") from error

    figure = Figure(figsize=(5, 4))
    axes = figure.subplots()
    for name, points in curves.items():
        axes.plot([x for x, _ in points], [y for _, y in points], marker="o", markersize=4, label=name)
        for (x, y), note in zip(points, notes, strict=False):
            axes.annotate(note, (x, y), textcoords="offset points", xytext=(4, 4), fontsize=8)
    if diagonal:
        axes.plot((0, 1), (0, 1), linestyle="--", color="grey")
    axes.set_xlabel(axes_said[0])
    axes.set_ylabel(axes_said[1])
    axes.set_ylim(-0.02, 1.02)
    axes.legend()
    figure.savefig(path, dpi=120, bbox_inches="tight")
    return path

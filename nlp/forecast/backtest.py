"""Backtest: go through stored history as it was seen, forecast at every crawl, and hold it against what came.

Nothing of the future is shown to the forecaster: at each crawl it gets the snapshots up to then. The report, the
costs of each probability threshold and the plots are what ``yujing backtest`` shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from nlp.forecast import CountAt, Forecaster, ForecastInput
from nlp.forecast.track import Budget, Matured, Report, costs, report

DAY = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Followed:
    """One mention of the stored history with all its snapshots."""

    name: str
    asked: ForecastInput


def replay(history: Iterable[Followed], forecaster: Forecaster, threshold: int) -> list[Matured]:
    """A matured forecast for each crawl of the first 24 h at which the forecaster did not abstain and the
    threshold was not yet seen. A mention without an exact count at or after 24 h has not matured and is left out."""
    found: list[Matured] = []
    for one in history:
        end = _end(one.asked)
        if end is None:
            continue
        crossed = _crossed(one.asked, threshold)
        for moment in _crawls(one.asked, crossed):
            (made,) = forecaster.predict([_known(one.asked, moment, threshold)], moment)
            if made.h24 is not None:
                found.append(Matured(name=one.name, forecast=made, threshold=threshold, came=end, crossed_at=crossed))
    return found


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


def table(matured: Sequence[Matured], days: float) -> str:
    """What a person reads: the record, the reliability table, and what each threshold would have cost."""
    made: Report = report(matured)
    lines = [
        f"forecasts {made.count}  mentions {len({one.name for one in matured})}  base rate {_rate(made.base_rate)}",
        f"80 % covers {_rate(made.coverage_80)}  90 % covers {_rate(made.coverage_90)}  Brier {_rate(made.brier)}  MSLE {_rate(made.msle)}",
        "", "said   came   count",
        *(f"{band.said:.3f}  {band.came:.3f}  {band.count}" for band in made.bands),
        "", "alert at  alerts/day  precision  recall  median lead",
        *(_cost(line) for line in costs(matured, days)),
    ]
    return "\n".join(lines) + "\n"


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _cost(line: Budget) -> str:
    lead = "–" if line.median_lead is None else f"{line.median_lead / timedelta(hours=1):.1f} h"
    return f"{line.alert_at:8.2f}  {line.alerts_a_day:10.2f}  {_rate(line.precision):>9}  {_rate(line.recall):>6}  {lead}"


def plots(matured: Sequence[Matured], days: float, folder: Path) -> tuple[Path, ...]:
    """Reliability, precision against recall, and alerts a day against recall, as PNG files. Needs matplotlib
    (the extra ``training``)."""
    made = report(matured)
    lines = [line for line in costs(matured, days) if line.precision is not None and line.recall is not None]
    return (
        _plot(folder / "reliability.png", "forecast probability", "share that came true", [b.said for b in made.bands], [b.came for b in made.bands], (0, 1)),
        _plot(folder / "precision-recall.png", "recall", "precision", [line.recall or 0 for line in lines], [line.precision or 0 for line in lines], None),
        _plot(folder / "alerts-recall.png", "alerts a day", "recall", [line.alerts_a_day for line in lines], [line.recall or 0 for line in lines], None),
    )


def _plot(path: Path, across: str, up: str, xs: Sequence[float], ys: Sequence[float], diagonal: tuple[float, float] | None) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4))
    axes = figure.subplots()
    axes.plot(xs, ys, marker="o")
    if diagonal:
        axes.plot(diagonal, diagonal, linestyle="--", color="grey")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    figure.savefig(path, dpi=120, bbox_inches="tight")
    return path

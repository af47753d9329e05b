"""How big by when: the fan as an ECharts option, and the small curves of rows as CSS masks. Pure.

Times go out as naive local ISO in whole minutes: the same wall clock in every browser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil, floor, log10
from typing import Any
from urllib.parse import quote

from dashboard.say import say
from incidents.i18n import number
from incidents.model import Forecast, PathPoint
from incidents.now import shanghai

WINDOW = timedelta(hours=24)
FONT = "PingFang SC, HarmonyOS Sans SC, MiSans, Microsoft YaHei UI, Noto Sans SC, Noto Sans CJK SC, Source Han Sans SC, system-ui, sans-serif"

LIGHT = dict(ink="#191B1F", ink2="#474B53", ink3="#666B74", hair="#E2E2DC", edge="#8A8F98", fan80="#D9DBDF", fan50="#BFC3CA", own="#0B665A", on_own="#FFFFFF",
             late="#B4151B", surface="#FFFFFF")
DARK = dict(ink="#E9EAEC", ink2="#B5B9C1", ink3="#9197A1", hair="#2B2F36", edge="#6B717B", fan80="#2E333B", fan50="#434A55", own="#4CC2AD", on_own="#06231E",
            late="#FF7A76", surface="#181B1F")

Point = tuple[datetime, float]


@dataclass(frozen=True, kw_only=True)
class Act:
    """Something we did, as a numbered dot on the curve."""

    at: datetime
    words: str


@dataclass(frozen=True, kw_only=True)
class Fan:
    """What the chart shows. ``points`` are of one metric of one mention; ``threshold`` is the brand's red line."""

    metric: str
    first: datetime
    now: datetime
    points: tuple[tuple[datetime, int], ...]
    forecast: Forecast | None
    threshold: int | None
    acts: tuple[Act, ...] = ()


def minute(at: datetime) -> str:
    return shanghai(at).strftime("%Y-%m-%dT%H:%M")


def bands(fan: Fan) -> list[tuple[datetime, float, float, float, float, float]]:
    """(at, q10, q25, q50, q75, q90) from the last count on; empty when nothing is foreseen."""
    foreseen = fan.forecast
    if foreseen is None or foreseen.abstains or not foreseen.path:
        return []
    rows = [(p.at, p.q10, p.q50 if p.q25 is None else p.q25, p.q50, p.q50 if p.q75 is None else p.q75, p.q90)
            for p in foreseen.path if p.at > foreseen.made_at]
    if fan.points and rows and fan.points[-1][0] < rows[0][0]:
        last = float(fan.points[-1][1])
        rows.insert(0, (fan.points[-1][0], last, last, last, last, last))
    return rows


def top(fan: Fan) -> float:
    """The highest value that must fit; the red line counts while it is not more than three times the rest."""
    values = [float(v) for _, v in fan.points] + [row[5] for row in bands(fan)]
    highest = max(values, default=0.0)
    if fan.threshold is not None and (fan.threshold <= 3 * highest or highest == 0):
        highest = max(highest, fan.threshold * 1.05)
    return nice(max(highest, 4.0))


def nice(value: float) -> float:
    """The next of 1, 2, 4, 5, 8, 10 × 10ⁿ: an axis that divides by four into whole ticks."""
    base = 10 ** floor(log10(value))
    return float(next(step * base for step in (1, 2, 4, 6, 8, 10) if step * base >= value * 1.02)) if value * 1.02 <= 10 * base else 20.0 * base


def option(fan: Fan, colours: Mapping[str, str], *, small: bool = False) -> dict[str, Any]:
    """The ECharts option: stacked bands, the observed line, our acts; no animation, so that a refresh moves nothing."""
    end = until(fan)
    label = {"color": colours["ink3"], "fontSize": 12}
    axis = {"axisLabel": label, "axisTick": {"show": False}}
    return {
        "animation": False, "textStyle": {"fontFamily": FONT}, "grid": {"left": 8, "right": 38, "top": 30, "bottom": 4, "containLabel": True},
        "tooltip": {"trigger": "axis", "valueFormatter": "localized", "backgroundColor": colours["surface"], "borderColor": colours["hair"],
                    "textStyle": {"color": colours["ink"], "fontSize": 12}, "confine": True},
        "xAxis": {**axis, "type": "time", "min": minute(fan.first), "max": minute(end), "splitLine": {"show": False}, "splitNumber": 4 if small else 6,
                  "axisLabel": {**label, "formatter": "{HH}:{mm}", "hideOverlap": True}, "axisLine": {"lineStyle": {"color": colours["edge"]}}},
        "yAxis": {**axis, "type": "value", "min": 0, "max": top(fan), "interval": top(fan) / 4, "splitLine": {"lineStyle": {"color": colours["hair"]}}},
        "series": [*_fan_series(fan, colours), _observed(fan, end, colours), _crossing(fan, end, colours), _acts(fan, colours)],
    }


def until(fan: Fan) -> datetime:
    """Where the chart ends: the incident's 24 h, and the forecast's own where the largest post is younger than the incident."""
    end = fan.first + WINDOW if fan.now <= fan.first + WINDOW else fan.now + timedelta(hours=1)
    return max([end, *(row[0] for row in bands(fan)[-1:])])


def _line(**more: Any) -> dict[str, Any]:
    return {"type": "line", "symbol": "none", "silent": True, "animation": False, **more}


def _fan_series(fan: Fan, colours: Mapping[str, str]) -> list[dict[str, Any]]:
    rows = bands(fan)
    if not rows:
        return []
    def column(pick: Any) -> list[list[Any]]:
        return [[minute(row[0]), round(pick(row), 1)] for row in rows]
    clear = dict(lineStyle={"opacity": 0}, stack="fan", tooltip={"show": False})
    return [
        _line(**clear, data=column(lambda r: r[1])),
        *(_line(**clear, data=column(lambda r, a=a: r[a + 1] - r[a]), areaStyle={"color": colours["fan50" if a in (2, 3) else "fan80"], "opacity": 1}) for a in (1, 2, 3, 4)),
        _line(name=say("chart.high"), lineStyle={"opacity": 0}, itemStyle={"color": colours["fan50"]}, data=column(lambda r: r[5])),
        _line(name=say("chart.middle"), lineStyle={"color": colours["ink2"], "type": [4, 4], "width": 1.5}, itemStyle={"color": colours["ink2"]}, data=column(lambda r: r[3])),
        _line(name=say("chart.low"), lineStyle={"opacity": 0}, itemStyle={"color": colours["fan50"]}, data=column(lambda r: r[1])),
    ]


def _observed(fan: Fan, end: datetime, colours: Mapping[str, str]) -> dict[str, Any]:
    def upright(at: datetime, words: str, kind: Any, colour: str, weight: int) -> dict[str, Any]:
        return {"xAxis": minute(at), "label": {"formatter": words, "color": colour, "fontSize": 12, "fontWeight": weight, "position": "end"},
                "lineStyle": {"color": colour, "type": kind, "width": 1}}
    twelve, whole = fan.first + WINDOW / 2, fan.first + WINDOW
    lines = [upright(fan.now, say("chart.now"), "solid", colours["ink"], 600)]
    near = timedelta(minutes=100)  # closer than this the two labels would stand on each other
    for at, key in ((twelve, "chart.twelve"), (whole, "chart.day")):
        if at <= end:
            crowded = abs(at - fan.now) < near
            lines.append(upright(at, "" if crowded else say(key, time=f"{shanghai(at):%H:%M}"), [2, 3], colours["ink3"], 400))
    if fan.threshold is not None and fan.threshold <= top(fan):
        lines.append({"yAxis": fan.threshold, "label": {"formatter": say("chart.red_line", n=number(fan.threshold)), "position": "insideStartTop",
                                                        "color": colours["late"], "fontSize": 12, "fontWeight": 600},
                      "lineStyle": {"color": colours["late"], "type": [5, 4], "width": 1.2}})
    return _line(name=say("chart.observed"), data=[[minute(at), value] for at, value in fan.points], lineStyle={"color": colours["ink"], "width": 2},
                 itemStyle={"color": colours["ink"]}, z=4, markLine={"symbol": "none", "silent": True, "animation": False, "data": lines})


def crosses(fan: Fan) -> datetime | None:
    """When the line is crossed, seen or by the median: None without a line, a forecast or a crossing."""
    if fan.threshold is None or fan.forecast is None or fan.threshold > top(fan):
        return None
    return fan.forecast.crosses_at.get(fan.threshold)


def reaches(path: Sequence[PathPoint], line: int) -> datetime | None:
    """When the upper end of the 80 % band reaches the line, between its points by straight line."""
    for before, after in pairwise(path):
        if after.q90 >= line:
            rise = after.q90 - before.q90
            return before.at + (after.at - before.at) * (max(0.0, (line - before.q90) / rise) if rise > 0 else 0.0)
    return None


def _crossing(fan: Fan, end: datetime, colours: Mapping[str, str]) -> dict[str, Any]:
    """A hollow diamond where the line is crossed, with the time beside it."""
    at = crosses(fan)
    dots = [] if at is None or fan.threshold is None or not fan.first <= at <= end else [[minute(at), fan.threshold]]
    words = say("fore.mark", time=f"{shanghai(at):%H:%M}") if at is not None else ""
    return {"type": "scatter", "symbol": "diamond", "symbolSize": 13, "z": 5, "silent": True, "animation": False, "data": dots, "tooltip": {"show": False},
            "itemStyle": {"color": colours["surface"], "borderColor": colours["late"], "borderWidth": 2, "opacity": 1},
            "label": {"show": True, "formatter": words, "position": "bottom", "color": colours["late"], "fontSize": 12, "fontWeight": 600}}


def _acts(fan: Fan, colours: Mapping[str, str]) -> dict[str, Any]:
    dots = [{"name": str(place + 1), "value": [minute(act.at), value_at(fan.points, act.at)], "symbolOffset": [0, -18 * level]}
            for place, (act, level) in enumerate(zip(fan.acts, levels([act.at for act in fan.acts]), strict=True))]
    return {"type": "scatter", "symbolSize": 17, "z": 6, "silent": True, "animation": False, "data": dots, "tooltip": {"show": False},
            "itemStyle": {"color": colours["own"], "opacity": 1}, "label": {"show": True, "formatter": "{b}", "position": "inside", "color": colours["on_own"], "fontSize": 11, "fontWeight": 600}}


CROWDED = timedelta(minutes=50)  # of a day on about 500 px: closer than this two dots of 17 px would touch


def levels(times: Sequence[datetime]) -> list[int]:
    """How many dots each one must stand above the curve, so that none hides another. ``times`` are rising."""
    last: list[datetime] = []  # the newest dot on each level
    found = []
    for at in times:
        level = next((place for place, before in enumerate(last) if at - before >= CROWDED), len(last))
        last[level:level + 1] = [at]
        found.append(level)
    return found


def value_at(points: Sequence[tuple[datetime, int]], at: datetime) -> float:
    """The observed curve at a moment, between its neighbours; its ends beyond them."""
    if not points:
        return 0.0
    after = next((place for place, (when, _) in enumerate(points) if when >= at), None)
    if after is None:
        return float(points[-1][1])
    if after == 0:
        return float(points[0][1])
    (t0, v0), (t1, v1) = points[after - 1], points[after]
    return round(v0 + (v1 - v0) * ((at - t0) / (t1 - t0)), 1)


# -- small curves: an <i> whose mask is an SVG path and whose colour comes from the stylesheet ---------------------

WIDE, HIGH = 190, 44


def small(fan: Fan) -> str:
    """Observed line, 80 % band, median and red line, as layers of one box. Says nothing that the words beside it don't."""
    rows, highest = bands(fan), max(top(fan), 1.0)
    end = max(fan.first + WINDOW, fan.now)
    def place(at: datetime, value: float) -> str:
        x = WIDE * ((at - fan.first) / (end - fan.first))
        return f"{min(WIDE, max(0.0, x)):.1f} {HIGH - (HIGH - 3) * min(1.0, value / highest) - 1:.1f}"
    layers = []
    if fan.threshold is not None and fan.threshold <= highest:
        y = place(fan.first, fan.threshold).split()[1]
        layers.append(_layer("red", f"M0 {y}H{WIDE}", "fill='none' stroke='%23000' stroke-dasharray='2 2.5'"))
    if rows:
        band = "M" + "L".join([*(place(r[0], r[5]) for r in rows), *(place(r[0], r[1]) for r in reversed(rows))]) + "Z"
        layers += [_layer("band", band, "fill='%23000'"), _layer("mid", "M" + "L".join(place(r[0], r[3]) for r in rows), "fill='none' stroke='%23000' stroke-dasharray='3 3'")]
    if fan.points:
        layers.append(_layer("seen", "M" + "L".join(place(at, value) for at, value in fan.points), "fill='none' stroke='%23000' stroke-width='2'"))
    return f'<div class="spark" aria-hidden="true">{"".join(layers)}</div>'


def _layer(name: str, path: str, look: str) -> str:
    # The dash and # of the attributes are percent-coded already; the path holds only numbers, letters and spaces.
    svg = f"%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDE} {HIGH}' preserveAspectRatio='none'%3E%3Cpath d='{quote(path, safe=' .-')}' {look}/%3E%3C/svg%3E"
    return f'<i class="{name}" style="mask-image:url(&quot;data:image/svg+xml,{svg}&quot;)"></i>'


def day_bars(hours: Sequence[int]) -> str:
    """Today's mentions hour by hour, as bars of one box, 00 to 24."""
    highest = max([*hours, 1])
    bars = "".join(f'<i style="height:{ceil(100 * n / highest)}%" title="{hour:02d}:00 {n}"></i>' for hour, n in enumerate(hours))
    rest = "".join("<i></i>" for _ in range(24 - len(hours)))
    return f'<div class="hours">{bars}{rest}</div><div class="ticks"><span>00</span><span>06</span><span>12</span><span>18</span><span>24</span></div>'

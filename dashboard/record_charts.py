"""The two pictures of the track record: said against came, and what each alert threshold would have cost. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

from dashboard.charts import FONT, nice
from dashboard.say import say

LEAST = 3  # forecasts of a band below which its share is not drawn: 0 of 1 is no share


def reliability(ages: Sequence[Mapping[str, Any]], colours: Mapping[str, str]) -> dict[str, Any]:
    """One line an age over the diagonal; the size of a dot grows with the number of forecasts behind it."""
    tones = (colours["ink"], colours["own"])
    lines = [_line(say("record.age", hours=f"{age['age']:g}"), tone, "solid" if place == 0 else "dashed",
                   [{"value": [_percent(band["said"]), _percent(band["came"])], "symbolSize": size(band["count"])} for band in drawn(age)])
             for place, (age, tone) in enumerate(zip(ages, tones, strict=False))]
    perfect = {"type": "line", "name": say("record.perfect"), "symbol": "none", "silent": True, "animation": False, "data": [[0, 0], [100, 100]], "tooltip": {"show": False},
               "lineStyle": {"color": colours["edge"], "type": [4, 4], "width": 1}, "itemStyle": {"color": colours["edge"]}}
    return {**_frame(say("record.said_axis"), colours, 100), "series": [perfect, *lines]}


def keeping(levels: Sequence[Mapping[str, Any]], most: float) -> Mapping[str, Any] | None:
    """The lowest probability that keeps to ``most`` alerts a day: the most recall for the budget."""
    return next((line for line in levels if line["a_day"] <= most and line["precision"] is not None), None)


def drawn(age: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [band for band in age["bands"] if band["count"] >= LEAST]


def size(count: int) -> float:
    """Diameter of a dot: its area goes with the count, between 6 and 20 px."""
    return round(min(20.0, max(6.0, 1.6 * sqrt(count))), 1)


def costs(levels: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any] | None, colours: Mapping[str, str]) -> dict[str, Any]:
    """Alerts a day against recall and precision; the chosen level stands out."""
    known = [line for line in levels if line["recall"] is not None and line["precision"] is not None]
    most = max((line["a_day"] for line in known), default=1.0)
    recall = _line(say("record.recall_axis"), colours["ink"], "solid", [[line["a_day"], _percent(line["recall"])] for line in known])
    right = _line(say("record.precision_axis"), colours["own"], "dashed", [[line["a_day"], _percent(line["precision"])] for line in known])
    if chosen is not None:
        recall["markLine"] = {"symbol": "none", "silent": True, "animation": False, "data": [{
            "xAxis": chosen["a_day"], "label": {"formatter": f"{_percent(chosen['at']):g}%", "color": colours["ink"], "fontSize": 12, "fontWeight": 600}, "lineStyle": {"color": colours["ink"], "width": 1}}]}
    return {**_frame(say("record.alerts_axis"), colours, nice(max(most, 0.1))), "series": [recall, right]}


def _percent(share: float) -> float:
    return round(100 * share, 1)


def _line(name: str, colour: str, kind: str, rows: Sequence[Any]) -> dict[str, Any]:
    return {"type": "line", "name": name, "symbol": "circle", "symbolSize": 6, "animation": False, "data": list(rows),
            "lineStyle": {"color": colour, "width": 1.5, "type": kind}, "itemStyle": {"color": colour}}


def _frame(across: str, colours: Mapping[str, str], most: float) -> dict[str, Any]:
    """Percent upwards, ``most`` to the right; the lines are named in the legend, so the upright axis needs no name."""
    label = {"color": colours["ink3"], "fontSize": 12}
    axis = {"axisLabel": label, "axisTick": {"show": False}, "nameTextStyle": label, "splitLine": {"lineStyle": {"color": colours["hair"]}}, "axisLine": {"lineStyle": {"color": colours["edge"]}}}
    return {
        "animation": False, "textStyle": {"fontFamily": FONT}, "grid": {"left": 8, "right": 24, "top": 34, "bottom": 30, "containLabel": True},
        "legend": {"top": 0, "left": 0, "itemWidth": 16, "itemHeight": 8, "textStyle": {"color": colours["ink2"], "fontSize": 12}},
        "tooltip": {"trigger": "item", "backgroundColor": colours["surface"], "borderColor": colours["hair"], "textStyle": {"color": colours["ink"], "fontSize": 12}, "confine": True},
        "xAxis": {**axis, "type": "value", "name": across, "nameLocation": "middle", "nameGap": 26, "min": 0, "max": most},
        "yAxis": {**axis, "type": "value", "min": 0, "max": 100, "axisLabel": {**label, "formatter": "{value}%"}},
    }

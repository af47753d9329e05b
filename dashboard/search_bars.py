"""The histogram of a search as an ECharts option: a click takes one bar, the brush a stretch. Pure."""

from __future__ import annotations

from typing import Any

from dashboard.charts import DARK, FONT, LIGHT
from dashboard.reads import Bars
from dashboard.say import say

HEIGHT = 160


def option(bars: Bars, *, dark: bool) -> dict[str, Any]:
    """Bars over a category axis; labels are days (MM-DD) or hours (DD HH:00)."""
    ink = DARK if dark else LIGHT
    axis = dict(axisLine={"lineStyle": {"color": ink["edge"]}}, axisTick={"show": False}, axisLabel={"color": ink["ink3"], "fontSize": 11, "fontFamily": FONT, "hideOverlap": True})
    series = dict(type="bar", name=say("search.bars"), data=[n for _, n in bars.counts], itemStyle={"color": ink["ink2"]}, barCategoryGap="20%", barMaxWidth=28,
                  selectedMode="single", select={"itemStyle": {"color": ink["own"], "borderWidth": 0}}, emphasis={"itemStyle": {"color": ink["own"]}}, animation=False)
    return dict(
        animation=False, grid=dict(left=4, right=4, top=34, bottom=2, containLabel=True),
        xAxis=dict(type="category", data=[label(name) for name, _ in bars.counts], **axis),
        yAxis=dict(type="value", minInterval=1, splitNumber=3, splitLine={"lineStyle": {"color": ink["hair"]}}, axisLabel=axis["axisLabel"]),
        tooltip=dict(trigger="axis", axisPointer={"type": "shadow"}, backgroundColor=ink["surface"], borderColor=ink["hair"], textStyle={"color": ink["ink"], "fontSize": 12, "fontFamily": FONT}),
        brush=dict(xAxisIndex=0, brushMode="single", throttleType="debounce", throttleDelay=300, brushStyle={"color": "rgba(11,102,90,.15)", "borderColor": ink["own"]}),
        toolbox=dict(right=0, top=0, itemSize=18, iconStyle={"borderColor": ink["ink3"]}, feature={"brush": {"type": ["lineX"], "title": {"lineX": say("search.brush")}}}),
        series=[series])


def label(name: str) -> str:
    """``2026-11-22`` → 11-22, ``2026-11-22T09`` → 22 09:00."""
    return name[5:] if "T" not in name else f"{name[8:10]} {name[11:]}:00"

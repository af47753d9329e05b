"""How far it goes, in words and as a chart: what overview, room and acknowledge page say alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import streamlit as st

from dashboard import charts
from dashboard import say as words
from dashboard.charts import Act, Fan
from dashboard.parts import dots, esc
from dashboard.reads import Budget, Burning, Foreseen, Room, Volume
from dashboard.say import say
from incidents.i18n import about, clock_time, number
from incidents.model import Event, Forecast, Health, Incident, Task
from incidents.settings import Settings
from incidents.shares import Z80, wilson
from incidents.store.sources import SourceState
from incidents.text import excerpt

ACTS = 6  # numbered dots on one curve
KEY_LINES = ("facts", "brief", "first_statement")


def fan_of(row: Burning, settings: Settings, now: datetime, acts: Sequence[Act] = ()) -> Fan:
    metric = row.foreseen.forecast.metric if row.foreseen else "reposts"
    return Fan(metric=metric, first=row.incident.first_appeared, now=now, points=row.curve, forecast=row.foreseen.forecast if row.foreseen else None,
               threshold=words.red_line(settings, row.incident.brand, metric), acts=tuple(acts))


def fan_of_room(incident: Incident, room: Room, settings: Settings, now: datetime) -> Fan:
    row = Burning(incident=incident, clocks=room.clocks, foreseen=room.foreseen, curve=room.curve, platforms=(), first_platform="", growth=None)
    return fan_of(row, settings, now, acts_of(room.events))


def acts_of(events: Sequence[Event]) -> list[Act]:
    """What we did, oldest first: the first hand-over, the three promised lines, then other done lines while there is room."""
    done = [event for event in reversed(events) if event.kind == "task_done"]
    taken = [event for event in reversed(events) if event.kind == "acknowledged"][:1]
    published = [event for event in reversed(events) if event.kind == "statement_published"]
    chosen = [*taken, *published[-2:], *(event for event in done if event.values.get("line") in KEY_LINES)]
    for event in done:  # others only where they stand alone
        if len(chosen) < ACTS and all(abs(event.happened_at - other.happened_at) >= charts.CROWDED for other in chosen):
            chosen.append(event)
    chosen.sort(key=lambda event: event.happened_at)
    return [Act(at=event.happened_at, words=act_words(event)) for event in chosen]


def act_words(event: Event) -> str:
    if event.kind in ("acknowledged", "statement_published"):
        return say(f"act.{event.kind}")
    line = str(event.values.get("line", ""))
    return words.say_or(f"act.{line}", words.of_playbook(str(event.values.get("title", line)), 14))


def acts(fan: Fan) -> str:
    """The legend of the numbered dots."""
    said = "".join(f"<span><i>{place + 1}</i>{clock_time(act.at, fan.now)} {esc(act.words)}</span>" for place, act in enumerate(fan.acts))
    return f'<div class="acts">{said or say("act.none")}</div>'


def draw(fan: Fan, *, key: str, height: int, small: bool = False) -> None:
    """The fan on the page. Its box has its height before the chart is there, so that nothing moves."""
    colours = charts.DARK if st.context.theme.type == "dark" else charts.LIGHT
    with st.container(key=key, height=height, border=False):
        st.echarts_chart(charts.option(fan, colours, small=small), theme=None, key=f"{key}_chart", height=height, alt=in_words(fan))


def in_words(fan: Fan) -> str:
    """The chart as one sentence, for who cannot see it."""
    seen = number(fan.points[-1][1]) if fan.points else say("forecast.unknown")
    if fan.forecast is None or fan.forecast.abstains:
        return say("chart.alt_seen", metric=words.metric(fan.metric), n=seen)
    at, q = words.horizon(fan.forecast)
    if q is None:
        return say("chart.alt_seen", metric=words.metric(fan.metric), n=seen)
    return say("chart.alt", metric=words.metric(fan.metric), n=seen, time=clock_time(at, fan.now), about=about(q["50"]), range=words.about_range(q["10"], q["90"]))


def number_block(foreseen: Foreseen | None, settings: Settings, brand: str, now: datetime) -> str:
    """The big number, its range, what is seen now, and the probability of the red line."""
    if foreseen is None:
        return f'<p class="label">{say("forecast.label")}</p><p>{say("forecast.none_yet")}</p>'
    one = foreseen.forecast
    seen = say("forecast.now", n=number(one.observed)) if one.observed is not None else ""
    at, q = words.horizon(one)
    if one.abstains or q is None:
        why = esc(words.abstains(one)) if one.abstains else say("forecast.over")
        return f'<p class="label">{say("forecast.label")}</p><p class="big">{seen}</p><p>{why}</p>'
    return (f'<p class="label">{say("forecast.until", time=clock_time(at, now), metric=words.metric(one.metric))}</p>'
            f'<p class="big">{say("forecast.about", n=about(q["50"]))}<small>{say("forecast.times")}</small></p>'
            f'<p>{dots(say("forecast.range", range=words.about_range(q["10"], q["90"])), seen)}</p>{crossing(foreseen, settings, brand)}')


def crossing(foreseen: Foreseen, settings: Settings, brand: str) -> str:
    one = foreseen.forecast
    line, found = words.red_line(settings, brand, one.metric), words.over(one, settings, brand)
    if found is not None:
        return f'<p>{say("forecast.over_long", line=number(found[0]))} <b>{words.percent(found[1])}</b></p>'
    if line is not None and (one.observed or 0) >= line:
        return f'<p class="late"><b>{say("forecast.crossed", line=number(line))}</b></p>'
    return ""


def sentence(foreseen: Foreseen | None, settings: Settings, brand: str, now: datetime) -> str:
    """约 4,000 次转发，80% 可能在 1,900–9,500 之间，15:00 前超过阈值 5,000 的概率 62%。 Then when it crosses; or why nothing is said."""
    if foreseen is None:
        return say("forecast.none_yet")
    one = foreseen.forecast
    if one.abstains:
        return say("fore.abstains", why=esc(words.abstains(one)))
    at, q = words.horizon(one)
    if q is None:
        return say("forecast.over")
    line = words.red_line(settings, brand, one.metric)
    said = dict(n=about(q["50"]), metric=words.metric(one.metric), range=words.about_range(q["10"], q["90"]), time=clock_time(at, now))
    horizon = one.h12 or one.h24
    if line is None or horizon is None or line not in horizon.p_over or (one.observed or 0) >= line:
        return _joined(say("fore.plain", **said), _crossed(one, line, now) if line is not None and (one.observed or 0) >= line else "")
    return _joined(say("fore.sentence", **said, line=number(line), p=words.percent(horizon.p_over[line])), _day(one, line, now), _crosses(one, line, now))


def _joined(*sentences: str) -> str:
    return " ".join(one for one in sentences if one)


def _crossed(one: Forecast, line: int, now: datetime) -> str:
    at = one.crosses_at.get(line)
    return say("fore.crossed_at", time=clock_time(at, now), line=number(line)) if at is not None else say("forecast.crossed", line=number(line))


def _day(one: Forecast, line: int, now: datetime) -> str:
    """What 24 h may bring, where the sentence before was about 12 h."""
    if one.h12 is None or one.h24 is None or line not in one.h24.p_over:
        return ""
    return say("fore.day", time=clock_time(one.first_seen + charts.WINDOW, now), n=about(one.h24.q["50"]), p=words.percent(one.h24.p_over[line]))


def _crosses(one: Forecast, line: int, now: datetime) -> str:
    """When the median reaches the line; else when the upper end of the band does; else that none of it does."""
    at = one.crosses_at.get(line)
    if at is not None:
        return say("fore.crosses", time=clock_time(at, now))
    high = charts.reaches(one.path, line)
    return say("fore.crosses_high", time=clock_time(high, now)) if high is not None else say("fore.crosses_not")


def due_cell(task: Task, now: datetime) -> str:
    """18 分 / 误 12 分, with the time below it."""
    if task.due_at is None:
        return f'<span class="r s">{esc(words.of_playbook(task.due_words, 14))}</span>'
    said, tone = words.due_words(task.due_at, now)
    return f'<b class="r {tone}">{said}</b>'


def health_line(source: SourceState, now: datetime) -> str:
    """What is wrong with a source, and when it is tried again."""
    again = say("blind.again", time=clock_time(source.next_try_at, now)) if source.next_try_at and source.next_try_at > now else ""
    return dots(words.say_or(f"health.{source.health.value}", source.health.value), esc(excerpt(words.why_blind(source.health_reason), 60)), again)


def health_mark(health: Health) -> str:
    return {Health.NEW: "idle", Health.FINE: "ok", Health.SILENT: "warn"}.get(health, "x")


def precision(told: Budget) -> str:
    """Share of alerts that people called right, with the 80 % interval of Wilson (1927); silent below five."""
    n = told.right + told.wrong
    if n < 5:
        return say("budget.too_few", n=n)
    low, high = wilson(told.right, n, Z80)
    return say("budget.precision", p=round(100 * told.right / n), low=round(100 * low), high=round(100 * high), n=n)


def volume_line(volume: Volume, name: str) -> str:
    """One brand against its own usual range, up to this hour."""
    if volume.usual is None:
        return f'<div class="vol"><span>{esc(name)}</span><b>{number(volume.today)}</b><span>{say("volume.young")}</span><em></em></div>'
    low, high = volume.usual
    times = volume.today / max(1, high)
    said, tone = (say("volume.times", n=f"{times:.1f}"), "late" if times >= 4 else "soon") if times > 1 else (say("volume.inside" if volume.today >= low else "volume.below"), "")
    return (f'<div class="vol"><span>{esc(name)}</span><b>{number(volume.today)}</b><span>{say("volume.usual", low=number(low), high=number(high))}</span>'
            f'<em class="{tone}">{said}</em></div>')


def fetched(source: SourceState, now: datetime) -> str:
    return words.ago(source.fetched_at, now) if source.fetched_at and now - source.fetched_at < timedelta(days=3) else say("source.never")



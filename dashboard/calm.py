"""Nothing burns: calm is normal, and the page proves it. Also what a newcomer sees first."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

from dashboard import charts, desk, parts, reads, spread
from dashboard import say as words
from dashboard.charts import Fan
from dashboard.parts import dots, esc, head
from dashboard.say import say
from incidents.i18n import span
from incidents.model import Forecast, Grade, PathPoint
from incidents.settings import GradeSettings


def left(brands: tuple[str, ...], now: datetime) -> None:
    """Today against the usual range, what a burning row looks like, and what the grades mean."""
    volumes = reads.volumes(brands, now.replace(second=0, microsecond=0))
    hours = [sum(volume.hours[hour] for volume in volumes) for hour in range(len(volumes[0].hours))] if volumes else [0]
    usual = [volume.usual for volume in volumes if volume.usual]
    note = say("calm.usual", low=sum(low for low, _ in usual), high=sum(high for _, high in usual)) if usual and len(usual) == len(volumes) else say("calm.young")
    st.html(f'<div class="first">{head(say("calm.hours"), note)}</div>{charts.day_bars(hours)}{head(say("calm.ghost"), say("calm.ghost_note"))}{_ghost(now)}{head(say("calm.grades"), say("calm.grades_note"))}{_grades()}')


def _ghost(now: datetime) -> str:
    first = now - timedelta(hours=3, minutes=22)
    curve = tuple((first + timedelta(minutes=20 * n), 12 * n * n) for n in range(11))
    fan = Fan(metric="reposts", first=first, now=now, points=curve, forecast=_example(first, now, 1200), threshold=2600)
    notes = "".join(f"<span><i>{place}</i>{say(f'calm.note.{place}')}</span>" for place in range(1, 5))
    return (f'<div class="ghost"><div class="row"><div class="grade">{parts.chip(Grade.YELLOW)}</div>'
            f'<div><span class="where">{say("calm.ghost_brand")}</span><h4>{say("calm.ghost_title")}</h4>{parts.age_bar(first, now)}</div>'
            f'<div class="curve">{charts.small(fan)}{say("calm.ghost_forecast")}</div>'
            f'<div class="due"><span class="k">{words.say_or("clock.first_statement", "")}</span><b>{say("due.left", span=span(timedelta(minutes=98)))}</b></div>'
            f'<div class="has"><span class="k">{say("owner.label")}</span><b>{say("calm.ghost_owner")}</b></div></div><div class="notes">{notes}</div></div>')


def _example(first: datetime, now: datetime, observed: int) -> Forecast:
    """The band of the example row, which says of itself that it is one."""
    path = tuple(PathPoint(at=now + timedelta(hours=n), q10=observed + 20 * n, q50=observed + 45 * n, q90=observed + 75 * n) for n in range(1, 21))
    return Forecast(metric="reposts", platform="", first_seen=first, made_at=now, observed=observed, h12=None, h24=None, path=path, crosses_at={}, cold=False,
                    reasons=(), abstains=None, model="example")


def _grades() -> str:
    """The grade table, from the settings that hold now."""
    rows = "".join(_grade_row(grade, desk.here().settings.grades.of(grade.code)) for grade in words.GRADES)
    columns = "".join(f"<th>{say(f'calm.column.{name}')}</th>" for name in ("grade", "means", "take", "answer", "else"))
    return f'<table class="t"><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>'


def _grade_row(grade: Grade, times: GradeSettings) -> str:
    chain = " → ".join(say("list.comma").join(words.say_or(f"role.{role}", role) for role in step.roles) for step in times.chain)
    within = words.length(times.acknowledge_within) if times.acknowledge_within else say("owner.not_needed")
    return (f"<tr><td>{parts.chip(grade)}</td><td>{say(f'calm.means.{grade.code}')}</td><td>{within}</td><td>{words.length(times.first_response)}</td><td>{esc(chain)}</td></tr>")


def right(now: datetime) -> None:
    """The first three steps, and who is watching for you."""
    settings, sources = desk.here().settings, reads.sources()
    drill = settings.clock.speed != 1.0
    own = not drill and bool(settings.brands) and any(source.good_at for source in sources)
    steps = [(say("first.watch"), say("first.watch_note"), drill or bool(reads.all_incidents(1))), (say("first.brand"), say("first.brand_note"), own),
             (say("first.call"), say("first.call_note"), not drill and any(channel.kind != "console" for channel in settings.channels))]
    lines = "".join(f'<div><span><i class="{"ok" if done else "idle"}"></i>{name}</span><b class="r {"kept" if done else ""}">{say("first.done") if done else ""}</b><span class="s">{note}</span></div>'
                    for name, note, done in steps)
    st.html(f'<div class="first">{head(say("first.title"), say("first.count", n=sum(done for _, _, done in steps)))}</div><div class="list">{lines}</div>')
    watching = "".join(f'<div><span><i class="{spread.health_mark(source.health)}"></i>{esc(source.name)}</span><span class="r s">{dots(spread.fetched(source, now), say("source.today", n=source.requests_today))}</span></div>'
                       for source in sources[:12])
    st.html(head(say("watch.title"), say("watch.count", n=len(sources))) + f'<div class="list">{watching}</div>')

"""预测战绩: what was forecast and what came, by brand; the misses by name; what a budget of alerts would have cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from dashboard import charts, reads, record_charts, session
from dashboard import say as words
from dashboard.brand_choice import chosen_brand
from dashboard.parts import dots, esc, head
from dashboard.reads.record import Pointed, Track, pointed, track
from dashboard.room_tabs import table
from dashboard.say import say
from incidents.i18n import clock_time, number
from incidents.text import excerpt

EVERY = 30
COVERED = tuple(f"record.column.{name}" for name in ("age", "count", "eighty", "ninety", "chance", "ap", "brier"))
MISSED = tuple(f"record.column.{name}" for name in ("what", "incident", "highest", "crossed", "came"))
FALSE = tuple(f"record.column.{name}" for name in ("what", "incident", "highest", "came"))
UNFORESEEN = tuple(f"record.column.{name}" for name in ("what", "incident", "crossed", "why"))
Body = Mapping[str, Any]


def show() -> None:
    brand = chosen_brand("record")
    if brand is None:
        return
    summary(brand)
    left, right = st.columns([720, 600], gap="large")
    with left:
        said_and_came(brand)
    with right:
        budget(brand)
    names(brand)


@st.fragment(run_every=EVERY)
def summary(brand: str) -> None:
    """Whether the figures rest on one's own outcomes, and whether the intervals hold."""
    session.require()
    found, now = track(brand), reads.moment()
    if found is None:
        st.html(f'<div class="lede"><h1>{say("record.title")}</h1></div><p class="empty">{say("record.waiting")}</p>')
        return
    body = found.body
    made = say("record.made", time=clock_time(found.made_at, now), days=body["window_days"])
    if not body["matured"]:
        st.html(f'<div class="lede"><h1>{say("record.title")}</h1><p>{made}</p></div><p class="empty">{say("record.empty", enough=body["enough"])}</p>')
        return
    st.html(f'<div class="lede"><h1>{say("record.title")}</h1><p>{dots(made, state(body))}<br>{"".join(drifts(body))} {stories(body)}</p></div>' + _covered(body))


def state(body: Body) -> str:
    """Cold, or corrected by one's own outcomes and how far."""
    learnt = body["correction"]
    if body["matured"] < body["enough"]:
        return say("record.cold", n=body["matured"], enough=body["enough"])
    grows, wide = 2.0 ** learnt["shift"], learnt["factor"]
    shift = "none" if 0.95 < grows < 1.05 else "up" if grows > 1 else "down"
    factor = "none" if 0.95 < wide < 1.05 else "wide" if wide > 1 else "narrow"
    return say("record.warm", n=learnt["count"], shift=say(f"record.shift_{shift}", x=f"{grows:.1f}"), factor=say(f"record.factor_{factor}", x=f"{wide:.1f}"))


def drifts(body: Body) -> list[str]:
    if body["matured"] < body["enough"]:
        return []
    if not body["drift"]:
        return [say("record.steady")]
    return [f'<b class="late">{say("record.drift_narrow" if one["covered"] < one["nominal"] else "record.drift_wide", nominal=_percent(one["nominal"]), covered=_percent(one["covered"]), count=one["count"])}</b>'
            for one in body["drift"]]


def stories(body: Body) -> str:
    one = body["stories"]
    if not one["count"]:
        return say("record.stories_none")
    return say("record.stories", count=one["count"], hits=one["hits"], low=_percent(one["low"]), high=_percent(one["high"]))


def _covered(body: Body) -> str:
    rows = "".join(_age_row(age, body["enough"]) for age in body["ages"])
    return head(say("record.covered"), say("record.covered_note")) + table(COVERED, rows, css="record")


def _age_row(age: Body, enough: int) -> str:
    few = age["count"] < enough
    crossed = age["crossed"]
    chance = say("record.chance", said=_percent(age["said"]), came=_percent(crossed["hits"] / max(1, crossed["count"]))) if age["said"] is not None else say("record.dash")
    plain = [say("record.dash") if age[name] is None else f"{age[name]:.2f}" for name in ("precision", "brier")]
    cells = [say("record.age", hours=f"{age['age']:g}"), say("record.too_few", n=age["count"]) if few else number(age["count"]), _share(age["covered_80"]), _share(age["covered_90"]), chance, *plain]
    return "<tr>" + "".join(f'<td data-label="{say(column)}">{cell}</td>' for column, cell in zip(COVERED, cells, strict=True)) + "</tr>"


def _share(share: Body) -> str:
    if not share["count"]:
        return say("record.dash")
    return say("record.share", p=_percent(share["hits"] / share["count"]), low=_percent(share["low"]), high=_percent(share["high"]))


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


def _colours() -> Mapping[str, str]:
    return charts.DARK if st.context.theme.type == "dark" else charts.LIGHT


@st.fragment(run_every=EVERY)
def said_and_came(brand: str) -> None:
    session.require()
    found = track(brand)
    if found is None or not found.body["matured"]:
        return
    told = found.body["matured"] >= found.body["enough"]
    ages = [age for age in found.body["ages"] if record_charts.drawn(age)] if told else []
    st.html(head(say("record.reliability"), say("record.reliability_note")))
    if not ages:
        st.html(f'<p class="empty">{say("record.too_few", n=found.body["matured"])}</p>')
    else:
        _draw(record_charts.reliability(ages, _colours()), "fan_reliability", " ".join(_bands(age) for age in ages))
        st.html("".join(f'<p class="note">{_bands(age)}</p>' for age in ages))
    st.html(head(say("record.lead")) + f"<p>{lead(found.body)}</p>")


def _bands(age: Body) -> str:
    bands = say("list.semicolon").join(say("record.band", said=_percent(band["said"]), came=_percent(band["came"]), n=band["count"]) for band in record_charts.drawn(age))
    return say("record.reliability_alt", age=f"{age['age']:g}", bands=bands)


def _draw(option: dict[str, Any], key: str, alt: str) -> None:
    with st.container(key=key, height=320, border=False):
        st.echarts_chart(option, theme=None, key=f"{key}_chart", height=320, alt=alt)


def lead(body: Body) -> str:
    found = body.get("leads") or []
    if not found:
        return say("record.lead_none")
    return say("record.lead_line", median=f"{found[len(found) // 2]:.1f}", n=len(found), least=_hours(found[0]), most=_hours(found[-1]))


def _hours(length: float) -> str:
    return say("record.hours", n=f"{length:.1f}")


# -- a budget of alerts ----------------------------------------------------------------------------------------------


@st.fragment
def budget(brand: str) -> None:
    """At most so many alerts a day: which probability keeps to it, what it would have cost, and the line to write."""
    session.require()
    found = track(brand)
    if found is None or not found.body["matured"] or "levels" not in found.body:
        return
    body = found.body
    st.html(head(say("record.tuning"), say("record.tuning_note")))
    if body["matured"] < body["enough"]:
        st.html(f'<p class="empty">{say("record.tuning_few", enough=body["enough"], n=body["matured"])}</p>')
        return
    most = st.number_input(say("record.most"), min_value=0.1, max_value=200.0, value=2.0, step=0.5, format="%.1f", key="most_a_day")
    chosen = record_charts.keeping(body["levels"], float(most))
    st.html(f"<p>{_chosen(body, chosen)}</p>")
    if chosen is not None:
        orange = max(chosen["at"], body["alert_at"]["orange"])
        st.html(f'<p class="note">{say("record.write")}</p>')
        st.code(f"alert_at = {{ yellow = {chosen['at']:g}, orange = {orange:g} }}", language="toml")
    _draw(record_charts.costs(body["levels"], chosen, _colours()), "fan_costs", _points(body["levels"]))
    now = say("record.now", yellow=_percent(body["alert_at"]["yellow"]), orange=_percent(body["alert_at"]["orange"]))
    st.html(f'<p class="note">{now}{say("record.past")}</p>')


def _chosen(body: Body, chosen: Body | None) -> str:
    if chosen is None:
        strictest = body["levels"][-1]
        return say("record.none_keeps", at=_percent(strictest["at"]), a_day=f"{strictest['a_day']:.1f}")
    lead_words = say("record.dash") if chosen["lead"] is None else _hours(chosen["lead"])
    shares = {name: say("record.dash") if chosen[name] is None else _percent(chosen[name]) for name in ("precision", "recall")}
    return say("record.chosen", at=_percent(chosen["at"]), days=f"{body['days']:.0f}", alerts=chosen["alerts"], a_day=f"{chosen['a_day']:.1f}", lead=lead_words, **shares)


def _points(levels: Sequence[Body]) -> str:
    shown = [line for line in levels if line["recall"] is not None][::3]
    return say("record.costs_alt", points=say("list.semicolon").join(say("record.costs_point", at=_percent(line["at"]), a_day=f"{line['a_day']:.1f}", recall=_percent(line["recall"])) for line in shown))


# -- by name ---------------------------------------------------------------------------------------------------------


@st.fragment(run_every=EVERY)
def names(brand: str) -> None:
    """Misses first: they are what a track record is for."""
    session.require()
    found = track(brand)
    if found is None or "missed" not in found.body:
        return
    body = found.body
    if not body["matured"] and not body["unforeseen_count"]:
        return
    line, p = number(body["threshold"]), _percent(body["alert_at"]["yellow"])
    st.html(head(say("record.missed"), say("record.missed_note", line=line, p=p, n=body["missed_count"])) + (table(MISSED, "".join(_missed_row(one, brand, found) for one in body["missed"]), numeric=4, css="record") if body["missed"] else f'<p class="empty">{say("record.missed_none")}</p>')
            + _more(body["missed"], body["missed_count"]))
    if body["unforeseen_count"]:
        rows = "".join(_unforeseen_row(one, brand, found) for one in body["unforeseen"])
        st.html(head(say("record.unforeseen"), say("record.unforeseen_note", n=body["unforeseen_count"])) + table(UNFORESEEN, rows, css="record") + _more(body["unforeseen"], body["unforeseen_count"]))
    st.html(head(say("record.false"), say("record.false_note", p=p, n=body["false_alarms_count"])) + (table(FALSE, "".join(_false_row(one, brand, found) for one in body["false_alarms"]), numeric=3, css="record") if body["false_alarms"] else f'<p class="empty">{say("record.false_none")}</p>')
            + _more(body["false_alarms"], body["false_alarms_count"]))


def _more(rows: Sequence[Body], count: int) -> str:
    return f'<p class="note">{say("record.more", shown=len(rows))}</p>' if count > len(rows) else ""


def _missed_row(one: Body, brand: str, found: Track) -> str:
    return f"<tr>{_what(one, brand, found)}{_cell('highest', _highest(one))}{_cell('crossed', _when(one, found))}{_cell('came', number(one['came']), 'n')}</tr>"


def _false_row(one: Body, brand: str, found: Track) -> str:
    return f"<tr>{_what(one, brand, found)}{_cell('highest', _highest(one))}{_cell('came', number(one['came']), 'n')}</tr>"


def _highest(one: Body) -> str:
    return say("record.never_said") if one["highest"] is None else words.percent(one["highest"])


def _cell(column: str, said: str, css: str = "") -> str:
    """A cell that carries its column's name: the phone has no head of the table."""
    return f"<td class='{css}' data-label='{say(f'record.column.{column}')}'>{said}</td>"


def _unforeseen_row(one: Body, brand: str, found: Track) -> str:
    why = words.say_or(f"forecast.abstain.{one['why']}", one["why"]) if one["why"] else say("record.why_late")
    return f"<tr>{_what(one, brand, found)}{_cell('crossed', _when(one, found))}{_cell('why', esc(why))}</tr>"


def _what(one: Body, brand: str, found: Track) -> str:
    seen = pointed(_ids(found), brand).get(one["mention"])
    title = say("record.erased") if seen is None or seen.gone else excerpt(seen.title, 48)
    place = "" if seen is None else f"<span class='s'>{esc(words.platform(seen.platform))}</span>"
    return f"<td class='foreign'>{esc(title)}{place}</td>{_cell('incident', _room(seen))}"


def _room(seen: Pointed | None) -> str:
    if seen is None or seen.number is None:
        return say("record.dash")
    return f'<a href="/incident?n={esc(seen.number)}" target="_self">{esc(seen.number)}</a>'


def _ids(found: Track) -> tuple[int, ...]:
    return tuple(dict.fromkeys(one["mention"] for name in ("missed", "unforeseen", "false_alarms") for one in found.body.get(name, ())))


def _when(one: Body, found: Track) -> str:
    return clock_time(datetime.fromisoformat(one["crossed_at"]), found.made_at) if one["crossed_at"] else say("record.dash")


show()

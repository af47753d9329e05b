"""提及: everything that was read, in the query language of docs/query.md, answered while one types.

The address holds the search (query, brand, source, platform, sentiment, time), so that it can be sent to somebody. A query
that cannot be read leaves the last good answer where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import streamlit as st

from dashboard import desk, doing, hits, reads, search_bars, search_kept, search_tried, session
from dashboard import search_words as said
from dashboard.parts import esc, head
from dashboard.reads import Asked, Bars
from dashboard.say import say
from incidents.errors import QueryError
from incidents.i18n import number
from incidents.now import SHANGHAI
from incidents.query import parse
from incidents.store.search import FACETS, ArchiveDown

SPANS = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30), "quarter": timedelta(days=90)}
BEFORE = "search_before"  # session state: where the pages shown so far begin, newest first
GOOD = "search_good"  # session state: the last query that could be read
PAGES = 8
PAUSE = "250ms"  # a search begins when the writer pauses for so long; not inside an IME's composition (Streamlit sees to it)
STYLE = Path(hits.__file__).with_name("search.css").read_text(encoding="utf-8")


@st.fragment
def show() -> None:
    session.require()
    st.html(STYLE)
    st.html(f'<div class="first">{head(say("search.title"), say("search.note"))}</div>')
    typed = st.text_input(say("search.words"), key="q", type="search", live=PAUSE, bind="query-params", placeholder=say("search.example"),
                          label_visibility="collapsed", max_chars=8_000, on_change=_anew) or ""
    good, error = _understood(typed)
    if error is not None:
        st.html(said.fault(error, typed, good))
    asked = _asked(good)
    facets = st.container(key="facets", gap=None)
    with facets:
        _times(asked)
    _tools(asked)
    doing.notice()
    search_tried.panel()
    _answer(asked, facets)


def _understood(typed: str) -> tuple[str, QueryError | None]:
    """The query to answer: what was typed, or the last one that could be read, and why."""
    try:
        if typed.strip():
            parse(typed)
    except QueryError as error:
        return str(st.session_state.get(GOOD, "")), error
    st.session_state[GOOD] = typed
    return typed, None


def _asked(typed: str) -> Asked:
    """The query with what the address narrows it to. Times are whole hours, so that ten readers cost one search."""
    asked = {name: st.query_params.get(name) or None for name in FACETS}
    begin, end = (said.hour(st.query_params.get(name)) for name in ("from", "until"))
    span = SPANS.get(st.query_params.get("span", ""))
    if span is not None and begin is None and end is None:
        begin = (reads.moment() - span).replace(minute=0, second=0, microsecond=0)
        end = begin + span + timedelta(hours=1)
    return Asked(typed=typed, since=begin, until=end, **asked)


def _anew() -> None:
    st.session_state.pop(BEFORE, None)


def _narrow(name: str, value: str | None) -> None:
    """Narrow to a value, or no longer."""
    _anew()
    if value is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value


def _narrow_time(begin: datetime | None, end: datetime | None, span: str | None = None) -> None:
    _narrow("span", span)
    _narrow("from", None if begin is None else said.written(begin))
    _narrow("until", None if end is None else said.written(end))


def _times(asked: Asked) -> None:
    chosen, own = st.query_params.get("span"), "from" in st.query_params or "until" in st.query_params
    with st.container(horizontal=True, key="facet_time"):
        st.html(f'<span class="facetname">{say("search.since")}</span>', width="content")
        for name in SPANS:
            on = chosen == name and not own
            _choice(f"span_{name}", say(f"search.span.{name}"), on, _narrow_time, None, None, None if on else name)
        if own:
            _choice("span_own", said.stretch(asked.since, asked.until), True, _narrow_time, None, None)
        with st.popover(say("search.span.own"), type="secondary"):
            _own_days()


def _own_days() -> None:
    first, last = st.date_input(say("search.from"), value=None, key="day_from"), st.date_input(say("search.until"), value=None, key="day_until")
    begin, end = _midnight(first), _midnight(last, days=1)
    bad = begin is not None and end is not None and begin >= end
    st.button(say("search.apply"), key="days_apply", disabled=bad or (begin is None and end is None), on_click=_narrow_time, args=(begin, end))


def _midnight(day: object, days: int = 0) -> datetime | None:
    return datetime.combine(day, time(), SHANGHAI) + timedelta(days=days) if isinstance(day, date) else None


def _choice(key: str, label: str, on: bool, call: object, *values: object) -> None:
    """A value to narrow by; the one that is on is taken off by the same click."""
    st.button(f"{label} ✕" if on else label, key=f"narrow_{key}", type="primary" if on else "secondary", on_click=call, args=values)  # type: ignore[arg-type]


def _tools(asked: Asked) -> None:
    with st.container(horizontal=True, key="tools"):
        search_kept.keep(asked)
        search_kept.kept(_anew)
        search_tried.button(asked)


def _answer(asked: Asked, facets: object) -> None:
    """Mentions first, then the counts by property, which cost most."""
    pages = [reads.found_page(asked, before) for before in (None, *st.session_state.get(BEFORE, ()))]
    if any(page.fault for page in pages):
        st.html(f'<div class="callout late">{say("search.down")}</div>')
        return
    try:
        bars = reads.found_bars(asked)
        _counted(bars)
        with st.container(key="rows"):
            _rows(pages, asked)
        with facets:  # type: ignore[attr-defined]
            _facets(asked)
    except ArchiveDown:
        st.html(f'<div class="callout late">{say("search.down")}</div>')


def _counted(bars: Bars) -> None:
    waiting = reads.waiting()
    st.html(head(say("search.count", n=number(bars.total)), say("search.behind", n=number(waiting)) if waiting else ""))
    if len(bars.counts) < 2:
        return
    names = tuple(name for name, _ in bars.counts)
    key = f"bars_{bars.unit}_{names[0]}_{names[-1]}"
    st.echarts_chart(search_bars.option(bars, dark=st.context.theme.type == "dark"), theme=None, key=key, height=search_bars.HEIGHT,
                     on_select=lambda: _brushed(key, names, bars.unit), alt=say("search.bars_alt", n=number(bars.total), first=names[0], last=names[-1]))
    st.html(f'<p class="note">{say(f"search.by_{bars.unit}")}</p>')


def _brushed(key: str, names: tuple[str, ...], unit: str) -> None:
    """A click or a brush narrows the time. One hour that is clicked alone stays as it is: there is nothing finer."""
    chosen = said.chosen_bars(st.session_state[key].selection, len(names))
    if chosen is not None:
        _narrow_time(*said.bounds(names, unit, *chosen))


def _rows(pages: Sequence[reads.Hits], asked: Asked) -> None:
    found = [one for page in pages for one in page.rows]
    st.html(hits.rows(found) if found else f'<p class="empty">{say("search.nothing_yet" if asked == Asked() else "search.none")}</p>')
    last = pages[-1]
    if last.before is not None and len(pages) < PAGES:
        st.button(say("search.more"), key="search_more", on_click=_older, args=(last.before,))


def _older(before: int) -> None:
    st.session_state[BEFORE] = (*st.session_state.get(BEFORE, ()), before)


def _facets(asked: Asked) -> None:
    settings = desk.here().settings
    for name, values in reads.found_facets(asked):
        chosen = getattr(asked, name)
        shown = [one for one in values if one[0] == chosen] or ([(chosen, 0)] if chosen else list(values))
        if not shown:
            continue
        with st.container(horizontal=True, key=f"facet_{name}"):
            st.html(f'<span class="facetname">{esc(say(f"search.{name}"))}</span>', width="content")
            for value, n in shown:
                _choice(f"{name}_{value}", said.button_words(f"{said.value_name(settings, name, value)} {number(n)}"), value == chosen, _narrow, name, None if value == chosen else value)


show()

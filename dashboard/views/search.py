"""提及: everything that was read, searched in full text. Each word is a phrase; nothing of them is syntax."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from dashboard import desk, reads, session
from dashboard import say as words
from dashboard.parts import esc, head
from dashboard.reads import SearchPage
from dashboard.room_tabs import post_row, table
from dashboard.say import say
from incidents.i18n import number

SPANS = {"all": None, "day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}
BEFORE = "search_before"  # session state: where the pages shown so far begin, newest first
PAGES = 8


def show() -> None:
    session.require()
    settings, now = desk.here().settings, reads.moment()
    st.html(f'<div class="first">{head(say("search.title"), say("search.note"))}</div>')
    ask, brand, platform, feeling, since = st.columns([5, 2, 2, 2, 2])
    asked = ask.text_input(say("search.words"), key="q", bind="query-params", placeholder=say("search.example"), on_change=_anew)
    names = {one.id: one.name for one in settings.brands}
    one_brand = brand.selectbox(say("search.brand"), [None, *names], format_func=lambda one: names.get(one, say("search.any")), on_change=_anew)
    kinds = sorted({source.platform or source.kind for source in settings.sources})
    where = platform.selectbox(say("search.platform"), [None, *kinds], format_func=lambda one: words.platform(one) if one else say("search.any"), on_change=_anew)
    how = feeling.selectbox(say("search.sentiment"), [None, "negative", "neutral", "positive"], format_func=lambda one: say(f"sentiment.{one}") if one else say("search.any"), on_change=_anew)
    span = SPANS[since.selectbox(say("search.since"), list(SPANS), format_func=lambda one: say(f"search.span.{one}"), on_change=_anew)]
    begin = None if span is None else (now - span).replace(minute=0, second=0, microsecond=0)
    pages = [reads.search(tuple((asked or "").split()), one_brand, where, how, begin, before) for before in (None, *st.session_state.get(BEFORE, ()))]
    _found(pages)


def _anew() -> None:
    st.session_state.pop(BEFORE, None)


def _found(pages: list[SearchPage]) -> None:
    first, last = pages[0], pages[-1]
    if first.fault is not None:
        st.html(f'<div class="callout late">{say("search.down")}</div>')
        return
    behind = say("search.behind", n=number(first.waiting)) if first.waiting else ""
    st.html(head(say("search.count", n=number(first.total or 0)), behind) + _days(first.by_day))
    rows = "".join(post_row(one) for page in pages for one in page.rows)
    st.html(table(("post.where", "post.text", "post.count", "post.why"), rows, numeric=2) if rows else f'<p class="empty">{say("search.none")}</p>')
    if last.before is not None and len(pages) < PAGES:
        st.button(say("search.more"), key="search_more", on_click=_older, args=(last.before,))


def _older(before: int) -> None:
    st.session_state[BEFORE] = (*st.session_state.get(BEFORE, ()), before)


def _days(by_day: tuple[tuple[str, int], ...]) -> str:
    """The last sixty days that have any, as bars."""
    shown = by_day[-60:]
    if len(shown) < 2:
        return ""
    highest = max(n for _, n in shown)
    bars = "".join(f'<i style="height:{max(2, round(100 * n / highest))}%" title="{esc(day)} {n}"></i>' for day, n in shown)
    return f'<div class="hours days">{bars}</div><div class="ticks"><span>{esc(shown[0][0])}</span><span>{esc(shown[-1][0])}</span></div>'


show()

"""A search as a brand's rule: what it would bring by what is stored, and the lines for the settings file."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from dashboard import desk, hits, reads
from dashboard.parts import esc, head
from dashboard.reads import Asked, Trial
from dashboard.say import say
from incidents.i18n import number
from incidents.query import parse
from incidents.query.rule import asks_sentiment, lines, rule
from incidents.settings import BrandSettings
from incidents.store.search import ArchiveDown

RULE, BRAND = "tried_rule", "tried_brand"  # session state: the rule that is tried (fixed while typing goes on), for which brand


def button(asked: Asked) -> None:
    """Begin to try what is being shown."""
    if not desk.here().settings.brands:
        return
    written = rule(asked.typed, source=asked.source, platform=asked.platform)
    st.button(say("search.try.button"), key="try", disabled=not written, on_click=_begin, args=(written, asked.brand))


def _begin(written: str, brand: str | None) -> None:
    st.session_state[RULE] = written
    if brand is not None and any(one.id == brand for one in desk.here().settings.brands):
        st.session_state[BRAND] = brand


def _end() -> None:
    st.session_state.pop(RULE, None)


def panel() -> None:
    """The trial, while one is open."""
    written = st.session_state.get(RULE)
    if not written:
        return
    brands = {one.id: one for one in desk.here().settings.brands}
    with st.container(key="tried"):
        st.html(head(say("search.try.title")) + f'<p class="note foreign"><code>{esc(written)}</code></p>')
        chosen = st.selectbox(say("search.try.brand"), list(brands), key=BRAND, format_func=lambda one: brands[one].name)
        if asks_sentiment(parse(written)):
            st.html(f'<div class="callout soon">{say("search.try.sentiment")}</div>')
        try:
            tried = reads.trial(written, chosen, reads.moment().replace(second=0, microsecond=0))
        except ArchiveDown:
            st.html(f'<div class="callout late">{say("search.down")}</div>')
        else:
            st.html(figures(tried, brands[chosen]))
        _as_rule(written, brands[chosen])
        st.button(say("search.try.close"), key="try_close", on_click=_end)


def figures(tried: Trial, brand: BrandSettings) -> str:
    """The numbers, each with what exactly it counts, and the newest examples; as HTML."""
    cells = ((f"{tried.median:,g}", "median"), (number(tried.most), "most"), (number(tried.week), "week"), (number(tried.month), "month"))
    shown = "".join(f"<div><b>{n}</b>{say(f'search.try.{name}')}</div>" for n, name in cells)
    kept_days = desk.here().settings.retention.unmatched // timedelta(days=1)
    overlap = say("search.try.overlap", month=number(tried.month), watched=number(tried.watched), more=number(tried.month - tried.watched), brand=esc(brand.name), has=number(tried.brand))
    examples = hits.rows(tried.examples) if tried.examples else f'<p class="empty">{say("search.none")}</p>'
    return (f'<div class="tried"><div class="triedline">{shown}</div>{days_bars(tried)}<p>{overlap}</p><p>{past(tried)}</p><p class="note">{say("search.try.kept", days=kept_days)}</p></div>'
            f'{head(say("search.try.examples", n=len(tried.examples)))}{examples}')


def days_bars(tried: Trial) -> str:
    """The 30 days as small bars, a day without any as none."""
    if not tried.most:
        return ""
    bars = "".join(f'<i style="height:{-(-100 * n // tried.most)}%" title="{day} {n}"></i>' for day, n in tried.days)
    return f'<div class="hours days">{bars}</div><div class="ticks"><span>{tried.days[0][0]}</span><span>{tried.days[-1][0]}</span></div>'


def past(tried: Trial) -> str:
    """What those mentions were part of: counted, not replayed."""
    one = tried.past
    if one.looked == 0 or one.incidents == 0:
        return say("search.try.no_incidents", looked=number(one.looked))
    return say("search.try.past", looked=number(one.looked), incidents=number(one.incidents), taken=number(one.taken), alerts=number(one.alerts),
               right=number(one.right), wrong=number(one.wrong), unrated=number(one.alerts - one.right - one.wrong))


def _as_rule(written: str, brand: BrandSettings) -> None:
    """Settings stay the customer's file: these are the lines to put there."""
    st.html(head(say("search.try.rule")) + f'<p class="note">{say("search.try.rule_note", brand=esc(brand.name))}</p>')
    st.code(f'[[brands]]\nid = "{brand.id}"\n# …\n{lines(written)}', language="toml", wrap_lines=True)
    if brand.query is not None:
        st.html(f'<p class="note">{say("search.try.replaces")} <code>{esc(brand.query)}</code></p>')
    elif brand.any:
        st.html(f'<p class="note">{say("search.try.beside", names=esc(say("list.comma").join(brand.any[:6])))}</p>')

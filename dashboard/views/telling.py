"""预警: what was told to whom and what the provider answered; a person's word on each; dead letters."""

from __future__ import annotations

import streamlit as st

from dashboard import actions, reads, session, spread
from dashboard.doing import attempt, notice
from dashboard.parts import esc, head
from dashboard.room_tabs import TOLD, table, told_row
from dashboard.say import say
from incidents.model import Person
from incidents.store.outbox import Told
from incidents.text import excerpt

EVERY = 4
RATED = 30  # rows with buttons; older ones are only listed


def show() -> None:
    dead()
    newest()


@st.fragment(run_every=EVERY)
def dead() -> None:
    person = session.require()
    letters = reads.alerts(dead=True)
    notice()
    if not letters:
        return
    st.html(f'<div class="first">{head(say("dead.title"), say("dead.note", n=len(letters)))}</div>')
    for one in letters[:RATED]:
        with st.container(key=f"dead_{one.id}", horizontal=True, vertical_alignment="center"):
            st.html(_table(told_row(one, _about(one))))
            if actions.may(person, "resend"):
                st.button(say("dead.resend"), key=f"resend_{one.id}", on_click=attempt, args=("resend", lambda who, one=one: actions.resend(who, one.id), say("dead.again")))


@st.fragment(run_every=EVERY)
def newest() -> None:
    person = session.require()
    told = reads.alerts()
    budget = reads.budget(person.login, reads.day_start(reads.moment()))
    st.html(f'<div class="first">{head(say("telling.title"), spread.precision(budget))}</div>')
    if not told:
        st.html(f'<p class="empty">{say("told.none")}</p>')
        return
    st.html(f'<div class="told">{table(TOLD, "", css="fixed")}</div>')
    for one in told[:RATED]:
        _one(one, person)
    if len(told) > RATED and st.toggle(say("telling.older", n=len(told) - RATED), key="older"):
        st.html(f'<div class="told">{_table("".join(told_row(one, _about(one)) for one in told[RATED:]))}</div>')


def _table(rows: str) -> str:
    return f'<table class="t fixed"><tbody>{rows}</tbody></table>'


def _about(one: Told) -> str:
    """What it was about, with the first words that went out."""
    found = reads.titles(tuple(sorted({told.incident_id for told in reads.alerts() if told.incident_id}))).get(one.incident_id or 0)
    said = excerpt(one.sent_text or "", 60)
    return f"<span class='s'>{esc(found[0])}</span>{esc(excerpt(found[1], 40))}" if found else f"<span class='s foreign'>{esc(said)}</span>"


def _one(one: Told, person: Person) -> None:
    with st.container(key=f"told_{one.id}"):
        st.html(f'<div class="told">{_table(told_row(one, _about(one)))}</div>')
        if one.rating is not None:
            said = say("rate.was_right") if one.rating == "right" else say("rate.was_wrong", why=one.rating.partition(":")[2].strip())
            st.html(f'<p class="note">{esc(said)}</p>')
        elif one.sent_at is not None and actions.may(person, "rate"):
            _rate(one)


def _rate(one: Told) -> None:
    with st.container(key=f"rate_{one.id}", horizontal=True, gap="small"):
        st.button(say("rate.right"), key=f"right_{one.id}", on_click=attempt, args=("rate", lambda who: actions.rate(who, one.id, None)))
        with st.popover(say("rate.wrong_short")):
            why = st.text_input(say("rate.why"), key=f"why_{one.id}", placeholder=say("rate.example"))
            st.button(say("rate.wrong"), key=f"wrong_{one.id}", on_click=attempt, args=("rate", lambda who: actions.rate(who, one.id, why)))


show()

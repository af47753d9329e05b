"""声明之后: a statement is recorded with its time and link; what came after it stands beside the forecast made before."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import streamlit as st

from dashboard import actions, reads, session
from dashboard import say as words
from dashboard.doing import attempt
from dashboard.parts import head, link
from dashboard.reads.record import Reaction, reactions
from dashboard.say import say
from incidents import now as times
from incidents.errors import Refused
from incidents.i18n import about, clock_time, number
from incidents.model import Incident

TYPED = re.compile(r"^\s*(?:(\d{1,2})[-/.](\d{1,2})\s+)?(\d{1,2})[:：](\d{2})\s*$")


def show(incident: Incident) -> None:
    """The effect of each statement (two at most), and the way to record one."""
    person, now = session.require(), reads.moment()
    found = reactions(incident.id, incident.story_id)
    st.html(head(say("effect.title")) + ("".join(f"<p>{line(one, now)}</p>" for one in found[:2]) or f'<p class="note">{say("effect.none")}</p>')
            + (f'<p class="note">{say("effect.cause")}</p>' if any(one.effects for one in found[:2]) else ""))
    if incident.is_open and actions.may(person, "publish"):
        _form(incident)


def line(one: Reaction, now: datetime) -> str:
    """What came of one statement: the newest reading against the band, or why nothing can be said."""
    time = clock_time(one.event.happened_at, now)
    there = " " + link(str(one.event.values.get("link", "")), str(one.event.values.get("title", "")), "there") if one.event.values.get("link") else ""
    if one.refused is not None or not one.effects:
        return say(f"effect.refused.{one.refused or 'too_few'}", time=time) + there
    last = one.effects[-1]
    said = dict(time=time, at=clock_time(last.at, now), came=number(last.came), expected=about(last.expected), range=words.about_range(last.low, last.high))
    if last.verdict == "inside":
        return say("effect.inside", **said) + there
    count = sum(each.verdict == last.verdict for each in one.effects)
    return say(f"effect.{last.verdict}", **said, n=len(one.effects), **{last.verdict: count}) + there


def _form(incident: Incident) -> None:
    with st.popover(say("effect.open")):
        at = st.text_input(say("effect.at"), key="published_at", placeholder=say("effect.at_help"))
        address = st.text_input(say("effect.link"), key="published_link", placeholder="https://")
        title = st.text_input(say("effect.name"), key="published_title")
        st.button(say("effect.button"), key="publish", on_click=attempt,
                  args=("publish", lambda who: actions.publish(who, incident.number, typed(at, reads.moment()), address, title, reads.moment()), say("effect.done")))


def typed(text: str, now: datetime) -> datetime:
    """14:05 today (yesterday, if that is still to come), or 11-22 14:05, on the clocks of Shanghai.

    Raises:
        Refused: it is no time.
    """
    found, here = TYPED.match(text), times.shanghai(now)
    if found is None:
        raise Refused("The time of publication reads 14:05 or 11-22 14:05.")
    month, day, hour, minute = found.groups()
    try:
        at = here.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
        at = at.replace(month=int(month), day=int(day)) if month else at
    except ValueError as error:
        raise Refused("There is no such time.") from error
    if at <= here:
        return at
    return at.replace(year=at.year - 1) if month else at - timedelta(days=1)

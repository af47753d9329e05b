"""The looked-up parts of an incident: representative posts, timeline, who was told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import desk, parts, reads, session
from dashboard import say as words
from dashboard.parts import dots, esc, link
from dashboard.reads import Seen
from dashboard.say import say
from incidents.i18n import clock_time, number, span
from incidents.model import Event, OutboxState, Sentiment
from incidents.store.outbox import Told

EVERY = 5
POSTS = 20


@st.fragment(run_every=EVERY)
def posts(code: str) -> None:
    session.require()
    incident = reads.incident(code)
    if incident is None:
        return
    rows = "".join(post_row(one) for one in reads.representative(incident.story_id, incident.brand, POSTS))
    st.html(table(("post.where", "post.text", "post.count", "post.why"), rows, numeric=2))
    mentions = sum(n for _, n in reads.shares(incident.story_id))
    if mentions > POSTS:
        st.html(f'<p class="note">{say("post.more", shown=POSTS, n=number(mentions))}</p>')


def table(columns: tuple[str, ...], rows: str, numeric: int | None = None, css: str = "") -> str:
    head = "".join(f"<th{' class=n' if place == numeric else ''}>{say(name)}</th>" for place, name in enumerate(columns))
    return f'<table class="t {css}"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def post_row(one: Seen) -> str:
    """A mention with its harm words and the brand's names marked."""
    return mention_row(one, _text(one))


def mention_row(one: Seen, shown: str) -> str:
    """Who, what (``shown``, HTML), how much, and what the models say of it. A deleted post keeps its place, not its words."""
    now = reads.moment()
    author = dots(esc(one.author_name), say("post.followers", n=words.band(one.followers)) if one.followers else "")
    text = f'<span class="s">{say("post.gone")}</span>' if one.gone else shown
    count = next((f"<b>{number(n)}</b><span class='s'>{words.metric(name)}</span>" for name, n in one.counts if name in ("reposts", "comments")), "")
    late = one.first_seen - one.dated
    notes = dots(say("post.edited") if one.edited else "", say("post.late", span=span(late)) if late.total_seconds() > 3600 else "", link(one.url, say("post.open")))
    return (f"<tr><td><b>{esc(words.platform(one.platform))}</b><span class='s foreign'>{author}</span><span class='s'>{clock_time(one.dated, now)}</span></td>"
            f"<td><div class='post'>{text}</div><span class='s'>{notes}</span></td><td class='n'>{count}</td><td>{judged(one)}</td></tr>")


def _text(one: Seen) -> str:
    title = f"<b>{parts.marked(one.title, _in(one.harms, 'title'), (), _in(one.why, 'title'))}</b><br>" if one.title and not one.text.startswith(one.title) else ""
    return title + parts.marked(one.text, _in(one.harms, "text"), _in(one.names, "text"), _in(one.why, "text"))


def _in(spans: Any, field: str) -> list[Any]:
    return [span for span in spans if span.field == field]


def judged(one: Seen) -> str:
    """Sentiment with its probability, issue and nature (underlined as the words that decided them), and what the marks mean."""
    if one.sentiment is None:
        return f'<span class="s">{say("post.waiting")}</span>'
    key = "post.feeling" if one.sentiment is Sentiment.NEGATIVE else "post.other_feeling"
    feeling = say(key, name=say(f"sentiment.{one.sentiment.value}"), p=f"{one.negative:.2f}") if one.negative is not None else ""
    signals = dict.fromkeys(words.say_or(f"signal.{span.name}", span.name) for span in one.harms)
    classes = [words.say_or(f"{kind}.{name}", name) for kind, name in (("issue", one.issue), ("nature", one.nature)) if name]
    return f"{dots(feeling, *(f'<u>{esc(name)}</u>' for name in classes))}<span class='s'>{esc(say('list.comma').join(signals))}</span>"


@st.fragment(run_every=EVERY)
def timeline(code: str) -> None:
    """What happened, and when we knew."""
    session.require()
    room = reads.room(code)
    if room is None:
        return
    st.html(table(("event.column.happened", "event.column.known", "event.column.what", "event.column.by"), "".join(_event_row(event) for event in room.events), css="timeline"))


def _event_row(event: Event) -> str:
    now, settings = reads.moment(), desk.here().settings
    late = event.known_at - event.happened_at
    known = clock_time(event.known_at, now)
    known = f'<b class="soon">{known}</b>' if late.total_seconds() >= 300 else known
    return (f"<tr><td>{clock_time(event.happened_at, now)}</td><td>{known}</td><td class='foreign'>{esc(event_words(event))}</td>"
            f"<td><span class='s'>{esc(words.person(settings, event.by))}</span></td></tr>")


def event_words(event: Event) -> str:
    """One event as a sentence; a kind without words shows its code."""
    settings, values = desk.here().settings, event.values
    said: dict[str, Any] = {"by": words.person(settings, event.by), "person": words.person(settings, values.get("person")), "title": words.of_playbook(values.get("title", "")),
                            "grade": _grade(values, "grade"), "from": _grade(values, "from"), "before": _grade(values, "from"), "waived": values.get("waived") or "",
                            "clock": words.say_or(f"clock.{values.get('clock')}", str(values.get("clock", ""))), "root_cause": values.get("root_cause", ""),
                            "people": words.people(settings, list(values.get("people", ()))), "step": int(values.get("step", 0)) + 1,
                            "reasons": say("list.semicolon").join(words.reason_of(one) for one in values.get("reasons", ())),
                            "platforms": say("list.comma").join(words.platform(one) for one in values.get("platforms", ())), "evidence": _evidence(values)}
    return words.say_or(f"event.{event.kind}", event.kind, **said)


def _grade(values: Mapping[str, Any], name: str) -> str:
    found = values.get(name)
    return words.grade_of(found) if isinstance(found, int) else ""


def _evidence(values: Mapping[str, Any]) -> str:
    return say("list.semicolon").join(str(one.get("text", "")) for one in values.get("evidence") or ())


@st.fragment(run_every=EVERY)
def told(code: str) -> None:
    """Who was told what, with the provider's own answer."""
    session.require()
    room = reads.room(code)
    if room is None:
        return
    rows = "".join(told_row(one) for one in room.told)
    st.html(table(TOLD, rows) if rows else f'<p class="empty">{say("told.none")}</p>')


TOLD = ("told.column.at", "told.column.who", "told.column.why", "told.column.state", "told.column.answer")


def told_row(one: Told, about: str = "") -> str:
    """``about`` is HTML that says of which incident, where that is not clear from the page."""
    now, settings = reads.moment(), desk.here().settings
    at = clock_time(one.sent_at, now) if one.sent_at else say("told.due", time=clock_time(one.due_at, now))
    tone = {"sent": "kept", "dead": "late", "unconfirmed": "soon"}.get(one.state.value, "")
    tried = f"<span class='s'>{say('told.attempts', n=one.attempts)}</span>" if one.attempts > 1 else ""
    return (f"<tr><td>{at}{about}</td><td>{esc(words.person(settings, one.person))}<span class='s'>{esc(one.channel)}</span></td>"
            f"<td>{parts.chip(one.grade, long=False)} {words.say_or(f'alert.reason.{one.reason.value}', words.say_or(f'told.reason.{one.reason.value}', one.reason.value))}</td>"
            f"<td><b class='{tone}'>{words.say_or(f'told.state.{one.state.value}', one.state.value)}</b>{tried}</td><td class='foreign'><span class='s'>{esc(say('told.cancelled_why') if one.state is OutboxState.CANCELLED else one.answer or '')}</span></td></tr>")

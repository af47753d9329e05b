"""标注: the team says what a mention is; the model's own accuracy on this brand comes of it, and its correction."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import actions, doing, reads, session
from dashboard import say as words
from dashboard.brand_choice import chosen_brand
from dashboard.parts import dots, esc, head, link
from dashboard.reads.labels import FEW, MUCH, SHIFTED, Accuracy, Labelled, Shift, labelled, next_to_label
from dashboard.room_tabs import table
from dashboard.say import say
from incidents.i18n import clock_time, number
from incidents.model import Person
from incidents.store.labels import ToLabel

TONES = (("negative", "1"), ("neutral", "2"), ("positive", "3"))
ISSUES = ("none", "quality", "parts", "service", "performance", "misuse", "malicious", "exposure", "accident", "food_safety", "data_leak", "executive", "rumour")
COLUMNS = ("labels.column.week", "labels.column.count", "labels.column.right")
LONGEST = 600  # characters of a mention that are shown; its link leads to the rest


def show() -> None:
    person = session.require()
    brand = chosen_brand("labels")
    if brand is None:
        return
    found = labelled(brand, reads.moment())
    st.html(f'<div class="lede"><h1>{say("labels.title")}</h1><p>{accuracy_words(found)}</p></div>')
    left, right = st.columns([720, 560], gap="large")
    with left:
        if actions.may(person, "label"):
            asking(brand)
        else:
            st.html(f'<p class="empty">{say("labels.may_not")}</p>')
    with right:
        told(found)


def accuracy_words(found: Labelled) -> str:
    """The brand's own accuracy, from randomly drawn mentions only, or how many more it needs."""
    one = found.by_field["sentiment"]
    if one.count < FEW:
        return say("labels.few", n=one.count, enough=FEW)
    return say("labels.accuracy", p=_percent(one.right / one.count), low=_percent(one.low), high=_percent(one.high), n=number(one.count))


def asking(brand: str) -> None:
    """One mention, and the buttons that say what it is."""
    one = next_to_label(brand, reads.moment())
    if one is None:
        st.html(head(say("labels.ask")) + f'<p class="empty">{say("labels.none_left")}</p>')
        return
    st.html(head(say("labels.ask"), say(f"labels.drawn.{one.drawn}")) + _mention(one))
    with st.container(horizontal=True, key="label_tones"):
        for tone, key in TONES:
            st.button(say(f"sentiment.{tone}"), key=f"label_{tone}", shortcut=key, on_click=_sentiment, args=(one, tone), type="primary" if tone == one.sentiment else "secondary")
        st.button(say("labels.not_about"), key="label_not", shortcut="4", on_click=_not_about, args=(one,))
    st.selectbox(say("labels.issue"), ISSUES, index=ISSUES.index(one.issue) if one.issue in ISSUES else 0, format_func=_issue_words, key=f"label_issue_{one.mention_id}")
    st.html(f'<p class="s">{say("labels.keys")}</p>')


def _mention(one: ToLabel) -> str:
    text = esc(one.text[:LONGEST]) + ("…" if len(one.text) > LONGEST else "")
    title = f"<strong>{esc(one.title)}</strong><br>" if one.title and not one.text.startswith(one.title) else ""
    where = dots(esc(words.platform(one.platform)), clock_time(one.dated, reads.moment()), link(one.url, say("post.open")))
    said = say("labels.said", tone=say(f"sentiment.{one.sentiment}"), p=_percent(max(one.probabilities)), issue=_issue_words(one.issue or "none"))
    return f'<div class="post">{title}{text}</div><span class="s">{where}</span><p class="s">{said}</p>'


def _issue_words(issue: str) -> str:
    return say("labels.no_issue") if issue == "none" else words.say_or(f"issue.{issue}", issue)


def _sentiment(one: ToLabel, tone: str) -> None:
    """One click says: about the brand, this tone, and the class that stands in the box (kept when it was changed)."""
    issue = st.session_state.get(f"label_issue_{one.mention_id}", one.said("issue"))
    kept = [("relevance", "about"), ("sentiment", tone), *([("issue", issue)] if issue != one.said("issue") or one.issue else [])]
    _keep(one, kept)


def _not_about(one: ToLabel) -> None:
    _keep(one, [("relevance", "not")])


def _keep(one: ToLabel, kept: Sequence[tuple[str, str]]) -> None:
    world = reads.moment()

    def write(person: Person) -> None:
        for field, value in kept:
            actions.label(person, one, field, value, world)

    doing.attempt("label", write, done=say("labels.kept"))


def told(found: Labelled) -> None:
    """What the labels say: by field, by week, and what has shifted."""
    parts = [say("labels.counted", n=number(found.labels))]
    for field in ("relevance",):
        one = found.by_field[field]
        if one.count >= FEW:
            parts.append(say(f"labels.{field}", p=_percent(one.right / one.count), low=_percent(one.low), high=_percent(one.high), n=number(one.count)))
    st.html(head(say("labels.track")) + f"<p>{'<br>'.join(parts)}</p><p>{_drift(found)}</p>" + _weeks(found))
    st.html(f'<p class="s">{say("labels.learns")}</p>')


def _drift(found: Labelled) -> str:
    fallen = f'<b class="late">{say("labels.fallen")}</b>' if found.worse else ""
    return "<br>".join(part for part in (fallen, _shift(found.shift)) if part)


def _shift(one: Shift | None) -> str:
    if one is None:
        return say("labels.shift.few")
    values = dict(now=_percent(one.now), before=_percent(one.before))
    if one.index < SHIFTED:
        return say("labels.shift.steady", **values)
    said = say("labels.shift.much" if one.index >= MUCH else "labels.shift.some", **values)
    return f'<b class="late">{said}</b>'


def _weeks(found: Labelled) -> str:
    if not found.weeks:
        return ""
    rows = "".join(_week_row((f"{week:%Y-%m-%d}", number(one.count), _share(one))) for week, one in reversed(found.weeks))
    return table(COLUMNS, rows, css="record")


def _week_row(cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f'<td data-label="{say(column)}">{cell}</td>' for column, cell in zip(COLUMNS, cells, strict=True)) + "</tr>"


def _share(one: Accuracy) -> str:
    return say("labels.share", p=_percent(one.right / one.count), low=_percent(one.low), high=_percent(one.high))


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


show()

"""The 5S checklist on the page: a line opens, takes its evidence or a signed waiver, and closes."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from dashboard import actions, desk, reads, session
from dashboard import say as words
from dashboard.doing import attempt, notice
from dashboard.parts import esc
from dashboard.say import say
from incidents.i18n import clock_time
from incidents.model import Person, Task
from incidents.settings import Settings

EVERY = 4
PILLARS = ("shoulder", "sincerity", "speed", "system", "standard")
OPENED = "opened_line"  # session state: (task id, version that was seen when it was opened)


@st.fragment(run_every=EVERY)
def show(code: str) -> None:
    person, room = session.require(), reads.room(code)
    if room is None:
        return
    notice()
    columns = "".join(f"<span>{say(f'line.{name}')}</span>" for name in ("pillar", "blank", "title", "who", "due", "proof"))
    st.html(f'<div class="line head">{columns}</div>')
    last = ""
    for task in in_order(room.tasks):
        _line(task, person, first=task.pillar != last)
        last = task.pillar


def in_order(tasks: tuple[Task, ...]) -> list[Task]:
    """By pillar in the order of the 5S, within it by due time; what counts from later events comes last."""
    far = datetime.max.replace(tzinfo=reads.moment().tzinfo)
    return sorted(tasks, key=lambda task: (PILLARS.index(task.pillar) if task.pillar in PILLARS else len(PILLARS), task.due_at or far, task.id))


def _line(task: Task, person: Person, *, first: bool) -> None:
    opened = st.session_state.get(OPENED)
    with st.container(key=f"line_{task.id}"):
        with st.container(key=f"face_{task.id}"):
            st.html(_face(task, desk.here().settings, reads.moment(), first=first))
            with st.container(key=f"open_{task.id}"):
                st.button(words.of_playbook(task.title), key=f"opener_{task.id}", on_click=_toggle, args=(task.id, task.version))
        if opened is not None and opened[0] == task.id:
            _form(task, person, opened[1])


def _toggle(task_id: int, version: int) -> None:
    opened = st.session_state.get(OPENED)
    st.session_state[OPENED] = None if opened is not None and opened[0] == task_id else (task_id, version)


def _shut() -> None:
    st.session_state[OPENED] = None


def _face(task: Task, settings: Settings, now: datetime, *, first: bool) -> str:
    """The line as it reads when it is shut."""
    box = "waived" if task.waived else "done" if task.done_at else ""
    pillar = say(f"pillar.{task.pillar}") if first else ""
    due, tone = _due(task, now)
    return (f'<div class="line"><span class="pillar">{pillar}</span><i class="box {box}"></i><span class="title">{esc(words.of_playbook(task.title))}</span>'
            f'<span class="who">{esc(words.person(settings, task.done_by) if task.done_by else words.role(settings, task.role))}</span>'
            f'<span class="due {tone}">{due}</span><span class="proof foreign">{_proof(task)}</span></div>')


def _due(task: Task, now: datetime) -> tuple[str, str]:
    if task.done_at is not None:
        return say("line.done_at", time=clock_time(task.done_at, now)), "kept"
    if task.due_at is None:
        return esc(words.of_playbook(task.due_words)), "plain"
    said, tone = words.due_words(task.due_at, now)
    return (said if tone != "plain" else clock_time(task.due_at, now)), tone


def _proof(task: Task) -> str:
    if task.waived:
        return say("line.waived", why=esc(task.waived))
    if task.done_at is not None and task.evidence:
        return esc(task.evidence[-1].get("text", ""))
    return f'<span class="lack">{say("line.lacks")}</span> <span class="s">{esc(words.of_playbook(task.evidence_hint))}</span>'


def _form(task: Task, person: Person, version: int) -> None:
    """Help, evidence, waiver. The version that was seen when the line was opened goes with every click."""
    seen = task if task.version == version else None
    with st.container(key=f"form_{task.id}"):
        st.html(f'<div class="help">{esc(words.of_playbook(task.help))}<span class="seed">{esc(task.seed)}</span></div>')
        if seen is None:
            st.html(f'<div class="callout late" role="status">{say("line.changed", name=esc(words.person(desk.here().settings, task.done_by)))}</div>')
            st.button(say("line.look_again"), key=f"again_{task.id}", on_click=_reopen, args=(task.id, task.version))
        elif task.done_at is not None:
            _undo(task)
        else:
            _tick(task, person)


def _reopen(task_id: int, version: int) -> None:
    st.session_state[OPENED] = (task_id, version)


def _undo(task: Task) -> None:
    proofs = "".join(f"<div>{esc(proof.get('text', ''))}</div>" for proof in task.evidence)
    st.html(f'<div class="help foreign">{proofs}</div>')
    st.button(say("line.undo"), key=f"undo_{task.id}", on_click=attempt, args=("undo", lambda who: actions.undo(who, task, reads.moment()), "", _shut))


def _tick(task: Task, person: Person) -> None:
    if not actions.may(person, "tick"):
        st.html(f'<p class="note">{say("refused.role")}</p>')
        return
    proof_key, waive_key = f"proof_{task.id}", f"waiver_{task.id}"
    with st.form(f"tick_{task.id}", border=False):
        st.text_area(say("line.evidence", kind=words.say_or(f"evidence.{task.evidence_kind}", task.evidence_kind)), key=proof_key, placeholder=words.of_playbook(task.evidence_hint), height=80)
        st.form_submit_button(say("line.tick"), type="primary", on_click=attempt,
                              args=("tick", lambda who: actions.tick(who, task, st.session_state.get(proof_key, ""), reads.moment()), "", _shut))
    if actions.may(person, "waive"):
        with st.form(f"waive_{task.id}", border=False):
            st.text_input(say("line.waiver"), key=waive_key, placeholder=say("line.waiver_hint"))
            st.form_submit_button(say("line.waive"), on_click=attempt,
                                  args=("waive", lambda who: actions.waive(who, task, st.session_state.get(waive_key, ""), reads.moment()), "", _shut))

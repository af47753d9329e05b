"""事件: one incident. What needs a hand within the hour stands above the tabs; what is looked up is inside."""

from __future__ import annotations

import streamlit as st

from dashboard import actions, checklist_rows, desk, heat, parts, published, reads, room_tabs, session, spread
from dashboard import say as words
from dashboard.doing import attempt, notice
from dashboard.parts import dots, esc, head
from dashboard.reads import Room
from dashboard.say import say
from incidents import checklist
from incidents.i18n import clock_time, number, span
from incidents.model import Grade, Incident, Person, Task

EVERY = 3
PILLARS = ("shoulder", "sincerity", "speed", "system", "standard")


def show() -> None:
    code = st.query_params.get("n", "")
    if not code:
        listing()
        return
    if reads.incident(code) is None:
        st.html(f'<div class="lede"><h1>{say("room.unknown", number=esc(code))}</h1></div>')
        listing()
        return
    top(code)
    left, right = st.columns([920, 400], gap="large")
    with left:
        how_big(code)
    with right:
        what_next(code)
    tabs = st.tabs([say(f"tab.{name}") for name in ("checklist", "posts", "timeline", "told")], key="tab", on_change="rerun", bind="query-params")
    for tab, fill in zip(tabs, (checklist_rows.show, room_tabs.posts, room_tabs.timeline, room_tabs.told), strict=True):
        if tab.open:  # what nobody looks at is neither read nor refreshed
            with tab:
                fill(code)


def _both(code: str) -> tuple[Incident, Room]:
    """The incident and its page; whoever's incident has gone starts the page anew."""
    incident, room = reads.incident(code), reads.room(code)
    if incident is None or room is None:
        st.rerun(scope="app")
    return incident, room


@st.fragment(run_every=EVERY)
def top(code: str) -> None:
    person, now = session.require(), reads.moment()
    settings = desk.here().settings
    incident, room = _both(code)
    notice()
    about, who = st.columns([1000, 320], gap="large")
    about.html(_about(incident))
    with who:
        st.html(_who(incident))
        if incident.is_open and parts.owner(incident, settings, now)[2] and actions.may(person, "acknowledge"):
            with st.container(key="take_room"):
                st.button(say("button.take"), key="take_incident", type="primary", on_click=attempt,
                          args=("acknowledge", lambda who: actions.acknowledge(who, code, incident.grade, reads.moment())))
    st.html(parts.clock_strip(room.clocks, settings, now, bars=True))


def _about(incident: Incident) -> str:
    settings, now = desk.here().settings, reads.moment()
    closed = "" if incident.is_open else f'<span class="tag own">{say("room.closed", time=clock_time(incident.closed_at or now, now))}</span>'
    episode = f'<span class="tag">{say("room.episode", n=incident.episode)}</span>' if incident.episode > 1 else ""
    found = incident.opened_at - incident.first_appeared
    counted = reads.shares(incident.story_id)
    mentions = sum(n for _, n in counted)
    shares = say("list.comma").join(f"{words.platform(one)} {round(100 * n / mentions)}%" for one, n in counted)
    first = say("story.first", time=clock_time(incident.first_appeared, now), platform="").strip()
    return (f'<div class="room"><div class="meta">{parts.chip(incident.grade).replace("chip ", "chip big ", 1)}{parts.stage(incident.stage)}{episode}{closed}'
            f'<span>{dots(say("ack.number", number=esc(incident.number)), say("room.graded", time=clock_time(incident.graded_at, now)))}</span></div><h1>{esc(incident.title)}</h1>'
            f'<p>{dots(esc(parts.brand(settings, incident.brand)), first, say("room.found", time=clock_time(incident.opened_at, now), span=span(found)), words.age(incident.first_appeared, now), say("room.mentions", n=number(mentions)), esc(shares))}</p>'
            f"<p>{_why(incident)}</p></div>")


def _why(incident: Incident) -> str:
    """Why this grade, and why not the next one."""
    reasons = dots(*(esc(words.reason(one)) for one in incident.reasons))
    held = say("list.semicolon").join(esc(words.reason(one)) for one in incident.holds_back)
    higher = f' <b>{say("why.not_higher")}</b> {held}' if held and incident.grade < Grade.RED else ""
    return f'<b>{say("why.grade", grade=words.grade(incident.grade))}</b> {reasons}{higher}'


def _who(incident: Incident) -> str:
    settings, now = desk.here().settings, reads.moment()
    name, note, nobody = parts.owner(incident, settings, now)
    rows = [f'<div><b class="{"soon" if nobody else ""}">{esc(name)}</b><span class="r s">{esc(note)}</span></div>']
    if incident.acked_at is not None:
        rows.append(f'<div><span class="s">{say("room.taken", time=clock_time(incident.acked_at, now))}</span><span class="r s">{say("room.stopped")}</span></div>')
    rows += [f'<div><span>{esc(words.people(settings, step.people))}</span><span class="r s">{esc(_step_words(incident, place))}</span></div>' for place, step in enumerate(incident.chain[:3])]
    return f'<div class="first">{head(say("owner.label"), say("room.chain", n=len(incident.chain)))}</div><div class="list">{"".join(rows)}</div>'


def _step_words(incident: Incident, place: int) -> str:
    """When this step of the chain was or will be called."""
    now, at = reads.moment(), incident.chain_from + incident.chain[place].after
    if place <= incident.step:
        return say("room.step_done", time=clock_time(at, now))
    return say("room.step_off" if incident.acked_by or not incident.is_open else "room.step_due", time=clock_time(at, now))


@st.fragment(run_every=EVERY)
def how_big(code: str) -> None:
    session.require()
    settings, now = desk.here().settings, reads.moment()
    incident, room = _both(code)
    fan = spread.fan_of_room(incident, room, settings, now)
    subject = say("chart.subject", name=esc(room.largest_name)) if room.largest_name else ""
    st.html(head(say("forecast.label"), dots(subject, say("chart.legend", metric=words.metric(fan.metric))))
            + f'<p class="fore">{spread.sentence(room.foreseen, settings, incident.brand, now)}</p>')
    spread.draw(fan, key="fan_room", height=430)
    st.html(spread.acts(fan) + _figures(room))
    st.html(heat.panel(incident, now))
    published.show(incident)


def _figures(room: Room) -> str:
    """What is counted now, why the forecast says what it says, and what it cannot see."""
    now = reads.moment()
    if room.foreseen is None:
        return ""
    one = room.foreseen.forecast
    pieces = [say("forecast.now_b", n=number(one.observed))] if one.observed is not None else []
    reasons = [esc(words.forecast_reason(reason)) for reason in one.reasons]
    made = say("forecast.made", time=clock_time(one.made_at, now), model=esc(one.model))
    blind = [source.name for source in reads.sources() if source.health.blind]
    hidden = say("forecast.blind", names=esc(say("list.comma").join(blind[:3]))) if blind else ""
    return f'<div class="figures">{"".join(f"<span>{piece}</span>" for piece in pieces if piece)}</div><p class="note">{say("list.sentence").join(piece for piece in (*reasons, hidden, made) if piece)}</p>'


@st.fragment(run_every=EVERY)
def what_next(code: str) -> None:
    person = session.require()
    incident, room = _both(code)
    waiting = sorted((task for task in room.tasks if task.done_at is None), key=lambda task: (task.due_at is None, task.due_at or reads.moment()))
    st.html(head(say("next.title"), say("next.count", n=len(waiting))) + _next(waiting) + _pillars(room) + _in_time(incident, room))
    with st.container(key="room_buttons", horizontal=True, gap="small"):
        if incident.is_open and actions.may(person, "branch"):
            _branches(incident, room)
        _wrong(room, person)
        if incident.is_open and actions.may(person, "close"):
            _end(incident, len(waiting))


def _next(waiting: list[Task]) -> str:
    settings, now = desk.here().settings, reads.moment()
    lines = "".join(f'<div><span>{esc(words.of_playbook(task.title))}</span>{spread.due_cell(task, now)}<span class="s">{say("mine.proof", hint=esc(words.of_playbook(task.evidence_hint)))}</span>'
                    f'<span class="r s">{esc(words.role(settings, task.role))}</span></div>' for task in waiting[:3])
    return f'<div class="list">{lines or f"""<p class="empty">{say("next.none")}</p>"""}</div>'


def _pillars(room: Room) -> str:
    now = reads.moment()
    done = sum(task.done_at is not None for task in room.tasks)
    late = sum(task.done_at is None and task.due_at is not None and task.due_at <= now for task in room.tasks)
    note = dots(say("pillars.count", n=len(room.tasks), done=done), f'<span class="late">{say("pillars.late", n=late)}</span>' if late else "")
    return head(say("tab.checklist"), note) + f'<div class="pillars">{"".join(_pillar(name, [task for task in room.tasks if task.pillar == name]) for name in PILLARS)}</div>'


def _pillar(name: str, tasks: list[Task]) -> str:
    now = reads.moment()
    done = sum(task.done_at is not None for task in tasks)
    late = sum(task.done_at is None and task.due_at is not None and task.due_at <= now for task in tasks)
    upcoming = min((task.due_at for task in tasks if task.done_at is None and task.due_at is not None), default=None)
    state = f'<em class="late">{say("pillars.late", n=late)}</em>' if late else f'<em class="kept">{say("pillars.done")}</em>' if done == len(tasks) else ""
    if not state:
        said, tone = words.due_words(upcoming, now) if upcoming else (say("pillars.later"), "plain")
        state = f'<em class="{tone}">{said}</em>'
    return f"<div><span>{say(f'pillar.{name}')}</span><span><b>{done}</b>/{len(tasks)}</span>{state}</div>"


def _in_time(incident: Incident, room: Room) -> str:
    """Said aloud when authoritative verification is still open and the window closes: the slow thing must be asked first."""
    now = reads.moment()
    window = next((clock for clock in room.clocks if clock.kind == "window_12h"), None)
    open_checks = [task for task in room.tasks if task.pillar == "standard" and task.done_at is None]
    if not incident.is_open or window is None or window.due_at <= now or not open_checks:
        return ""
    return f'<div class="callout"><b>{say("standard.open", n=len(open_checks))}</b> {say("standard.window", span=span(window.due_at - now), title=esc(words.of_playbook(open_checks[0].title)))}</div>'


def _branches(incident: Incident, room: Room) -> None:
    """What may turn out to be so: each branch of the playbook brings lines of its own."""
    there = {task.line for task in room.tasks}
    open_branches = [one for one in checklist.load(incident.playbook).branches if not {line.line for line in one.lines} <= there]
    if not open_branches:
        return
    with st.popover(say("branch.open")):
        for one in open_branches:
            st.html(f'<p class="note"><b>{esc(words.of_playbook(one.title))}</b><br>{esc(words.of_playbook(one.when))}</p>')
            st.button(say("branch.add", n=len(one.lines)), key=f"branch_{one.id}", on_click=attempt,
                      args=("branch", lambda who, chosen=one.id: actions.choose_branch(who, incident.number, chosen, reads.moment()), say("branch.done")))


def _wrong(room: Room, person: Person) -> None:
    """这条预警不对: one's word on the newest alert of this incident that went out."""
    sent = next((one for one in room.told if one.sent_at is not None and one.person == person.login), None) or next((one for one in room.told if one.sent_at is not None), None)
    if sent is None or not actions.may(person, "rate"):
        return
    with st.popover(say("rate.open")):
        why = st.text_input(say("rate.why"), key="rate_why", placeholder=say("rate.example"))
        st.button(say("rate.wrong"), key="rate_wrong", on_click=attempt, args=("rate", lambda who: actions.rate(who, sent.id, why), say("rate.thanks")))
        st.button(say("rate.right"), key="rate_right", on_click=attempt, args=("rate", lambda who: actions.rate(who, sent.id, None), say("rate.thanks")))


def _end(incident: Incident, waiting: int) -> None:
    with st.popover(say("close.open")):
        if waiting:
            st.html(f'<p class="note">{say("close.lines", n=waiting)}</p>')
        cause = st.text_area(say("close.cause"), key="root_cause", placeholder=say("close.example"))
        st.button(say("close.button"), key="close_incident", disabled=waiting > 0, on_click=attempt,
                  args=("close", lambda who: actions.close(who, incident.number, incident.version, cause, reads.moment()), say("close.done")))


@st.fragment(run_every=10)
def listing() -> None:
    """All incidents, newest first."""
    session.require()
    settings, now = desk.here().settings, reads.moment()
    incidents = reads.all_incidents()
    st.html(f'<div class="first">{head(say("listing.title"), say("listing.note", n=len(incidents), open=sum(one.is_open for one in incidents)))}</div>')
    if not incidents:
        st.html(f'<p class="empty">{say("listing.none")}</p>')
    for one in incidents:
        name, _, nobody = parts.owner(one, settings, now)
        state = say("listing.open") if one.is_open else say("room.closed", time=clock_time(one.closed_at or now, now))
        with st.container(key=f"row_{one.id}"):
            st.html(f'<div class="row list-row"><div class="grade">{parts.chip(one.grade)}</div><div><span class="where">{dots(esc(parts.brand(settings, one.brand)), esc(one.number), clock_time(one.opened_at, now))}</span>'
                    f'<h4>{esc(one.title)}</h4></div><div class="curve"></div><div class="due"><span class="k">{state}</span></div><div class="has"><span class="k">{say("owner.label")}</span><b{" class=nobody" if nobody and one.is_open else ""}>{esc(name)}</b></div></div>')
            st.page_link("views/room.py", label=one.number, query_params={"n": one.number})


show()

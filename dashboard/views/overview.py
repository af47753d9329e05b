"""态势: what burns, what we don't see, what is mine to do. A lede, one lead story, the rest as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from dashboard import actions, calm, desk, lede, parts, phone, reads, session, spread
from dashboard import say as words
from dashboard.charts import small
from dashboard.doing import attempt, notice
from dashboard.parts import dots, esc, head
from dashboard.reads import Burning
from dashboard.say import say
from incidents.i18n import about, clock_time, number
from incidents.model import Incident, Person
from incidents.store.sources import SourceState

EVERY = 3  # seconds between two looks
EVERY_SLOW = 30
ORDER = "order"  # session state: ids of the incidents on the page, in the order in which they stand there


def show() -> None:
    top()
    guide()
    left, right = st.columns([944, 376], gap="large")
    with left:
        burning()
    with right:
        mine()
        usual()


# -- the sentence at the top ----------------------------------------------------------------------------------------


@st.fragment(run_every=EVERY)
def top() -> None:
    person, now = session.require(), reads.moment()
    incidents = reads.open_incidents()
    blind = [source for source in reads.sources() if source.health.blind]
    newest = max((source.fetched_at for source in reads.sources() if source.fetched_at), default=None)
    grades = " ".join(f"{words.grade(grade)} {n}" for grade in reversed(words.GRADES) if (n := sum(one.grade == grade for one in incidents)))
    seen = f'<span class="late">{say("lede.blind", n=len(blind))}</span>' if blind else say("lede.all_seen", n=len(reads.sources()))
    until = say("lede.newest", time=clock_time(newest, now)) if newest else say("lede.no_mentions")
    st.html("".join(parts.standstill(one) for one in reads.standstills())
            + f'<div class="lede"><h1>{esc(_sentence(person, incidents))}</h1><p>{dots(words.date_line(now), until)}<br>'
            f'{dots(say("lede.open", n=len(incidents)), grades, seen)}</p></div>')


def _sentence(person: Person, incidents: Sequence[Incident]) -> str:
    now = reads.moment()
    if not incidents:
        today = reads.volumes(_brands(), now.replace(second=0, microsecond=0))
        known = [volume.today <= volume.usual[1] for volume in today if volume.usual]
        return lede.calm(sum(volume.today for volume in today), all(known) if known else None)
    tasks, _, late = reads.my_tasks(person.roles)
    return lede.sentence(incidents, reads.burning(tuple(one.id for one in incidents)), [task for task, _, _ in tasks], late, now)


def _brands() -> tuple[str, ...]:
    return tuple(brand.id for brand in desk.here().settings.brands)


# -- a first walk -----------------------------------------------------------------------------------------------------


@st.fragment(run_every=EVERY)
def guide() -> None:
    """Four steps with the next one in bold, until the person has had enough of them."""
    person = session.require()
    if reads.preference(person.login, "guide") == "seen":
        return
    with st.container(key="guide"):
        said, close = st.columns([11, 1], vertical_alignment="center")
        said.html(_steps())
        close.button(say("guide.close"), key="guide_close", on_click=attempt, args=("prefer", lambda who: actions.prefer(who, "guide", "seen")))


def _steps() -> str:
    incidents = reads.open_incidents()
    taken = any(one.acked_by for one in incidents)
    room = reads.room(incidents[0].number) if incidents else None
    ticked = bool(room and any(task.done_at for task in room.tasks))
    rated = any(one.rating for one in reads.alerts())
    done = [bool(incidents), taken, ticked, rated]
    following = done.index(False) if False in done else -1
    steps = [say(f"guide.{place + 1}") for place in range(4)]
    return '<div class="guide">' + "".join(
        f"<span><i>{'✓' if done[place] else place + 1}</i>{f'<b>{step}</b>' if place == following else step}</span>" for place, step in enumerate(steps)) + "</div>"


# -- what burns ---------------------------------------------------------------------------------------------------------


@st.fragment(run_every=EVERY)
def burning() -> None:
    person, now = session.require(), reads.moment()
    incidents = reads.open_incidents()
    if not incidents:
        st.session_state.pop(ORDER, None)
        calm.left(_brands(), now)
        return
    ideal = _ideal(incidents)
    order = [one for one in st.session_state.get(ORDER, ideal) if one in ideal]
    order = order or ideal
    st.session_state[ORDER] = order
    rows = reads.burning(tuple(order))
    notice()
    _lead(rows[0], person)
    fresh = [one for one in ideal if one not in order]
    urgent = ideal[0] != order[0] and not fresh
    _rest(rows[1:], person, fresh=len(fresh), urgent=urgent, more=len(order) - len(rows))


def _ideal(incidents: Sequence[Incident]) -> list[int]:
    """Gravest first for the lead story; the others by what is due next."""
    now = reads.moment()
    shown = reads.burning(tuple(one.id for one in incidents))
    def due(one: Burning) -> tuple[float, int]:
        clock = parts.next_clock(one.clocks, now)
        step = one.incident.next_step_at
        nearest = min((at.timestamp() for at in (step, clock.due_at if clock else None) if at is not None and at > now), default=float("inf"))
        return nearest, one.incident.id
    lead, *others = shown
    rest = [one.id for one in incidents if one.id not in {row.incident.id for row in shown}]
    return [lead.incident.id, *(one.incident.id for one in sorted(others, key=due)), *rest]


def _sort_anew() -> None:
    st.session_state.pop(ORDER, None)


def _lead(row: Burning, person: Person) -> None:
    settings, now, incident = desk.here().settings, reads.moment(), row.incident
    room = reads.room(incident.number)
    fan = spread.fan_of(row, settings, now, spread.acts_of(room.events) if room else ())
    with st.container(key="lead"):
        st.html(f'<div class="leadstory"><div class="meta">{parts.chip(incident.grade)}{parts.stage(incident.stage)}'
                f'<span>{parts.story_line(incident, settings, row.platforms, row.first_platform, now)}</span></div><h2>{esc(incident.title)}</h2></div>')
        chart, said = st.columns([600, 310], gap="medium")
        with chart:
            st.html(f'<div class="legend">{say("chart.legend", metric=words.metric(fan.metric))}</div>')
            spread.draw(fan, key="fan_lead", height=190, small=True)
            st.html(spread.acts(fan))
        said.html(_howbig(row))
        st.html(parts.clock_strip(row.clocks, settings, now))
        with st.container(key="lead_buttons", horizontal=True, gap="small"):
            alone = parts.owner(incident, settings, now)[2] and actions.may(person, "acknowledge")
            if alone:  # nobody has it: that comes first
                _take_button(incident, "take_lead", "primary")
            with st.container(key="see_lead" if alone else "go_lead", width="content"):
                st.page_link("views/room.py", label=say("button.room"), query_params={"n": incident.number})


def _take_button(incident: Incident, key: str, kind: Literal["primary", "secondary"] = "secondary") -> None:
    st.button(say("button.take"), key=key, type=kind, on_click=attempt, args=("acknowledge", lambda who: actions.acknowledge(who, incident.number, incident.grade, reads.moment())))


def _howbig(row: Burning) -> str:
    """The number, why this grade, who has it."""
    settings, now, incident = desk.here().settings, reads.moment(), row.incident
    reasons = esc(words.reasons(incident))
    name, note, nobody = parts.owner(incident, settings, now)
    owner = f'<b{" class=soon" if nobody else ""}>{esc(name)}</b> {esc(note)}'
    return (f'<div class="howbig">{spread.number_block(row.foreseen, settings, incident.brand, now)}'
            f'<p class="label">{say("why.grade", grade=words.grade(incident.grade))}</p><p>{reasons}</p>'
            f'<p class="label">{say("owner.label")}</p><p>{owner}</p></div>')


def _rest(rows: Sequence[Burning], person: Person, *, fresh: int, urgent: bool, more: int) -> None:
    with st.container(key="rest_head", horizontal=True, vertical_alignment="bottom"):
        st.html(head(say("rest.title", n=len(rows) + more), say("rest.legend")) if rows else "<span></span>")
        if fresh or urgent:
            with st.container(key="fresh_rest", width="content"):
                st.button(say("rest.fresh", n=fresh) if fresh else say("rest.urgent"), key="show_fresh", on_click=_sort_anew)
    for row in rows:
        _row(row, person)
    if more > 0:
        st.page_link("views/room.py", label=say("rest.more", n=more))


def _row(row: Burning, person: Person) -> None:
    settings, now, incident = desk.here().settings, reads.moment(), row.incident
    nobody = parts.owner(incident, settings, now)[2]
    with st.container(key=f"row_{incident.id}"):
        st.html(_grid(row))
        st.page_link("views/room.py", label=incident.number, query_params={"n": incident.number})
        if nobody and actions.may(person, "acknowledge"):
            _take_button(incident, f"take_{incident.id}")


def _grid(row: Burning) -> str:
    settings, now, incident = desk.here().settings, reads.moment(), row.incident
    places = say("list.comma").join(words.platform(one) for one in row.platforms[:3])
    where = dots(esc(parts.brand(settings, incident.brand)), say("story.first_short", time=clock_time(incident.first_appeared, now)), esc(places))
    return (f'<div class="row"><div class="grade">{parts.chip(incident.grade)}{parts.stage(incident.stage)}</div>'
            f'<div><span class="where">{where}</span><h4>{esc(incident.title)}</h4>{parts.age_bar(incident.first_appeared, now)}</div>'
            f'<div class="curve">{small(spread.fan_of(row, settings, now))}{_foreseen(row)}</div>{_due(row)}{_has(row)}</div>')


def _foreseen(row: Burning) -> str:
    if row.foreseen is None:
        return f'<span class="k">{say("forecast.none_short")}</span>'
    foreseen, now = row.foreseen.forecast, reads.moment()
    at, q = words.horizon(foreseen)
    if foreseen.abstains or q is None:
        seen = say("forecast.now", n=number(foreseen.observed)) if foreseen.observed is not None else ""
        return f'{seen}<br><span class="k">{say("forecast.none_short") if foreseen.abstains else say("forecast.over_window")}</span>'
    return (f'{say("forecast.row", time=clock_time(at, now), n=about(q["50"]), metric=words.metric(foreseen.metric))}<br>'
            f'{say("forecast.range", range=words.about_range(q["10"], q["90"]))}')


def _due(row: Burning) -> str:
    """What is due next: the hand-over if nobody has it, else the next clock."""
    settings, now, incident = desk.here().settings, reads.moment(), row.incident
    if parts.owner(incident, settings, now)[2] and incident.next_step_at is not None:
        said, tone = words.due_words(incident.next_step_at, now)
        return f'<div class="due"><span class="k">{say("button.take_short")}</span><b class="soon {tone}">{said}</b><span class="k">{esc(parts.next_call(incident, settings, now))}</span></div>'
    clock = parts.next_clock(row.clocks, now)
    if clock is None:
        return f'<div class="due"><b class="kept">{say("due.all_kept")}</b></div>'
    said, tone = words.clock_words(clock, now)
    return f'<div class="due"><span class="k">{words.say_or(f"clock.{clock.kind}", clock.kind)}</span><b class="{tone}">{said}</b><span class="k">{words.clock_note(clock, now)}</span></div>'


def _has(row: Burning) -> str:
    name, note, nobody = parts.owner(row.incident, desk.here().settings, reads.moment())
    said = "" if nobody else f'<span class="k">{esc(note)}</span>'
    return f'<div class="has"><span class="k">{say("owner.label")}</span><b{" class=nobody" if nobody else ""}>{esc(name)}</b>{said}</div>'


# -- the right column -----------------------------------------------------------------------------------------------------


@st.fragment(run_every=EVERY)
def mine() -> None:
    person, now = session.require(), reads.moment()
    settings = desk.here().settings
    if not reads.open_incidents():
        calm.right(now)
    else:
        tasks, many, late = reads.my_tasks(person.roles, 4)
        note = dots(esc(person.name), say("mine.count", n=many), f'<span class="late">{say("mine.late", n=late)}</span>' if late else "")
        lines = "".join(f"<div><span>{esc(words.of_playbook(task.title))}</span>{spread.due_cell(task, now)}<span class='s'>{dots(esc(parts.brand(settings, brand)), esc(code), say('mine.proof', hint=esc(words.of_playbook(task.evidence_hint))))}</span></div>"
                        for task, brand, code in tasks)
        st.html(f'<div class="first">{head(say("mine.title"), note)}</div><div class="list">{lines or _none("mine.none")}</div>')
    if phone.has_preview():
        st.html(head(say("phone.title"), say("phone.note")) + phone.picture(phone.newest(), now))
    st.html(_blind(reads.sources()))
    _budget(person)


def _none(key: str) -> str:
    return f'<p class="empty">{say(key)}</p>'


def _blind(sources: Sequence[SourceState]) -> str:
    now, blind = reads.moment(), [source for source in sources if source.health.blind]
    lines = "".join(
        f'<div><span><i class="{"warn" if source.health.value == "silent" else "x"}"></i>{esc(source.name)}</span>'
        f'<span class="r">{say("blind.since", time=clock_time(source.health_since, now)) if source.health_since else ""}</span>'
        f'<span class="s">{spread.health_line(source, now)}</span></div>' for source in blind[:8])
    return head(say("blind.title"), say("blind.count", n=len(sources), blind=len(blind))) + f'<div class="list">{lines or _none("blind.none")}</div>'


CELLS = 12


def _budget(person: Person) -> None:
    told = reads.budget(person.login, reads.day_start(reads.moment()))
    cells = "".join(f'<i class="{"on" if place < told.today else ""}"></i>' for place in range(CELLS))
    rated = say("budget.today", n=told.today, right=told.right_today, wrong=told.wrong_today)
    st.html(head(say("budget.title"), say("budget.note", n=CELLS)) + f'<div class="cells">{cells}</div><p class="note">{rated}<br>{spread.precision(told)}</p>')


@st.fragment(run_every=EVERY_SLOW)
def usual() -> None:
    session.require()
    now = reads.moment()
    volumes = reads.volumes(_brands(), now.replace(second=0, microsecond=0))
    lines = "".join(spread.volume_line(volume, parts.brand(desk.here().settings, volume.brand)) for volume in volumes[:20])
    st.html(head(say("volume.title"), say("volume.note")) + lines)


show()

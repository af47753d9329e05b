"""接手: the page that a chat message links to. Plain HTML, one big button; only the POST takes it over."""

from __future__ import annotations

from datetime import datetime
from html import escape

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard import actions, desk, parts, reads, session
from dashboard import say as words
from dashboard.parts import esc
from dashboard.plain import form_of, page
from dashboard.say import say
from incidents.errors import Conflict, Refused
from incidents.i18n import about, clock_time, number
from incidents.model import Forecast, Grade, Incident, Person, Task

SEEN = {str(int(grade)): grade for grade in Grade}  # what the form may send back; anything else was not seen
QUOTE = 60  # code points of the quoted sentence: as little as says it


def show(request: Request) -> Response:
    """The incident as it is now; looking changes nothing (chat tools fetch links ahead)."""
    person = _person(request)
    if person is None:
        return RedirectResponse(f"/login?next={request.url.path}", 303)
    return _page(request.path_params["number"], person)


async def take(request: Request) -> Response:
    """The person's word that they have it, at the grade that stood on their page."""
    form = await form_of(request)
    person = await to_thread.run_sync(_person, request)
    if person is None:
        return RedirectResponse(f"/login?next={request.url.path}", 303)
    return await to_thread.run_sync(_take, request.path_params["number"], person, form.get("grade", ""))


def _take(code: str, person: Person, grade: str) -> Response:
    try:
        actions.acknowledge(person, code, SEEN.get(grade, Grade.NONE), reads.moment())
    except Conflict:
        return _page(code, person, notice=say("ack.raised"), status=409)
    except Refused:
        refused = "ack.role" if not actions.may(person, "acknowledge") else "ack.closed"
        return _page(code, person, notice=say(refused), status=403)
    return RedirectResponse(f"/ack/{code}", 303)  # a reload of the answer must not post again


def _person(request: Request) -> Person | None:
    return session.holder(session.secret_of(request.headers.get("cookie", "")))


def _page(code: str, person: Person, notice: str = "", status: int = 200) -> Response:
    now, incident = reads.moment(), reads.incident(code)
    if incident is None:
        return page(say("ack.title"), f'<main class="ack"><h1>{say("ack.unknown", number=esc(code))}</h1><p><a href="/">{say("ack.overview")}</a></p></main>', 404)
    said = f'<p class="wrong" role="alert">{notice}</p>' if notice else ""
    stands = "".join(parts.standstill(one) for one in reads.standstills())
    body = (f'<main class="ack"><div class="top">{parts.chip(incident.grade)}<span>{parts.dots(clock_time(now, now), say("ack.number", number=esc(incident.number)))}</span></div>'
            f"<h1>{esc(parts.brand(desk.here().settings, incident.brand))} {esc(incident.title)}</h1>{said}{stands}{_size(incident, now)}<dl>{_facts(incident, now)}</dl></main>"
            f'<div class="bar">{_bar(incident, person, now)}</div>')
    return page(say("ack.title"), body, status)


def _size(incident: Incident, now: datetime) -> str:
    """The big number with its range, or why there is none."""
    room = reads.room(incident.number)
    foreseen = room.foreseen.forecast if room and room.foreseen else None
    if foreseen is None or foreseen.abstains:
        return f'<p class="range">{esc(words.abstains(foreseen)) if foreseen else say("forecast.none_yet")}</p>'
    return forecast_block(foreseen, incident, now)


def forecast_block(foreseen: Forecast, incident: Incident, now: datetime) -> str:
    at, q = words.horizon(foreseen)
    if q is None:
        return f'<p class="range">{say("forecast.over")}</p>'
    seen = say("forecast.now", n=number(foreseen.observed)) if foreseen.observed is not None else ""
    over = words.over(foreseen, desk.here().settings, incident.brand)
    crossing = say("forecast.over_short", p=words.percent(over[1])) if over else ""
    return (f'<p class="label">{say("forecast.until", time=clock_time(at, now), metric=words.metric(foreseen.metric))}</p>'
            f'<p class="big">{say("forecast.about", n=about(q["50"]))}</p>'
            f'<p class="range">{parts.dots(say("forecast.range", range=words.about_range(q["10"], q["90"])), seen, crossing)}</p>')


def _facts(incident: Incident, now: datetime) -> str:
    settings, room = desk.here().settings, reads.room(incident.number)
    first = next((task for task in sorted(room.tasks, key=lambda task: task.due_at or datetime.max.replace(tzinfo=now.tzinfo)) if task.done_at is None), None) if room else None
    blind = [source for source in reads.sources() if source.health.blind]
    rows = {
        "ack.quote": _quote(incident, now),
        "ack.why": esc(words.reasons(incident)),
        "ack.first": f"<b>{esc(_by_when(first, now))}</b> {esc(words.of_playbook(first.title))}" if first else "",
        "ack.told": parts.told_line(room.told, settings) if room else "",
        "ack.blind": say("list.semicolon").join(
            esc(say("blind.line", name=source.name, health=words.say_or(f"health.{source.health.value}", source.health.value),
                    time=clock_time(source.health_since, now) if source.health_since else "?")) for source in blind[:3]),
    }
    return "".join(f"<div><dt>{say(key)}</dt><dd>{value}</dd></div>" for key, value in rows.items() if value)


def _by_when(task: Task, now: datetime) -> str:
    if task.due_at is None:
        return words.of_playbook(task.due_words)
    return say("ack.before", time=clock_time(task.due_at, now)) if task.due_at > now else words.due_words(task.due_at, now)[0]


def _quote(incident: Incident, now: datetime) -> str:
    """The sentence of the first mention around its first harm word, with the harm words marked."""
    seen = reads.lead(incident.story_id, incident.brand)
    if seen is None or seen.gone:
        return ""
    text, harms = words.sentence(seen.text or seen.title, [one for one in seen.harms if one.field == ("text" if seen.text else "title")], QUOTE)
    source = f'{words.platform(seen.platform)} {clock_time(seen.dated, now)}'
    said = parts.marked(text, harms, ())
    return f'{said if "“" in text else f"“{said}”"}<span class="src">{esc(source)}</span>'


def _bar(incident: Incident, person: Person, now: datetime) -> str:
    settings = desk.here().settings
    if not incident.is_open:
        return f'<p>{say("ack.over", time=clock_time(incident.closed_at or now, now))}</p>{_onward(incident, now)}'
    if incident.acked_by == person.login:
        lasts = say("ack.until", time=clock_time(incident.ack_until, now)) if incident.ack_until else ""
        voids = say("ack.voids") if incident.grade < Grade.RED else ""
        return (f'<p class="own">{esc(say("ack.mine", time=clock_time(incident.acked_at or now, now), name=person.name))}</p>'
                f'<p class="note">{say("list.semicolon").join(one for one in (lasts, voids) if one)}</p>{_onward(incident, now)}')
    if incident.acked_by is not None:
        line = f'<p class="own">{esc(say("ack.theirs", time=clock_time(incident.acked_at or now, now), name=words.person(settings, incident.acked_by)))}</p>'
        return line + _button(incident, person, say("ack.take_over"), "main second") + _onward(incident, now)
    call = parts.next_call(incident, settings, now)
    through = say("ack.through") if incident.step + 1 >= len(incident.chain) > 1 else ""
    line = f'<p class="soon">{say("ack.else", call=esc(call)) if call else through}</p>'
    return line + _button(incident, person, say("ack.button"), "main")


def _button(incident: Incident, person: Person, label: str, css: str) -> str:
    if not actions.may(person, "acknowledge"):
        return f'<p class="note">{say("ack.role")}</p>'
    return (f'<form method="post" action="/ack/{escape(incident.number)}"><input type="hidden" name="grade" value="{int(incident.grade)}">'
            f'<button class="{css}">{label}</button></form>')


def _onward(incident: Incident, now: datetime) -> str:
    """The button becomes the next thing to do."""
    room = reads.room(incident.number)
    waiting = sorted((task for task in (room.tasks if room else ()) if task.done_at is None and task.due_at), key=lambda task: task.due_at or now)
    label = say("ack.room")
    if incident.is_open and waiting and waiting[0].due_at:
        label = say("ack.next", title=words.of_playbook(waiting[0].title, 10), due=words.due_words(waiting[0].due_at, now)[0])
    return f'<a class="main" href="/incident?n={escape(incident.number)}">{esc(label)}</a>'


def routes() -> list[Route]:
    return [Route("/ack/{number}", show, methods=["GET"]), Route("/ack/{number}", take, methods=["POST"])]

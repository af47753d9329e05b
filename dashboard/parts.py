"""Pieces of HTML that several pages use. Everything foreign goes through ``esc``, links through ``link``."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from dashboard import say as words
from dashboard import tongue
from dashboard.say import say
from incidents.i18n import clock_time, number
from incidents.i18n import span as lasting
from incidents.model import Clock, Grade, Incident, Span, Stage
from incidents.settings import Settings
from incidents.store.outbox import Told
from incidents.store.standing import Standstill

KEPT = "\n\t\u200d"  # the joiner holds emoji together and turns nothing
WINDOW = timedelta(hours=24)  # the age bar's whole length: the spread window


def esc(text: object) -> str:
    """Foreign text as HTML text. Controls and marks that turn the direction of writing are dropped, so that
    a post can neither close a tag nor rearrange the words around it (Unicode TR 36, TR 9)."""
    return html.escape("".join(c for c in str(text) if c in KEPT or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co")), quote=True)


def link(url: str, label: str, css: str = "") -> str:
    """A link out, if it is a web address; else only its words. ``label`` is escaped here."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        good = False
    if not good:
        return f'<span class="{css}">{esc(label)}</span>'
    return f'<a class="{css}" href="{esc(url)}" target="_blank" rel="noopener noreferrer nofollow">{esc(label)}</a>'


def marked(text: str, harms: Iterable[Span], names: Iterable[Span], why: Iterable[Span] = ()) -> str:
    """``text`` with harm words in <mark>, brand names in <b> and what decided its classes in <u>; where they meet, the first of them wins."""
    kinds = [""] * len(text)
    for spans, kind in ((why, "u"), (names, "b"), (harms, "mark")):
        for span in spans:
            for place in range(max(0, span.start), min(len(text), span.end)):
                kinds[place] = kind
    found, start = [], 0
    for place in range(1, len(text) + 1):
        if place == len(text) or kinds[place] != kinds[start]:
            piece = esc(text[start:place])
            found.append(f"<{kinds[start]}>{piece}</{kinds[start]}>" if kinds[start] else piece)
            start = place
    return "".join(found)


def chip(grade: Grade, *, long: bool = True) -> str:
    """Shape, word and colour: any two may be lost and the grade is still read."""
    return f'<span class="chip {grade.code}"><i></i>{words.grade(grade, long=long)}</span>'


def stage(one: Stage) -> str:
    return f'<span class="tag">{say("stage.label", stage=say(f"stage.{one.value}"))}</span>'


def dots(*pieces: str) -> str:
    """Pieces of HTML with a middle dot between them, glued to the piece before."""
    return '<span class="dot"> · </span>'.join(piece for piece in pieces if piece)


def head(title: str, note: str = "") -> str:
    """The head of a section: a name, a thin rule, a note at the right."""
    return f'<div class="sec"><h3>{esc(title)}</h3><span>{note}</span></div>'


def who(name: str, drill: str | None, path: str) -> str:
    badge = f'<span class="drill">{esc(drill)}</span>' if drill else ""
    return f'{badge}<span class="me">{esc(name)}</span>{tongue.links(path)}<a href="/logout" target="_self">{say("logout.short")}</a>'


def pace(speed: float) -> str:
    """How much world time passes in a second: 1 分, 10 秒."""
    return say("pace.minutes", n=f"{speed / 60:g}") if speed >= 60 else say("pace.seconds", n=f"{speed:g}")


def in_order(clocks: Sequence[Clock]) -> list[Clock]:
    """Open promises by due time, then those that were kept."""
    return sorted(clocks, key=lambda clock: (clock.met_at is not None, clock.due_at))


def next_clock(clocks: Sequence[Clock], now: datetime) -> Clock | None:
    """The next promise that can still be kept; else the one that has been broken longest. Closed windows are over."""
    waiting = [clock for clock in in_order(clocks) if clock.met_at is None and not (words.is_window(clock) and clock.due_at <= now)]
    return next((clock for clock in waiting if clock.due_at > now), waiting[0] if waiting else None)


def clock_strip(clocks: Sequence[Clock], settings: Settings, now: datetime, *, bars: bool = False) -> str:
    """All clocks in one frame, the next one with a bar over it."""
    upcoming = next_clock(clocks, now)
    cells = "".join(_clock_cell(clock, settings, now, clock is upcoming, bars) for clock in in_order(clocks))
    return f'<div class="clocks">{cells}</div>' if cells else ""


def _clock_cell(clock: Clock, settings: Settings, now: datetime, first: bool, bars: bool) -> str:
    said, tone = words.clock_words(clock, now)
    note = words.clock_note(clock, now)
    if clock.met_at is None:
        note = dots(note, esc(words.role(settings, clock.role)))
    whole = (clock.due_at - clock.starts_at) / timedelta(seconds=1)
    passed = ((clock.met_at or now) - clock.starts_at) / timedelta(seconds=1)
    bar = f'<i class="gone"><i style="width:{_share(passed, whole)}%"></i></i>' if bars else ""
    return (f'<div class="{tone}{" next" if first else ""}"><span class="name">{words.say_or(f"clock.{clock.kind}", clock.kind)}</span>'
            f'<b>{said}</b>{bar}<span class="until">{note}</span></div>')


def _share(part: float, whole: float) -> int:
    return 100 if whole <= 0 else round(100 * min(1.0, max(0.0, part / whole)))


def age_bar(since: datetime, now: datetime) -> str:
    """How old it is, on the 24 hours in which it is decided; ticks at 12 and 24."""
    share = _share((now - since).total_seconds(), WINDOW.total_seconds())
    return (f'<div class="age"><i style="width:{share}%"></i><u></u><u class="end"></u></div>'
            f'<div class="ages"><span>{words.age(since, now)}</span><span>12 h</span><span>24 h</span></div>')


def story_line(incident: Incident, settings: Settings, platforms: Sequence[str], first: str, now: datetime) -> str:
    """岚野汽车 · 首次出现 02:07 微博 · 已 7 小时 35 分 · 4 个平台."""
    several = say("story.platforms", n=len(platforms)) if len(platforms) > 1 else ""
    return dots(esc(brand(settings, incident.brand)), say("story.first", time=clock_time(incident.first_appeared, now), platform=words.platform(first) if first else ""),
                words.age(incident.first_appeared, now), several)


def brand(settings: Settings, brand_id: str) -> str:
    return next((one.name for one in settings.brands if one.id == brand_id), brand_id)


def owner(incident: Incident, settings: Settings, now: datetime) -> tuple[str, str, bool]:
    """(who has it, a note, True when nobody has it)."""
    if incident.acked_by is not None:
        until = say("owner.until", time=clock_time(incident.ack_until, now)) if incident.ack_until else ""
        return words.person(settings, incident.acked_by), until or say("owner.has"), False
    if incident.grade == Grade.BLUE:
        return words.person(settings, incident.owner), say("owner.not_needed"), False
    return say("person.nobody"), next_call(incident, settings, now), True


def next_call(incident: Incident, settings: Settings, now: datetime) -> str:
    """09:55 打给沈禾: what happens if nobody takes it."""
    if incident.next_step_at is None or not incident.chain:
        return ""
    step = incident.chain[(incident.step + 1) % len(incident.chain)]
    return say("owner.next_call", time=clock_time(incident.next_step_at, now), people=words.people(settings, step.people))


def told_line(told: Sequence[Told], settings: Settings) -> str:
    """Who was told, each once, in the order of their first alert; a note on those whom no alert of the present grade has reached.

    ``told`` is newest first. A reminder that waits does not unsay that the phone has rung; a new grade does.
    """
    reached: dict[str, bool] = {}
    for one in reversed(told):
        reached[one.person] = reached.get(one.person, False) or (one.sent_at is not None and one.grade == told[0].grade)
    said = [f"{words.person(settings, login)}{'' if rang else say('told.not_yet')}" for login, rang in reached.items()]
    return say("list.comma").join(esc(one) for one in said)


def standstill(one: Standstill) -> str:
    """A role that stands still, above everything that would look calm because of it."""
    return f'<div class="callout late" role="alert"><i class="warn"></i><b>{esc(say(f"lede.standstill.{one.role}", age=lasting(one.age), n=number(one.waiting)))}</b> {esc(say("alert.standstill.then"))}</div>'

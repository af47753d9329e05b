"""An alert in words: chat Markdown, plain text, SMS, JSON. Words come from the locale files.

Crawled text is untrusted: it is cut to 40 characters, loses its links and every character that Markdown reads
(by their full-width twins, which no renderer interprets), and is left out where a provider refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.channels import Message
from incidents.brief import reason_words
from incidents.i18n import about, clock_time, has, number, words
from incidents.model import Grade, Incident, OutboxRow, Reason, Task
from incidents.playbook_words import said as of_playbook
from incidents.settings import Settings
from incidents.text import excerpt

TITLE, SHORT, QUOTE = 30, 70, 40  # characters: lock screen, SMS, excerpt
REASONS_SHOWN = 3
WIDE = str.maketrans("\\`*_{}[]()#+!|~<>&", "＼｀＊＿｛｝［］（）＃＋！｜～＜＞＆")
LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """One alert that is about to be sent, with what is known at this moment."""

    row: OutboxRow
    incident: Incident | None
    first_task: Task | None
    settings: Settings
    now: datetime
    quoted: bool = True

    @property
    def body(self) -> Mapping[str, Any]:
        return self.row.body

    @property
    def link(self) -> str | None:
        return None if self.incident is None else f"{self.settings.public_url.rstrip('/')}/ack/{self.incident.number}"

    @property
    def taken(self) -> bool:
        return self.incident is not None and self.incident.acked_by is not None

    def time(self, iso: str) -> str:
        return clock_time(datetime.fromisoformat(iso), self.now)

    def name(self, login: str) -> str:
        return next((person.name for person in self.settings.people if person.login == login), login)

    def names(self, logins: Sequence[str]) -> str:
        return words("alert.comma").join(self.name(login) for login in logins)


def render(row: OutboxRow, incident: Incident | None, settings: Settings, now: datetime, *, first_task: Task | None = None, quoted: bool = True) -> Message:
    """The alert in every form a channel may want. ``quoted`` False leaves out what others wrote."""
    told = Occasion(row=row, incident=incident, first_task=first_task, settings=settings, now=now, quoted=quoted)
    title, lines = _title(told), [line for line in _lines(told) if line]
    link, button = told.link, _button(told)
    plain = "\n".join(line.replace("**", "").removeprefix("### ").removeprefix("> ") for line in lines)
    rings = row.grade >= Grade.ORANGE and row.reason not in (Reason.LOWERED, Reason.RESOLVED)
    return Message(
        key=row.key, title=title, markdown="\n\n".join(lines), plain=plain + (f"\n{words('alert.plain_link', button=button, link=link)}" if link else ""),
        short=_short(told, title), link=link, button=button, mention=row.receiver.mobile if rings else None, values=_values(told, title))


def safe(text: str, length: int = QUOTE) -> str:
    """Somebody else's text, harmless and short."""
    return excerpt(LINK.sub("", text).translate(WIDE), length)


def _lines(told: Occasion) -> Iterator[str]:
    if told.row.reason is Reason.BLIND:
        yield from _blind_source(told)
    elif told.row.reason is Reason.DEAD_LETTER:
        yield from _dead_letter(told)
    elif told.row.reason is Reason.DRIFT:
        yield from _drift(told)
    elif told.row.reason is Reason.STANDSTILL:
        yield from _standstill(told)
    else:
        yield from _incident(told)


def _incident(told: Occasion) -> Iterator[str]:
    code = told.row.grade.code
    yield "### " + words("alert.heading", mark=words(f"grade.mark.{code}"), grade=words(f"grade.long.{code}"), brand=_brand(told))
    if told.quoted:
        yield f"**{safe(_story_title(told))}**"
    yield _first_post(told)
    yield _forecast(told)
    yield words("alert.why_now", why=_why(told))
    if told.row.reason is Reason.RESOLVED:
        return
    yield _do_first(told)
    yield _who(told)
    yield _not_seen(told)


def _story_title(told: Occasion) -> str:
    return str(told.body.get("title") or (told.incident.title if told.incident else ""))


def _brand(told: Occasion) -> str:
    return safe(str(told.body.get("brand") or (told.incident.brand if told.incident else "")), 20)


def _first_post(told: Occasion) -> str:
    appeared = told.body.get("first_appeared")
    if not appeared:
        return ""
    values = dict(platform=_word("platform", told.body.get("platform")), time=told.time(appeared))
    said = safe(str(told.body.get("quote") or ""))
    return "> " + (words("alert.quote", quote=said, **values) if said and told.quoted else words("alert.first_post", **values))


def _horizon(told: Occasion) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """(forecast, the nearest horizon that is still ahead)."""
    made = told.body.get("forecast")
    for name in ("h12", "h24"):
        if made and made.get(name) and datetime.fromisoformat(made[name]["at"]) > told.now:
            return made, made[name]
    return None


def _forecast(told: Occasion) -> str:
    """``15:00 约 4,000 次转发（80%：1,900–9,500），现在 92``; without a forecast only what was counted."""
    found = _horizon(told)
    if found is None:
        metric = str(told.body.get("metric") or "reposts")
        observed = (told.body.get("observed") or {}).get(metric)
        return "" if observed is None else words("alert.observed_only", observed=number(observed), metric=_word("metric", metric))
    made, horizon = found
    said = words("alert.forecast", at=told.time(horizon["at"]), q50=about(horizon["q50"]), metric=_word("metric", made["metric"]))
    rest = words("alert.forecast_range", q10=about(horizon["q10"]), q90=about(horizon["q90"]))
    seen = "" if made.get("observed") is None else words("alert.forecast_now", observed=number(made["observed"]))
    return f"**{said}**{rest}{seen}{words('alert.forecast_cold') if made.get('cold') else ''}"


def _why(told: Occasion) -> str:
    values: dict[str, Any] = dict(grade=words(f"grade.{told.row.grade.code}"))
    if told.row.reason is Reason.CLOCK:
        values["clocks"] = words("alert.comma").join(_word("clock", kind) for kind in told.body.get("clocks", ()))
    return words(f"alert.why.{_kind(told)}", reasons=_reasons(told), **values)


def _kind(told: Occasion) -> str:
    return "repeat_taken" if told.row.reason is Reason.REPEAT and told.taken else told.row.reason.value


def _reasons(told: Occasion) -> str:
    """The reasons that carry the grade first; a single one of a lower grade adds colour."""
    reasons = sorted(told.body.get("reasons") or (), key=lambda reason: -int(reason["grade"]))
    said = [reason_words(reason["code"], reason["values"]) for reason in reasons[:REASONS_SHOWN]]
    return words("alert.semicolon").join(said) or words("alert.why.nothing")


def _do_first(told: Occasion) -> str:
    title, due = _first_thing(told)
    if not title:
        return ""
    late = due <= told.now if due else False
    return words("alert.do_first_late" if late else "alert.do_first", due=clock_time(due, told.now) if due else "", title=title)


def _first_thing(told: Occasion) -> tuple[str, datetime | None]:
    """The first open line of the checklist now; the brief's own where the incident has none yet."""
    if told.first_task is not None and told.first_task.due_at is not None:
        return of_playbook(told.first_task.title), told.first_task.due_at
    planned = told.body.get("first_task") if told.incident is None else None
    return (of_playbook(planned["title"]), datetime.fromisoformat(planned["due"])) if planned else ("", None)


def _who(told: Occasion) -> str:
    """Who has it; or who was told, and who is next if nobody takes it."""
    incident = told.incident
    if incident is not None and incident.acked_by is not None and incident.acked_at is not None:
        return words("alert.taken", person=told.name(incident.acked_by), at=clock_time(incident.acked_at, told.now))
    people = list(dict.fromkeys(p for step in incident.chain[: incident.step + 1] for p in step.people)) if incident else list(told.body.get("told") or ())
    if not people:
        return ""
    if incident is None or incident.next_step_at is None or incident.step + 1 >= len(incident.chain):
        return words("alert.told", people=told.names(people))
    return words("alert.told_next", people=told.names(people), at=clock_time(incident.next_step_at, told.now), next=told.names(incident.chain[incident.step + 1].people))


def _not_seen(told: Occasion) -> str:
    blind = told.body.get("blind") or ()
    if not blind:
        return ""
    shown = [words("alert.blind_one", name=safe(one["name"], 20), health=_word("health", one["health"]), since=told.time(one["since"]) if one["since"] else "?")
             for one in blind[:2]]
    more = int(told.body.get("blind_count") or len(blind))
    return words("alert.blind", sources=words("alert.comma").join(shown) + (words("alert.blind_more", count=more) if more > 2 else ""))


def _blind_source(told: Occasion) -> Iterator[str]:
    body = told.body
    name = safe(body["source"], 20)
    yield "### " + words("alert.source_blind.heading", source=name)
    yield words("alert.source_blind.body", source=name, health=_word("health", body["health"]), since=told.time(body["since"]))
    if body.get("detail"):
        yield words("alert.source_blind.detail", detail=safe(body["detail"], 80))


def _dead_letter(told: Occasion) -> Iterator[str]:
    body = told.body
    yield "### " + words("alert.dead_letter.heading")
    yield words("alert.dead_letter.body", person=told.name(body["person"]), channel=body["channel"], grade=words(f"grade.{told.row.grade.code}"))
    if body.get("title") and told.quoted:
        yield words("alert.dead_letter.what", brand=safe(body.get("brand") or "", 20), title=safe(body["title"]))
    yield words("alert.dead_letter.answer", answer=safe(body["answer"], 120))
    yield words("alert.dead_letter.handed", next=body["handed_to"]) if body.get("handed_to") else words("alert.dead_letter.nobody")


def _drift(told: Occasion) -> Iterator[str]:
    yield "### " + words("alert.forecast_drift.heading")
    for one in told.body["drift"]:
        low = one["covered"] < one["nominal"]
        said = dict(nominal=round(100 * one["nominal"]), covered=round(100 * one["covered"]), count=one["count"])
        yield words("alert.forecast_drift.narrow" if low else "alert.forecast_drift.wide", **said)
    yield words("alert.forecast_drift.then", since=told.time(told.body["since"]))


def _standstill(told: Occasion) -> Iterator[str]:
    role = told.body["role"]
    yield "### " + words(f"alert.standstill.{role}.heading")
    yield words(f"alert.standstill.{role}.body", since=told.time(told.body["since"]), waiting=number(told.body["waiting"]))
    yield words("alert.standstill.then")


def _button(told: Occasion) -> str:
    return words("alert.button_look" if told.taken or told.row.reason in (Reason.RESOLVED, Reason.LOWERED) else "alert.button")


def _title(told: Occasion) -> str:
    """The lock-screen line: ``◆橙 岚野汽车 N6 刹车失灵，15:00 约 4,000 转发``, at most 30 characters."""
    body = told.body
    if told.row.reason is Reason.BLIND:
        return excerpt(words("alert.source_blind.title", source=safe(body["source"], 20)), TITLE)
    if told.row.reason is Reason.DEAD_LETTER:
        return excerpt(words("alert.dead_letter.title", person=told.name(body["person"]), channel=body["channel"]), TITLE)
    if told.row.reason is Reason.DRIFT:
        return excerpt(words("alert.forecast_drift.title"), TITLE)
    if told.row.reason is Reason.STANDSTILL:
        return excerpt(words(f"alert.standstill.{told.body['role']}.heading"), TITLE)
    code, found = told.row.grade.code, _horizon(told)
    head = words("alert.mark_grade", mark=words(f"grade.mark.{code}"), grade=words(f"grade.{code}")) + words(f"alert.tag.{_kind(told)}")
    tail = "" if found is None else words("alert.tail", at=told.time(found[1]["at"]), q50=about(found[1]["q50"]), metric=_word("metric", found[0]["metric"]))
    if len(head) + len(tail) > TITLE - 9:  # who and what outrank how many
        tail = ""
    what = _who_and_what(told)
    return head + excerpt(what, TITLE - len(head) - len(tail)) + tail


def _who_and_what(told: Occasion) -> str:
    """Brand and story; the brand is not said twice."""
    brand, story = _brand(told), safe(_story_title(told))
    if not told.quoted:
        return brand
    return story if story.startswith(brand) else f"{brand} {story}"


def _short(told: Occasion, title: str) -> str:
    """The SMS: the link stays whole, the words give way."""
    link = f" {told.link}" if told.link else ""
    room = SHORT - len(words("alert.short", lead="", link=link))
    return words("alert.short", lead=excerpt(title, max(room, 8)), link=link)


def _values(told: Occasion, title: str) -> dict[str, Any]:
    """The JSON of the webhook."""
    row, incident = told.row, told.incident
    hidden = () if told.quoted else ("quote", "title")
    return {
        "key": row.key, "reason": row.reason.value, "grade": row.grade.code, "title": title, "at": told.now.isoformat(), "due": row.due_at.isoformat(),
        "person": row.receiver.person, "link": told.link,
        "incident": None if incident is None else {"number": incident.number, "episode": incident.episode, "brand": incident.brand, "stage": incident.stage.value},
        "brief": {name: value for name, value in row.body.items() if name not in hidden},
    }


def _word(group: str, code: object) -> str:
    """The word of a code; a code that no locale file knows is shown as it is, harmless."""
    key = f"{group}.{code}"
    return words(key) if has(key) else safe(str(code or "?"), 20)

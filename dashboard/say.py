"""How things are said: words of the locale files, people by name, times and clocks in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from incidents import now as times
from incidents.brief import reason_words
from incidents.i18n import MissingWords, about, clock_time, number, span, words
from incidents.model import Clock, Forecast, ForecastReason, Grade, GradeReason, Incident, Span
from incidents.playbook_words import said as in_words
from incidents.settings import Settings
from incidents.text import excerpt

SOON = timedelta(minutes=30)  # a clock this close to its end is said in the colour of lateness
GRADES = (Grade.BLUE, Grade.YELLOW, Grade.ORANGE, Grade.RED)
YUJING = "yujing"  # who acts when no person does


def say(key: str, /, **values: Any) -> str:
    """The sentence of ``key``; raises MissingWords for a key of ours that is not in the locale file."""
    return words(key, **values)


def say_or(key: str, otherwise: str, /, **values: Any) -> str:
    """The sentence of a key that another part owns, or ``otherwise``: a page never breaks over a word."""
    try:
        return words(key, **values)
    except (MissingWords, ValueError):
        return otherwise


def reason(one: GradeReason) -> str:
    """A grade reason as a phrase; the signal's word or its code when the words or a value are missing."""
    try:
        said = reason_words(one.code, one.values)
    except (MissingWords, ValueError, TypeError):
        said = one.code
    return say_or(f"signal.{said}", said) if said == one.code else said


def of_playbook(sentence: str, most: int | None = None) -> str:
    """A playbook's sentence in the reader's language; at most as wide as ``most`` Chinese characters."""
    text = in_words(sentence)
    return text if most is None else cut(text, most)


def cut(text: str, most: int) -> str:
    """``text`` as wide as ``most`` Chinese characters, each as wide as two letters; what is written in letters ends with a word."""
    if sum("\u4e00" <= character <= "\u9fff" for character in text) * 2 > len(text):
        return excerpt(text, most)
    short = excerpt(text, most * 2)
    return short if short == text or " " not in short else short[: short.rindex(" ")].rstrip(",;:") + "…"


REASONS = 4  # said on a page where there is little room; the room names all


def reasons(incident: Incident) -> str:
    """The strongest reasons of a grade, and how many more there are."""
    shown = say("list.semicolon").join(reason(one) for one in incident.reasons[:REASONS])
    more = len(incident.reasons) - REASONS
    return say("why.more", shown=shown, n=len(incident.reasons)) if more > 0 else shown


def forecast_reason(one: ForecastReason) -> str:
    return say_or(f"forecast.reason.{one.code}", one.code, **{name: number(value) if isinstance(value, int | float) else value for name, value in one.values.items()})


def abstains(forecast: Forecast) -> str:
    """Why no forecast is given, as a sentence."""
    code, _, sentence = (forecast.abstains or "").partition(":")
    return say_or(f"forecast.abstain.{code.strip()}", sentence.strip() or code.strip())


def person(settings: Settings, login: str | None) -> str:
    """A person's name; the login itself for somebody who has left the settings."""
    if login is None:
        return say("person.nobody")
    if login == YUJING:
        return say("product.name")
    return next((one.name for one in settings.people if one.login == login), login)


def people(settings: Settings, logins: tuple[str, ...] | list[str]) -> str:
    return say("list.comma").join(dict.fromkeys(person(settings, login) for login in logins)) or say("person.nobody")


def role(settings: Settings, code: str) -> str:
    """Who has the role: names if the settings name people, else the role's word."""
    named = settings.with_role(code)
    return say("list.comma").join(one.name for one in named[:2]) if named else say_or(f"role.{code}", code)


def platform(code: str) -> str:
    return say_or(f"platform.{code}", code)


def metric(code: str) -> str:
    return say_or(f"metric.{code}", code)


def grade(one: Grade, *, long: bool = False) -> str:
    return say(f"grade.long.{one.code}" if long else f"grade.{one.code}")


def about_range(low: float, high: float) -> str:
    return f"{about(low)}–{about(high)}"


def percent(p: float) -> str:
    """A probability as people say it; never 0 % or 100 % of something that is only foreseen."""
    if p < 0.01:
        return "<1%"
    return ">99%" if p > 0.99 else f"{round(p * 100)}%"


def due_words(due: datetime, now: datetime) -> tuple[str, str]:
    """(words, tone) of an open promise: 还剩 18 分 / 误 12 分. Tone: plain, soon, late."""
    if due <= now:
        return say("due.late", span=span(now - due)), "late"
    return say("due.left", span=span(due - now)), "soon" if due - now <= SOON else "plain"


def clock_words(clock: Clock, now: datetime) -> tuple[str, str]:
    """(words, tone) of one clock. Tone: plain, soon, late, kept."""
    if clock.met_at is None and is_window(clock) and clock.due_at <= now:
        return say("due.closed"), "plain"  # nobody promised it: it passes
    if clock.met_at is None:
        return due_words(clock.due_at, now)
    if clock.met_at <= clock.due_at:
        return say("due.kept"), "kept"
    return say("due.kept_late", span=span(clock.met_at - clock.due_at)), "late"


def is_window(clock: Clock) -> bool:
    """A spread window is a bound of time, not a promise that somebody keeps or breaks."""
    return clock.kind.startswith("window")


def clock_note(clock: Clock, now: datetime) -> str:
    """The small line under a clock: until when, or when it was kept and how early."""
    if clock.met_at is None:
        key = "due.window" if is_window(clock) else "due.until"
        return say(key, time=clock_time(clock.due_at, now))
    if clock.met_at <= clock.due_at:
        return say("due.early", time=clock_time(clock.met_at, now), span=span(clock.due_at - clock.met_at))
    return clock_time(clock.met_at, now)


def age(since: datetime, now: datetime) -> str:
    return say("age", span=span(max(timedelta(0), now - since)))


def ago(at: datetime, now: datetime) -> str:
    """``12 秒前``, ``5 分前``."""
    passed = max(timedelta(0), now - at)
    if passed < timedelta(minutes=1):
        return say("ago.seconds", seconds=int(passed.total_seconds()))
    return say("ago.span", span=span(passed))


def date_line(now: datetime) -> str:
    """``11 月 22 日 周日 09:42``."""
    there = times.shanghai(now)
    return say("date.line", month=there.month, day=there.day, weekday=say(f"date.weekday.{there.weekday()}"), time=f"{there:%H:%M}")


def counted(n: int, unit: str) -> str:
    """Small numbers as words: 一件, 两件; from eleven on as digits."""
    return f"{say(f'count.{n}') if 1 <= n <= 10 else number(n)}{' ' if n > 10 else ''}{unit}"


def horizon(forecast: Forecast) -> tuple[datetime, Mapping[str, float] | None]:
    """The next horizon that has not passed, with its quantiles; (24 h, None) when both have."""
    for hours, found in ((12, forecast.h12), (24, forecast.h24)):
        if found is not None:
            return forecast.first_seen + timedelta(hours=hours), found.q
    return forecast.first_seen + timedelta(hours=24), None


def red_line(settings: Settings, brand: str, metric: str) -> int | None:
    """The count of ``metric`` from which the brand calls a story viral."""
    return next((one.viral.get(metric) for one in settings.brands if one.id == brand), None)


def over(forecast: Forecast, settings: Settings, brand: str) -> tuple[int, float] | None:
    """(red line, probability of crossing it within 24 h), while that is not decided yet."""
    line = red_line(settings, brand, forecast.metric)
    found = forecast.h24 or forecast.h12
    if line is None or found is None or line not in found.p_over or (forecast.observed or 0) >= line:
        return None
    return line, found.p_over[line]


STOPS = "。！？!?\n；;"


def sentence(text: str, harms: Sequence[Span], limit: int) -> tuple[str, list[Span]]:
    """The sentence around the first harm span (else the first one), at most ``limit`` code points, with its spans moved along."""
    at = min((one.start for one in harms), default=0)
    begin = max((text.rfind(stop, 0, at) + 1 for stop in STOPS), default=0)
    begin = max(begin, at - limit // 2)
    end = min((place for stop in STOPS if (place := text.find(stop, at)) >= 0), default=len(text))
    end = min(end, begin + limit)
    while begin < end and text[begin].isspace():
        begin += 1
    moved = [replace(one, start=max(0, one.start - begin), end=min(one.end, end) - begin) for one in harms if one.end > begin and one.start < end]
    return text[begin:end], moved


def band(followers: int | None) -> str:
    """A follower band by its lower bound: 3.1 万 is more than the ledger knows, so 约 3.3 万 is not said; 3 万以上 is (English: 31k)."""
    if not followers:
        return "0"
    return say("followers.wan", n=f"{followers / int(say('followers.unit')):.1f}") if followers >= 10_000 else say("followers.plain", n=number(followers))


def reason_of(row: Mapping[str, Any]) -> str:
    """A reason as an event keeps it."""
    return reason(GradeReason(code=str(row.get("code", "")), grade=Grade(int(row.get("grade", 0))), values=row.get("values") or {}))


def grade_of(value: int) -> str:
    return grade(Grade(value)) if Grade.NONE < value <= Grade.RED else ""


def length(span_: timedelta) -> str:
    """A length of a rule, not of a wait: 48 小时, 15 分钟."""
    minutes = round(span_.total_seconds() / 60)
    return say("length.hours", n=minutes // 60) if minutes % 60 == 0 and minutes else say("length.minutes", n=minutes)


def why_blind(code: str) -> str:
    """The crawlers' sentence for a reason of a source's state; a reason without one as it is."""
    return say_or(f"source.reason.{code}", code)

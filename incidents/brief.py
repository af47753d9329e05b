"""What an alert says of an incident, as values. Pure, and the same for the same inputs.

``at`` is when it was decided; everything else changes only when the story, the forecast, the verdict or what we
cannot see changes (``lifecycle.same_brief`` leaves ``at`` out, ``lifecycle.refreshed`` keeps dated promises).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from incidents.i18n import has, number, words
from incidents.lifecycle import NewTask, Telling
from incidents.model import Forecast, Grade, GradeReason, Health, Horizon, Incident, Story, Verdict
from incidents.settings import BrandSettings
from incidents.text import excerpt

QUOTE = 40  # characters: minimal excerpts in chat (PIPL; and a lock screen shows no more)
BLIND_SHOWN = 5
SENTENCE = re.compile(r"[^。！？!?\n；;]+[。！？!?；;]?")
DECORATION = re.compile(r"https?://\S+|//@.*|#[^#\s]{1,30}#|\[[^\[\]\s]{1,8}\]|@[\w\-]+[:：]?")


class LookedAt(Protocol):
    """A stirred story as the ledger gives it. ``largest`` may carry ``signals``: [[name, field, start, end], …]."""

    @property
    def story(self) -> Story: ...
    @property
    def metric(self) -> str: ...
    @property
    def largest(self) -> Mapping[str, Any]: ...


class Blind(Protocol):
    """A source that cannot be seen."""

    @property
    def name(self) -> str: ...
    @property
    def health(self) -> Health: ...
    @property
    def health_since(self) -> datetime | None: ...


def build(*, stirred: LookedAt, forecast: Forecast | None, verdict: Verdict, brand: BrandSettings, blind: Sequence[Blind],
          tasks: Sequence[NewTask], telling: Telling, now: datetime, incident: Incident | None = None) -> dict[str, Any]:
    """The brief of a verdict, JSON-able. Times are ISO 8601, UTC. With ``incident`` the next step is its own."""
    story, member = stirred.story, stirred.largest
    return {
        "at": now.isoformat(), "brand": brand.name, "title": story.title, "issue": story.issue,
        "quote": quote(str(member.get("text") or ""), member.get("signals") or ()), "platform": member.get("platform"), "url": member.get("url"),
        "first_appeared": story.first_appeared.isoformat(), "mentions": story.mentions, "authors": story.authors, "platforms": list(story.platforms),
        "observed": dict(sorted(story.observed.items())), "growth_1h": story.growth_1h, "metric": stirred.metric,
        "forecast": _forecast(forecast, brand),
        "grade": int(verdict.grade), "reasons": _reasons(verdict.reasons), "holds_back": _reasons(verdict.holds_back),
        "blind": [_blind(source) for source in sorted(blind, key=lambda source: source.name)[:BLIND_SHOWN]], "blind_count": len(blind),
        "first_task": _first_task(tasks), "told": _told(telling, verdict.grade), "next": _next(telling, verdict.grade, incident, now),
    }


def quote(text: str, signals: Sequence[Sequence[Any]] = ()) -> str:
    """The sentence that holds the first harmful span of the text, else its first real sentence; at most 40 characters."""
    starts = sorted(int(start) for _, field, start, _ in signals if field == "text")
    sentences = [(found.start(), found.end(), _plain(found[0])) for found in SENTENCE.finditer(text)]
    if starts:
        for begin, end, plain in sentences:
            if begin <= starts[0] < end and plain:
                return excerpt(plain, QUOTE)
    return excerpt(next((plain for *_, plain in sentences if len(plain) >= 6), _plain(text)), QUOTE)


def _plain(sentence: str) -> str:
    return DECORATION.sub("", sentence).strip(" \t，,。：:")


def _forecast(forecast: Forecast | None, brand: BrandSettings) -> dict[str, Any] | None:
    """Both horizons with their clock times, or why nothing can be said."""
    if forecast is None:
        return None
    threshold = brand.viral.get(forecast.metric)
    said: dict[str, Any] = {"metric": forecast.metric, "observed": forecast.observed, "threshold": threshold, "cold": forecast.cold,
                            "abstains": forecast.abstains}
    for name, horizon, hours in (("h12", forecast.h12, 12), ("h24", forecast.h24, 24)):
        said[name] = _horizon(horizon, forecast.first_seen + timedelta(hours=hours), threshold) if forecast.abstains is None else None
    return said


def _horizon(horizon: Horizon | None, at: datetime, threshold: int | None) -> dict[str, Any] | None:
    if horizon is None:
        return None
    p = horizon.p_over.get(threshold) if threshold is not None else None
    return {"at": at.isoformat(), **{f"q{level}": round(horizon.q[level]) for level in ("10", "50", "90")}, "p_over": None if p is None else round(p, 2)}


def _reasons(reasons: Sequence[GradeReason]) -> list[dict[str, Any]]:
    return [{"code": reason.code, "grade": int(reason.grade), "values": dict(reason.values)} for reason in reasons]


def _blind(source: Blind) -> dict[str, Any]:
    return {"name": source.name, "health": source.health.value, "since": source.health_since.isoformat() if source.health_since else None}


def _first_task(tasks: Sequence[NewTask]) -> dict[str, Any] | None:
    dated = [(task.due_at, place, task) for place, task in enumerate(tasks) if task.due_at is not None]
    if not dated:
        return None
    due, _, task = min(dated, key=lambda one: one[:2])
    return {"title": task.title, "due": due.isoformat(), "role": task.role}


def _told(telling: Telling, grade: Grade) -> list[str]:
    chain = telling.chains.get(grade, ())
    return list(chain[0].people) if chain else []


def _next(telling: Telling, grade: Grade, incident: Incident | None, now: datetime) -> dict[str, Any] | None:
    """Who is told next, and when, if nobody takes it over."""
    if incident is not None and incident.is_open and incident.grade == grade:
        following = incident.step + 1
        if incident.next_step_at is None or following >= len(incident.chain):
            return None
        return {"at": incident.next_step_at.isoformat(), "people": list(incident.chain[following].people)}
    chain = telling.chains.get(grade, ())
    return {"at": (now + chain[1].after).isoformat(), "people": list(chain[1].people)} if len(chain) > 1 else None


# Values of reasons that are codes, and the group of the locale file that has their words.
CODED = {"metric": "metric", "harms": "signal", "signs": "signal", "platforms": "platform", "tier": "tier", "issue": "issue"}


def reason_words(code: str, values: Mapping[str, Any], language: str | None = None) -> str:
    """A grade reason as a phrase: codes in words, counts with separators, probabilities in percent."""
    key = f"grade.reason.{code}"
    return words(key, language, **{name: _said(name, value, language) for name, value in values.items()}) if has(key, language) else code


def _said(name: str, value: Any, language: str | None) -> str:
    if isinstance(value, list | tuple):
        return words("alert.comma", language).join(_said(name, one, language) for one in value)
    if isinstance(value, float):
        return f"{min(99, max(1, round(value * 100)))}%"
    if isinstance(value, int):
        return number(value)
    key = f"{CODED.get(name, '')}.{value}"
    return words(key, language) if has(key, language) else str(value)

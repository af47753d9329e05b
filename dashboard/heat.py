"""How hot a whole story is: the sum with its parts, what it becomes, and what the figure cannot know."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dashboard import say as words
from dashboard.parts import head
from dashboard.reads.record import story_heat
from dashboard.say import say
from incidents.i18n import about, clock_time, number
from incidents.model import Incident

Body = Mapping[str, Any]


def panel(incident: Incident, now: datetime) -> str:
    """The explanation panel of the room, as HTML."""
    found = story_heat(incident.story_id)
    if found is None:
        return head(say("heat.title")) + f'<p class="note">{say("heat.none")}</p>'
    body = found.body
    return (head(say("heat.title"), say("heat.members", all=number(body["members"]), foreseen=body["foreseen"]))
            + f'<p class="fore">{_now(body)}<br>{" ".join(_then(one, now) for one in body["horizons"]) or say("heat.abstains")}</p>'
            + f'<p class="note">{_arrivals(body)} {_left_out(body)} {say("heat.weights", time=clock_time(found.made_at, now))}</p>')


def _now(body: Body) -> str:
    """热度 1,234 ＝ 转发 900 × 1 ＋ 赞 170 × 0.2: the largest part first."""
    parts = sorted(body["parts"].items(), key=lambda one: -one[1]["heat"])
    said = say("heat.plus").join(say("heat.part", metric=words.metric(name), count=number(part["count"]), weight=f"{part['weight']:g}") for name, part in parts)
    return say("heat.now", total=number(body["now"]), parts=said or say("record.dash"))


def _then(one: Body, now: datetime) -> str:
    at = datetime.fromisoformat(one["at"])
    return say("heat.future", time=clock_time(at, now), n=about(one["q50"]), range=words.about_range(one["q10"], one["q90"]), members=about(one["from_members"]),
               coming=about(one["coming"]["50"]), arrivals=about(one["from_arrivals"]))


def _arrivals(body: Body) -> str:
    one = body["arrivals"]
    return say("heat.no_arrivals") if one is None else say("heat.arrivals", branching=f"{one['branching']:g}", count=number(one["count"]))


def _left_out(body: Body) -> str:
    """What adds nothing because nobody knows it."""
    why = say("list.comma").join(say("heat.not_one", why=words.say_or(f"heat.why.{code}", code), n=n) for code, n in sorted(body["abstained"].items(), key=lambda one: -one[1]))
    unknown = say("list.comma").join(words.metric(name) for name in body["unknown"])
    return " ".join(one for one in (say("heat.not", why=why) if why else "", say("heat.unknown", metrics=unknown) if unknown else "") if one)

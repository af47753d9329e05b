from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from incidents import brief, lifecycle
from incidents.brief import build, quote, reason_words
from incidents.model import Forecast, Grade, GradeReason, Health, Horizon, Story, Verdict
from incidents.settings import BrandSettings
from tests.incidents.builders import HOUR, MINUTE, T0, telling

BRAND = BrandSettings(id="wudao", name="雾岛茶", any=("雾岛茶",))
TEXT = "#避雷# 今天买了雾岛茶。喝到一半看见虫子在动，我和同事都拉肚子了！https://t.example/x 店员说“正常”。"
STORY = Story(id=1, brand="wudao", lead_id=1, title="雾岛茶喝出虫子", first_appeared=T0 - HOUR, first_known=T0, mentions=7, negatives=5, authors=4, platforms=("forum", "weibo"), sources=("wb",),
              tiers=("online",), signals={"illness": 3}, issue="food_safety", observed={"reposts": 92, "comments": 30}, growth_1h=60, largest_id=1, stirred_version=3)
Q = {"05": 90.0, "10": 190.4, "25": 250.0, "50": 400.6, "75": 700.0, "90": 948.0, "95": 1200.0}
FORECAST = Forecast(metric="reposts", platform="weibo", first_seen=T0 - HOUR, made_at=T0, observed=92, h12=Horizon(q=Q, p_over={500: 0.412}), h24=Horizon(q=Q, p_over={500: 0.5}), path=(), crosses_at={},
                    cold=True, reasons=(), abstains=None, model="m")
VERDICT = Verdict(grade=Grade.ORANGE, reasons=(GradeReason(code="harm", grade=Grade.ORANGE, values={"harms": ["illness"], "mentions": 3}),))


@dataclass(frozen=True)
class Looked:
    story: Story
    metric: str
    largest: dict[str, Any]


@dataclass(frozen=True)
class Unseen:
    name: str
    health: Health = Health.BLOCKED
    health_since: Any = T0


def task(title: str, due: timedelta) -> lifecycle.NewTask:
    return lifecycle.NewTask(line=title, pillar="speed", title=title, role="duty", due_at=T0 + due, due_words="", evidence_kind="text", evidence_hint="", help="", seed="")


def made(now: Any = T0, **changes: Any) -> dict[str, Any]:
    member = {"text": TEXT, "platform": "weibo", "url": "http://m.example/1"}
    values: dict[str, Any] = dict(stirred=Looked(STORY, "reposts", member), forecast=FORECAST, verdict=VERDICT, brand=BRAND, blind=[Unseen("b"), Unseen("a")],
                                  tasks=[task("later", HOUR), task("first", MINUTE)], telling=telling(), now=now)
    return build(**{**values, **changes})


def test_everything_an_alert_needs_is_there_and_is_json() -> None:
    said = json.loads(json.dumps(made()))
    assert said["forecast"]["h12"] == {"at": (T0 + 11 * HOUR).isoformat(), "q10": 190, "q50": 401, "q90": 948, "p_over": 0.41} and said["forecast"]["cold"] is True
    assert [one["name"] for one in said["blind"]] == ["a", "b"] and said["first_task"]["title"] == "first"
    assert said["told"] == ["lin"] and said["next"] == {"at": (T0 + 15 * MINUTE).isoformat(), "people": ["shen"]}


def test_a_later_look_that_finds_nothing_new_says_the_same() -> None:
    before, after = made(), made(now=T0 + 10 * MINUTE, tasks=[task("first", HOUR)], blind=[Unseen("a"), Unseen("b")])
    assert lifecycle.same_brief(lifecycle.refreshed(before, after), before)
    assert not lifecycle.same_brief(lifecycle.refreshed(before, made(blind=[])), before)


def test_no_forecast_and_one_that_abstains() -> None:
    assert made(forecast=None)["forecast"] is None
    silent = Forecast(**{**vars(FORECAST), "abstains": "one_count", "h12": None, "h24": None})
    assert made(forecast=silent)["forecast"]["h12"] is None and made(forecast=silent)["forecast"]["abstains"] == "one_count"


@pytest.mark.parametrize(("signals", "wanted"), [
    ((), "今天买了雾岛茶"), ([["illness", "text", TEXT.index("拉肚子"), 30]], "喝到一半看见虫子在动，我和同事都拉肚子了！"), ([["illness", "title", 0, 2]], "今天买了雾岛茶"),
])
def test_the_quote_is_the_harmful_sentence(signals: Any, wanted: str) -> None:
    assert quote(TEXT, signals) == wanted


def test_a_quote_is_short_and_never_empty_where_there_is_text() -> None:
    assert len(quote("没有句号" * 50)) == brief.QUOTE and quote("好") == "好" and quote("") == ""


def test_reasons_in_words() -> None:
    assert reason_words("harm", {"harms": ["illness", "fire"], "mentions": 1200, "authors": 3}) == "涉及人身安全（身体不适或中毒、起火冒烟），1,200 条提到"
    assert reason_words("no_such_code", {}) == "no_such_code"

"""What was foreseen against what came: kept by brand, honest about misses, told once when it drifts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from incidents.model import Reason
from incidents.store import tables as t
from monitor import track_keeping
from monitor.pipeline import Tools
from tests.incidents.builders import HOUR, T0
from tests.monitor.track_world import keep, put, tools_in

END = T0 + 30 * HOUR


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return tools_in(tmp_path)


def track(tools: Tools, brand: str = "wudao") -> dict[str, Any]:
    found = tools.ledger.forecasts.track(brand)
    assert found is not None
    return dict(found[1])


def history(tools: Tools, count: int, came: int = 300, chance: float = 0.2) -> None:
    one = put(tools.ledger, "all", {1: 60, 24: came})
    for _ in range(count):  # one row of the ledger each; the track counts names
        keep(tools.ledger, one, age=1, chance=chance, came=came)
    with tools.ledger.engine.begin() as c:
        c.execute(sa.update(t.forecasts).values(mention_id=t.forecasts.c.id + 1000))


def test_a_miss_a_false_alarm_and_what_nobody_foresaw_are_named(tools: Tools) -> None:
    missed, false = put(tools.ledger, "1", {1: 60, 5: 600, 24: 900}), put(tools.ledger, "2", {1: 60, 24: 200})
    right, late = put(tools.ledger, "3", {1: 60, 9: 700, 24: 900}), put(tools.ledger, "4", {2: 950, 24: 990})
    keep(tools.ledger, missed, age=1, chance=0.1, came=900)
    keep(tools.ledger, missed, age=6, chance=0.99, came=900)  # after the crossing: no warning
    keep(tools.ledger, false, age=1, chance=0.7, came=200)
    keep(tools.ledger, right, age=3, chance=0.5, came=900)
    keep(tools.ledger, late, age=2, chance=0, came=None, abstains="too_many: More than 931.")
    lost = put(tools.ledger, "5", {1: 60, 5: 600})
    keep(tools.ledger, lost, age=1, chance=0.2, came=None)  # nobody looked at 24 h; that it crossed was seen all the same
    track_keeping.tick(tools, T0 + 50 * HOUR)
    made = track(tools)
    assert [(one["mention"], one["highest"]) for one in made["missed"]] == [(missed, 0.1), (lost, 0.2)]
    assert [one["mention"] for one in made["false_alarms"]] == [false]
    assert [(one["mention"], one["why"]) for one in made["unforeseen"]] == [(late, "too_many")]
    assert made["leads"] == [6.0] and made["matured"] == 3


def test_each_level_says_what_it_would_have_cost(tools: Tools) -> None:
    for place in range(4):
        keep(tools.ledger, put(tools.ledger, str(place), {1: 60, 9: 600 if place == 0 else 70, 24: 900 if place == 0 else 80}), age=1, chance=0.9 - place * 0.2, came=900 if place == 0 else 80)
    track_keeping.tick(tools, END)
    levels = {line["at"]: line for line in track(tools)["levels"]}
    assert (levels[0.2]["alerts"], levels[0.2]["precision"]) == (4, 0.25)
    assert (levels[0.8]["alerts"], levels[0.8]["precision"], levels[0.8]["recall"], levels[0.8]["lead"]) == (1, 1.0, 1.0, 8.0)


def test_below_enough_no_rate_is_told(tools: Tools) -> None:
    keep(tools.ledger, put(tools.ledger, "1", {1: 60, 24: 300}), age=1, chance=0.2, came=300)
    track_keeping.tick(tools, END)
    age = track(tools)["ages"][0]
    assert (age["count"], age["brier"], age["covered_80"]["hits"]) == (1, None, 1)
    assert track(tools)["correction"] == {"shift": 0.0, "factor": 1.0, "count": 1}


def test_it_is_made_again_after_an_hour_and_not_before(tools: Tools) -> None:
    assert track_keeping.tick(tools, END) == 1
    assert track_keeping.tick(tools, END + timedelta(minutes=59)) == 0
    assert track_keeping.tick(tools, END + timedelta(minutes=61)) == 1


def drifts(tools: Tools) -> list[Any]:
    with tools.ledger.engine.connect() as c:
        return list(c.execute(sa.select(t.outbox).where(t.outbox.c.reason == Reason.DRIFT.value)).mappings())


def test_a_drift_is_told_once_to_the_keepers(tools: Tools) -> None:
    history(tools, 40, came=100_000)
    for hours in (0, 2, 26):
        track_keeping.tick(tools, END + hours * HOUR)
    (told,) = drifts(tools)
    assert (told["person"], told["grade"], told["incident_id"]) == ("lin", 1, None)
    assert told["body"]["drift"][0] == {"interval": "q10–q90", "nominal": 0.8, "covered": 0.0, "count": 40}


def test_a_record_that_holds_tells_nobody_and_a_drift_that_came_back_is_told_again(tools: Tools) -> None:
    history(tools, 40, came=100_000)
    track_keeping.tick(tools, END)
    with tools.ledger.engine.begin() as c:
        c.execute(sa.update(t.forecasts).where(t.forecasts.c.id % 5 != 0).values(came=300))
    track_keeping.tick(tools, END + 2 * HOUR)
    assert track(tools, "")["drift"] == [] and track(tools, "")["drift_since"] is None
    with tools.ledger.engine.begin() as c:
        c.execute(sa.update(t.forecasts).values(came=100_000))
    track_keeping.tick(tools, END + 4 * HOUR)
    assert len(drifts(tools)) == 2

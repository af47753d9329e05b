"""Whole stories are foreseen beside the loop: kept with their parts, again after ten minutes, scored when they mature."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import pytest

from incidents import now
from incidents.store.story_forecasts import KeptStory, horizons
from monitor import story_forecasts
from monitor.pipeline import Tools
from tests.incidents.builders import HOUR, MINUTE, T0
from tests.monitor.track_world import open_incident, put, tools_in

AT = T0 + 2 * HOUR
SAME = "雾岛茶喝出虫子，我和同事都拉肚子了，门店还不承认"


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return tools_in(tmp_path, brands=[{"id": "wudao", "name": "雾岛茶", "any": ["雾岛茶"], "heat": {"likes": 0.5}}])


def story(tools: Tools, copies: int = 6, later: Mapping[float, int] = MappingProxyType({})) -> int:
    first = put(tools.ledger, "0", {0.5: 30, 1: 60, 1.9: 120, **later}, SAME)
    for n in range(1, copies):
        put(tools.ledger, str(n), {1: n, 1.9: 2 * n}, SAME)
    return open_incident(tools.ledger, first, AT)


def newest(tools: Tools, story_id: int) -> KeptStory:
    found = tools.ledger.story_forecasts.newest(story_id)
    assert found is not None
    return found


def test_an_open_incidents_story_is_foreseen_with_its_parts(tools: Tools) -> None:
    number = story(tools)
    with now.frozen(AT):
        assert story_forecasts.tick(tools) == 1
    body = newest(tools, number).body
    assert body["now"] == 150.0 and body["parts"]["reposts"] == {"count": 150, "weight": 1.0, "heat": 150.0}
    assert (body["members"], body["foreseen"], body["abstained"]) == (6, 2, {"too_few": 4})
    twelve, day = body["horizons"]
    assert twelve["at"] == (T0 + 12 * HOUR).isoformat() and day["q50"] >= twelve["q50"] > 150 and day["from_members"] > 0
    assert body["arrivals"]["count"] == 6


def test_it_is_done_again_after_ten_minutes_only_and_not_for_closed_ones(tools: Tools) -> None:
    story(tools)
    with now.frozen(AT):
        assert (story_forecasts.tick(tools), story_forecasts.tick(tools)) == (1, 0)
    with now.frozen(AT + 11 * MINUTE):
        assert story_forecasts.tick(tools) == 1
    with tools.ledger.engine.begin() as c:
        c.exec_driver_sql("UPDATE incidents SET closed_at = 1")
    with now.frozen(AT + 30 * MINUTE):
        assert story_forecasts.tick(tools) == 0


def test_what_came_is_the_heat_when_it_matured(tools: Tools) -> None:
    number = story(tools, later={23: 400, 26: 900})
    with now.frozen(AT):
        story_forecasts.tick(tools)
    weights = {brand.id: brand.weights for brand in tools.settings.brands}
    assert tools.ledger.story_forecasts.mature(T0 + 24 * HOUR, weights) == 0  # half an hour of patience
    assert tools.ledger.story_forecasts.mature(T0 + 25 * HOUR, weights) == 1
    assert newest(tools, number).came == 430.0  # 400 by then, and 30 on the copies
    assert [one.came for one in tools.ledger.story_forecasts.outcomes("wudao", T0)] == [430.0]


def test_a_story_that_was_not_followed_to_its_end_has_no_outcome(tools: Tools) -> None:
    story(tools, later={14: 300})
    with now.frozen(AT):
        story_forecasts.tick(tools)
    assert tools.ledger.story_forecasts.mature(T0 + 25 * HOUR, {}) == 0


def test_a_story_of_which_nothing_can_be_forecast_promises_no_band(tools: Tools) -> None:
    number = open_incident(tools.ledger, put(tools.ledger, "few", {1: 2, 1.9: 3, 23: 90}), AT)
    with now.frozen(AT):
        story_forecasts.tick(tools)
    assert newest(tools, number).body["horizons"] == [] and newest(tools, number).body["now"] == 90.0
    assert tools.ledger.story_forecasts.mature(T0 + 25 * HOUR, {}) == 1
    assert tools.ledger.story_forecasts.outcomes("wudao", T0) == []


def test_the_horizons_are_the_spread_windows_that_are_ahead() -> None:
    assert horizons(T0, AT) == [T0 + 12 * HOUR, T0 + 24 * HOUR]
    assert horizons(T0, T0 + 13 * HOUR) == [T0 + 24 * HOUR]
    assert horizons(T0, T0 + timedelta(hours=40)) == [T0 + timedelta(hours=52)]

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.revisit import next_interval, next_visit
from incidents.store.door import Visit

BORN = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def visit(age: timedelta, **changes: Any) -> Visit:
    values: dict[str, Any] = dict(mention_id=1, published=BORN, now=BORN + age, before={"reposts": 100}, counts={"reposts": 105}, counted_at=None,
                                  unchanged=0, hot=False, matched=True)
    return Visit(**{**values, **changes})


def wait(one: Visit) -> timedelta | None:
    due = next_visit(one, 0.5)
    return None if due is None else due - one.now


@pytest.mark.parametrize(("age", "changes", "expected"), [
    (2 * HOUR, {}, 42 * MINUTE), (2 * HOUR, {"hot": True}, 18 * MINUTE), (2 * HOUR, {"unchanged": 1}, 63 * MINUTE),
    (2 * HOUR, {"counts": {"reposts": 150}}, 21 * MINUTE), (2 * HOUR, {"before": {}}, 42 * MINUTE),
    (MINUTE, {}, 5 * MINUTE), (MINUTE, {"hot": True}, 2 * MINUTE), (6 * DAY, {}, DAY),
    (7 * DAY + HOUR, {}, None), (7 * DAY + HOUR, {"hot": True}, DAY), (15 * DAY, {"hot": True}, None),
    (49 * HOUR, {"unchanged": 3}, None), (47 * HOUR, {"unchanged": 3}, timedelta(hours=24)), (HOUR, {"matched": False}, None)])
def test_the_policy_of_the_table(age: timedelta, changes: dict[str, Any], expected: timedelta | None) -> None:
    assert wait(visit(age, **changes)) == expected


def test_a_calm_mention_takes_about_25_visits_in_its_week() -> None:
    at, visits = timedelta(0), 0
    while (due := next_visit(visit(at), 0.5)) is not None:
        at, visits = due - BORN, visits + 1
    assert 15 <= visits <= 30


@given(minutes=st.integers(0, 10_000), chance=st.floats(0, 0.999), hot=st.booleans())
def test_a_visit_is_never_in_the_past_nor_more_than_a_day_and_a_tenth_ahead(minutes: int, chance: float, hot: bool) -> None:
    one = visit(minutes * MINUTE, hot=hot)
    due = next_visit(one, chance)
    assert due is None or timedelta(minutes=1) < due - one.now <= 1.1 * DAY


def test_a_list_speeds_up_on_news_and_slows_down_step_by_step() -> None:
    asked = 80 * MINUTE
    fast = next_interval(next_interval(None, asked, found_new=True), asked, found_new=True)
    assert fast == 20 * MINUTE == next_interval(fast, asked, found_new=True)
    assert next_interval(fast, asked, found_new=False) == 30 * MINUTE
    assert next_interval(asked, asked, found_new=False) == asked
    assert next_interval(None, asked, found_new=True, floor=2 * HOUR) == 2 * HOUR

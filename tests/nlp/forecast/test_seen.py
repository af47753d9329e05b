from __future__ import annotations

from dataclasses import replace

import pytest

from nlp.forecast import CountAt
from nlp.forecast.seen import Seen, Unusable, first_reached, look


def test_counts_come_out_in_order_of_time(post, after):
    seen = look(post({2: 60, 1: 20}), after(3))
    assert isinstance(seen, Seen)
    assert (seen.ages, seen.values, seen.age, seen.count) == ((1.0, 2.0), (20, 60), 2.0, 60)


def test_of_equal_times_the_last_wins_and_the_future_is_ignored(post, after):
    asked = post({1: 20, 2: 60, 5: 900})
    doubled = replace(asked, snapshots=(*asked.snapshots, CountAt(at=after(2), value=70)))
    seen = look(doubled, after(3))
    assert isinstance(seen, Seen)
    assert seen.values == (20, 70)


def test_a_few_deleted_reposts_keep_the_highest_count(post, after):
    seen = look(post({1: 100, 2: 95, 3: 140}), after(3))
    assert isinstance(seen, Seen)
    assert seen.values == (100, 100, 140)
    assert seen.fell


def test_an_unknown_count_is_not_zero(post, after):
    seen = look(post({1: 100, 2: None}), after(3))
    assert isinstance(seen, Seen)
    assert seen.values == (100,)


@pytest.mark.parametrize(
    ("counts", "hours", "code"),
    [
        ({}, 1, "no_counts"),
        ({1: None}, 2, "no_counts"),
        ({1: 30, 30: 50}, 30, "matured"),
        ({-2: 30, 1: 50}, 1, "before_birth"),
        ({1: 500, 2: 3}, 2, "fell"),
        ({1: 30}, -1, "future"),
    ],
)
def test_what_cannot_be_used_says_why(post, after, counts, hours, code):
    found = look(post(counts), after(hours))
    assert isinstance(found, Unusable)
    assert found.code == code
    assert str(found).startswith(f"{code}: ")


def test_a_newest_floor_cannot_be_reckoned_with_but_an_older_one_is_passed_over(post, after):
    floor, exact = CountAt(at=after(2), value=10_000, floor=True), CountAt(at=after(3), value=10_400)
    at_the_end = look(post({}, snapshots=(floor,)), after(2))
    inside = look(post({}, snapshots=(floor, exact)), after(3))
    assert isinstance(at_the_end, Unusable) and at_the_end.code == "floor"
    assert isinstance(inside, Seen) and inside.values == (10_400,)


def test_a_floor_proves_that_a_threshold_was_reached(post, after):
    asked = post({1: 30}, snapshots=(CountAt(at=after(2), value=1000, floor=True),))
    assert first_reached(asked, 500, after(3)) == after(2)
    assert first_reached(asked, 500, after(1)) is None

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from nlp.forecast import load
from nlp.forecast.story import Arrivals, arrivals, foresee, heat, statement_effect


def test_heat_is_the_sum_of_its_parts_and_tells_what_is_unknown():
    made = heat([{"reposts": 100, "likes": 50}, {"reposts": 20, "views": None, "rank": 3}])
    assert made.parts == {"reposts": 120.0, "likes": 10.0}
    assert (made.total, made.unknown, made.unweighted) == (130.0, ("views",), ("rank",))


def test_weights_are_the_brands_own():
    assert heat([{"likes": 50}], {"likes": 2.0}).total == 100.0


def test_the_expected_number_is_that_of_the_simulated_process():
    """1 mention now with n = .6 and a memory of 2 h, seen for 5 h: children, their children, and so on."""
    rng = np.random.default_rng(7)
    process = Arrivals(branching=0.6, memory=2.0, pull=1.0, count=1)

    def family(at: float) -> int:
        born = at + rng.exponential(2.0, rng.poisson(0.6))
        return sum(1 + family(child) for child in born if child <= 5.0)

    totals = [family(0.0) for _ in range(4000)]
    assert np.mean(totals) == pytest.approx(process.expected(5.0), rel=0.1)


def test_a_burst_has_more_to_come_than_a_story_gone_quiet(after):
    burst = arrivals([after(4 + i / 20) for i in range(20)], after(5))
    quiet = arrivals([after(i / 20) for i in range(20)], after(20))
    assert burst and quiet and burst.expected(6) > 1 > quiet.expected(6)


def test_too_few_arrivals_say_nothing(after):
    assert arrivals([after(1), after(2)], after(3)) is None
    assert arrivals([after(1)] * 9 + [after(30)], after(3)).count == 9


def test_a_story_adds_its_members_and_new_ones(post, after):
    made = load("szabo-huberman").predict([post({1: 40, 3: 120}), post({1: 4})], after(3))
    story = foresee(made, [{"reposts": 120}, {"reposts": 4}], [after(i / 10) for i in range(12)], 9.0, after(3))
    assert story.now == 124 and story.abstained == 1
    assert made[0].h12 and story.from_members == pytest.approx(made[0].h12.q["50"] - 120)
    assert story.now <= story.q["10"] <= story.q["50"] <= story.q["90"]


def test_a_statement_is_held_against_the_forecast_made_before_it(post, after):
    before = load("szabo-huberman").predict([post({1: 40, 3: 120})], after(3))[0]
    calm = [(after(5 + i), 121) for i in range(4)]
    effects = statement_effect(before, after(4), calm)
    assert effects and [one.verdict for one in effects] == ["below"] * 4
    assert statement_effect(before, after(4), calm[:2]) is None
    assert statement_effect(before, after(3) - timedelta(hours=1), calm) is None

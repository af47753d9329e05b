from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from nlp.forecast import load
from nlp.forecast.story import (
    CRITICAL,
    MEMORIES,
    SHARES,
    Arrivals,
    arrivals,
    foresee,
    heat,
    statement_effect,
    waking,
)


def test_heat_is_the_sum_of_its_parts_and_tells_what_is_unknown():
    made = heat([{"reposts": 100, "likes": 50}, {"reposts": 20, "views": None, "rank": 3}])
    assert made.parts == {"reposts": 120.0, "likes": 10.0}
    assert (made.total, made.unknown, made.unweighted) == (130.0, ("views",), ("rank",))


def test_weights_are_the_brands_own():
    assert heat([{"likes": 50}], {"likes": 2.0}).total == 100.0


def test_the_expected_number_is_that_of_the_simulated_process(after):
    """One mention now with .6 children, seen for a day of activity: children, their children, and so on."""
    rng = np.random.default_rng(7)
    process = Arrivals(now=after(0), branching=0.6, pull=(1.0,) * len(MEMORIES), count=1)

    def family(at: float) -> int:
        born = at + rng.exponential(rng.choice(MEMORIES, size=rng.poisson(0.6), p=SHARES))
        return sum(1 + family(child) for child in born if child <= 24.0)

    totals = [family(0.0) for _ in range(6000)]
    assert np.mean(totals) == pytest.approx(process.expected(24.0), rel=0.08)


def test_the_night_brings_less_than_the_day(after):
    """The same pull, but three hours of night (02:00 in Shanghai) against three of the morning (08:00)."""
    night, day = (Arrivals(now=after(hours), branching=0.6, pull=(1.0,) * 5, count=1).expected(1) for hours in (16, 22))
    assert 0 < night < day and float(waking(after(16), 24)) == pytest.approx(24, rel=0.01)
    assert float(waking(after(5), -5)) == pytest.approx(-float(waking(after(0), 5)))


def likelihood(ages: list[float], until: float, branching: float) -> float:
    """Log likelihood of all arrivals but the first, written out."""
    rate = [sum(float((SHARES / MEMORIES * np.exp(-(at - before) / MEMORIES)).sum()) for before in ages[:place]) for place, at in enumerate(ages)][1:]
    spent = sum(float((SHARES * (1 - np.exp(-(until - at) / MEMORIES))).sum()) for at in ages)
    return float(np.log(branching * np.array(rate)).sum() - branching * spent)


def test_the_branching_is_the_likeliest(after):
    ages = [0.0, 0.05, 0.4, 1.1, 1.2, 3.0, 9.0]
    made = arrivals([after(age) for age in ages], after(60))
    assert made and made.branching < CRITICAL
    active = (waking(after(0), np.array(ages))).tolist()
    best = likelihood(active, float(waking(after(0), 60)), made.branching)
    assert all(best > likelihood(active, float(waking(after(0), 60)), made.branching * factor) for factor in (0.97, 1.03))


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

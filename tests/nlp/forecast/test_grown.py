from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp.forecast import Correction, load
from nlp.forecast.features import AUTHOR, NAMES, TEXT, UNKNOWN, Reader
from nlp.forecast.seen import look
from nlp.forecast.shape import Shape


@pytest.fixture(scope="module")
def grown():
    return load("default")


def test_a_forecast_is_a_fan_with_probabilities(grown, post, after):
    made = grown.predict([post({1: 40, 2: 90, 3: 120}, thresholds=(100, 500, 5000))], after(3))[0]
    assert made.abstains is None and made.h12 and made.h24
    assert made.h24.p_over[100] == 1.0
    assert 0 < made.h24.p_over[5000] < made.h24.p_over[500] < 1
    assert made.h12.q["50"] <= made.h24.q["50"]


def test_one_count_is_enough_since_a_post_begins_at_nothing(grown, post, after):
    assert grown.predict([post({1: 60})], after(1))[0].abstains is None


@pytest.mark.parametrize(("count", "threshold", "told"), [(120, 500, False), (700, 500, True), (120, 5000, True)])
def test_near_the_largest_posts_it_has_seen_it_says_so(grown, post, after, count, threshold, told):
    made = grown.predict([post({1: 100, 3: count}, thresholds=(threshold,))], after(3))[0]
    assert ("ceiling" in {reason.code for reason in made.reasons}) == told


def test_author_and_text_count(grown, post, after):
    plain = post({1: 40, 3: 120})
    known = replace(plain, followers=8_000_000, friends=300, posts=20_000, verified=True, text="【突发】商场起火，请转发扩散！")
    first, second = (grown.predict([one], after(3))[0].h24 for one in (plain, known))
    assert first != second


def test_answers_come_in_order_and_do_not_depend_on_their_neighbours(grown, post, after):
    asked = [post({1: 40, 3: 120}), post({1: 40}, platform="forum"), post({1: 200, 3: 210})]
    together = grown.predict(asked, after(3))
    assert together == [grown.predict([one], after(3))[0] for one in asked]
    assert together[1].abstains and together[1].abstains.startswith("not_fitted: ")


def test_what_it_has_not_seen_it_does_not_judge(grown, post, after):
    codes = [
        made.abstains.split(":")[0]
        for counts in ({1: 0, 9: 0}, {1: 400, 9: 80_000}, {1: 500, 9: 2})
        if (made := grown.predict([post(counts)], after(9))[0]).abstains
    ]
    assert codes == ["too_few", "too_many", "fell"]


steps = st.lists(st.tuples(st.floats(-1, 30), st.none() | st.integers(0, 2000)), max_size=8)


@given(steps, st.floats(0, 30), st.none() | st.integers(-5, 10**9), st.none() | st.text(max_size=50))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_crawler_brings_the_answer_is_honest(grown, post, after, seen, now, followers, text):
    made = grown.predict([post(dict(seen), followers=followers, text=text, thresholds=(1, 500))], after(now))[0]
    assert made.abstains or made.h24
    for horizon in (made.h12, made.h24):
        if horizon:
            quantiles = list(horizon.q.values())
            assert quantiles == sorted(quantiles) and quantiles[0] >= (made.observed or 0)
            assert 1 >= horizon.p_over[1] >= horizon.p_over[500] >= 0
    assert [p.q50 for p in made.path] == sorted(p.q50 for p in made.path)


def test_unknown_is_told_apart_from_nothing(post, after):
    shape = Shape(edges=np.array([0.0, 24]), decay=np.ones(1), activity=np.ones(24))
    reader = Reader(shape=shape, claims=np.zeros(1 << 14), bias=0.0)
    unknown, nobody = (dict(zip(NAMES, reader.row(one, look(one, after(1))), strict=True)) for one in (post({1: 40}), post({1: 40}, followers=0)))
    assert all(unknown[name] == UNKNOWN for name in (*AUTHOR, *TEXT))
    assert unknown["followers"] < nobody["followers"] == -1


def test_counts_of_people_are_read_in_the_bands_that_the_ledger_keeps(post, after):
    shape = Shape(edges=np.array([0.0, 24]), decay=np.ones(1), activity=np.ones(24))
    reader = Reader(shape=shape, claims=np.zeros(1 << 14), bias=0.0)
    exact, band = (reader.row(one, look(one, after(1))) for one in (post({1: 40}, followers=1500), post({1: 40}, followers=1024)))
    assert exact == band


def test_ones_own_correction_moves_and_widens(grown, post, after):
    asked = [post({1: 40, 3: 120})]
    own = load("default", own_matured=50, correction=Correction(shift=1.0, factor=1.5)).predict(asked, after(3))[0]
    plain = grown.predict(asked, after(3))[0]
    assert own.model == f"{plain.model}~1.000~1.500" and not own.cold
    assert own.h24.q["50"] - 120 == pytest.approx(2 * (plain.h24.q["50"] - 120), abs=2)
    assert own.h24.q["95"] > plain.h24.q["95"]


def test_a_forecast_is_quick(grown, post, after):
    asked = [post({1: 40, 2: 90, 3: 120}, text="转发" * 60)]
    grown.predict(asked, after(3))
    began = time.process_time()
    for _ in range(50):
        grown.predict(asked, after(3))
    assert (time.process_time() - began) / 50 < 0.005

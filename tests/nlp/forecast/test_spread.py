from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.forecast.spread import LEVELS, Spread, conformal

ys = st.lists(st.floats(-5, 15), min_size=len(LEVELS), max_size=len(LEVELS)).map(np.array)


@given(ys, st.integers(0, 10_000), st.lists(st.integers(1, 10**7), min_size=2, max_size=5))
def test_quantiles_rise_and_probabilities_fall_whatever_the_model_says(raw, observed, thresholds):
    horizon = Spread.of(raw).horizon(observed, sorted(thresholds))
    quantiles, chances = list(horizon.q.values()), [horizon.p_over[t] for t in sorted(thresholds)]
    assert quantiles == sorted(quantiles) and quantiles[0] >= observed
    assert chances == sorted(chances, reverse=True)
    assert all(0 <= p <= 1 for p in chances)


def test_quantile_and_probability_tell_the_same():
    spread = Spread.of(np.linspace(2, 8, len(LEVELS)))
    assert spread.tail(spread.y(0.75)) == pytest.approx(0.25)


def test_beyond_the_last_level_the_chance_goes_on_falling_and_is_never_none():
    spread = Spread.of(np.linspace(2, 8, len(LEVELS)))
    assert 0 < spread.tail(12) < spread.tail(9) < 1 - LEVELS[-1]


def test_what_is_reached_is_certain():
    assert Spread.nothing().horizon(600, [500]).p_over == {500: 1.0}


def test_conformal_quantiles_cover_what_they_promise():
    rng = np.random.default_rng(5)
    covered = []
    for _ in range(200):
        levels = conformal(rng.normal(size=60))
        low, high = np.interp([0.1, 0.9], LEVELS, levels)
        covered.append(np.mean((rng.normal(size=400) >= low) * (rng.normal(size=400) <= high)))
    assert np.mean(covered) >= 0.80  # both ends drawn apart: 0.9 × 0.9 = 0.81 is nominal


def test_wider_keeps_the_middle():
    spread = Spread.of(np.linspace(2, 8, len(LEVELS)))
    assert spread.wider(1.3).y(0.5) == pytest.approx(spread.y(0.5))
    assert spread.wider(1.3).y(0.9) > spread.y(0.9)

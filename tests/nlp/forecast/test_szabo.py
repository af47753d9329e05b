from __future__ import annotations

import pytest

from incidents.errors import ModelError
from nlp.forecast import load


@pytest.fixture(scope="module")
def szabo():
    return load("szabo-huberman")


def test_the_fan_begins_at_the_count_and_ends_at_the_horizon(szabo, post, after):
    made = szabo.predict([post({1: 40, 3: 120})], after(3))[0]
    assert made.abstains is None and made.h12 and made.h24
    assert made.path[0].q90 == pytest.approx(120)
    assert (made.path[-1].at, made.path[-1].q50) == (after(24), pytest.approx(made.h24.q["50"]))
    assert made.h12.q["50"] <= made.h24.q["50"]


def test_the_path_never_falls_and_its_quantiles_never_cross(szabo, post, after):
    made = szabo.predict([post({1: 40, 3: 120})], after(5))[0]
    for name in ("q10", "q25", "q50", "q75", "q90"):
        line = [getattr(point, name) for point in made.path]
        assert line == sorted(line) and line[0] >= 120
    assert all(p.q10 <= p.q25 <= p.q50 <= p.q75 <= p.q90 for p in made.path)


def test_a_threshold_already_reached_is_certain_and_dated(szabo, post, after):
    made = szabo.predict([post({1: 40, 2: 600, 3: 640})], after(3))[0]
    assert made.h24 and made.h24.p_over == {500: 1.0}
    assert made.crosses_at == {500: after(2)}


def test_a_crossing_ahead_lies_on_the_median_path(szabo, post, after):
    made = szabo.predict([post({1: 300, 2: 420}, thresholds=(450, 100_000))], after(2))[0]
    assert after(2) < made.crosses_at[450] < after(24)
    assert made.crosses_at[100_000] is None


def test_a_passed_horizon_is_null(szabo, post, after):
    made = szabo.predict([post({6: 100, 13: 120})], after(13))[0]
    assert made.h12 is None and made.h24 is not None


def test_an_old_count_widens_nothing_away(szabo, post, after):
    """Two hours without a crawl: the forecast is still from the age at which the count was read."""
    fresh, stale = (szabo.predict([post({1: 40, 3: 120})], after(hours))[0] for hours in (3, 5))
    assert fresh.h24 == stale.h24


@pytest.mark.parametrize(
    ("counts", "changes", "code"),
    [
        ({1: 40}, {}, "one_count"),
        ({1: 0, 5: 0, 20: 0}, {}, "too_few"),
        ({1: 40, 2: 50}, {"platform": "forum"}, "not_fitted"),
        ({1: 40, 2: 50}, {"metric": "likes"}, "not_fitted"),
        ({1: 400, 2: 500_000}, {}, "too_many"),
        ({0.01: 12, 0.02: 13}, {}, "too_young"),
    ],
)
def test_it_abstains_with_a_code_and_a_sentence(szabo, post, after, counts, changes, code):
    made = szabo.predict([post(counts, **changes)], after(max(counts)))[0]
    assert made.abstains and made.abstains.startswith(f"{code}: ")
    assert (made.h12, made.h24, made.path) == (None, None, ())


def test_it_is_cold_below_thirty_matured_mentions_of_ones_own(post, after):
    asked = [post({1: 40, 3: 120})]
    assert load("szabo-huberman", own_matured=29).predict(asked, after(3))[0].cold
    assert not load("szabo-huberman", own_matured=30).predict(asked, after(3))[0].cold


def test_an_unknown_name_names_the_known_ones():
    with pytest.raises(ModelError, match="szabo-huberman"):
        load("crystal-ball")

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from incidents.model import Forecast, Horizon
from incidents.shares import Share
from nlp.forecast.track import (
    ENOUGH,
    Matured,
    at_age,
    average_precision,
    bands,
    correction,
    costs,
    drift,
    leads,
    nearest,
    report,
    tuned,
)


@pytest.fixture
def matured(after):
    """A forecast made at 1 h with 63 counted and 127 expected; what came is given."""

    def build(name: str, came: int, chance: float = 0.4, at: float = 1, crossed: float | None = None, wide: float = 1.0) -> Matured:
        q = {level: 63 + 2.0 ** (6 + wide * z) - 1 for level, z in
             {"05": -1.64, "10": -1.28, "25": -0.67, "50": 0, "75": 0.67, "90": 1.28, "95": 1.64}.items()}
        made = Forecast(
            metric="reposts", platform="weibo", first_seen=after(0), made_at=after(at), observed=63, h12=None,
            h24=Horizon(q=q, p_over={500: chance}), path=(), crosses_at={}, cold=False, reasons=(), abstains=None, model="m",
        )
        return Matured(name=name, forecast=made, threshold=500, came=came, crossed_at=None if crossed is None else after(crossed))

    return build


def normal(matured, count: int, shift: float = 0.0, scale: float = 1.0) -> list[Matured]:
    rng = np.random.default_rng(3)
    return [matured(f"n{i}", 62 + round(2 ** (6 + shift + scale * rng.normal()))) for i in range(count)]


def test_a_good_record_covers_what_it_promised(matured):
    made = report(normal(matured, 400))
    assert made.coverage_80 == pytest.approx(0.8, abs=0.05)
    assert made.coverage_90 == pytest.approx(0.9, abs=0.04)


def test_below_enough_no_rate_is_told_but_misses_are(matured):
    made = report([matured("late", 900, chance=0.05, crossed=5)])
    assert (made.coverage_80, made.brier, made.base_rate) == (None, None, None)
    assert [one.name for one in made.missed] == ["late"]


def test_a_warning_after_the_crossing_is_a_miss(matured):
    made = report([matured("a", 900, chance=0.9, at=6, crossed=5)])
    assert [one.name for one in made.missed] == ["a"] and made.median_lead is None


def test_lead_is_counted_from_the_first_warning(matured):
    made = report([matured("a", 900, chance=0.5, at=1, crossed=5), matured("a", 900, chance=0.9, at=3, crossed=5)])
    assert made.median_lead == timedelta(hours=4) and made.missed == ()


def test_false_alarms_are_named_once(matured):
    made = report([matured("a", 100, chance=0.5), matured("a", 100, chance=0.6, at=2)])
    assert [one.name for one in made.false_alarms] == ["a"]


def test_bands_hold_said_against_came():
    (band,) = bands([(0.4, True), (0.4, False), (0.35, False), (0.45, False)])
    assert (band.count, band.said, band.came) == (4, pytest.approx(0.4), 0.25)


def test_drift_is_told_only_when_chance_would_hardly_do_it(matured, after):
    assert drift(normal(matured, 200), after(30)) == ()
    assert {one.interval for one in drift(normal(matured, 200, scale=2.5), after(30))} == {"q10–q90", "q05–q95"}
    assert drift(normal(matured, ENOUGH - 1, scale=2.5), after(30)) == ()
    assert drift(normal(matured, 200, scale=2.5), after(24 * 60)) == ()  # all older than the window


def test_correction_learns_the_shift_and_the_width(matured, after):
    learnt = correction(normal(matured, 300, shift=1.0, scale=2.0), after(30))
    assert learnt.shift == pytest.approx(0.9, abs=0.25)
    assert 1.4 < learnt.factor < 2.2
    assert correction(normal(matured, ENOUGH - 1, shift=1.0), after(30)).factor == 1.0


def test_what_was_forecast_under_one_correction_teaches_the_same_again(matured, after):
    """Corrected by +1 and ×2, the same world needs the same correction, not none and not twice as much."""
    plain = correction(normal(matured, 300, shift=1.0, scale=2.0), after(30))
    under = [replace(one, forecast=replace(one.forecast, model="grown@1~1.000~2.000", h24=Horizon(q=moved(one, 1.0, 2.0), p_over={})))
             for one in normal(matured, 300, shift=1.0, scale=2.0)]
    again = correction(under, after(30))
    assert (again.shift, again.factor) == (pytest.approx(plain.shift, abs=0.02), pytest.approx(plain.factor, rel=0.05))


def moved(one: Matured, shift: float, factor: float) -> dict[str, float]:
    assert one.forecast.h24
    return {level: 62 + 2.0 ** (6 + shift + factor * (np.log2(total - 62) - 6)) for level, total in one.forecast.h24.q.items()}


def test_costs_fall_with_the_threshold_and_the_budget_takes_the_most_recall(matured):
    history = [matured(f"a{i}", 900 if i % 3 == 0 else 100, chance=i / 60, crossed=5 if i % 3 == 0 else None) for i in range(60)]
    lines = costs(history, days=10)
    alerts = [line.alerts_a_day for line in lines]
    assert alerts == sorted(alerts, reverse=True)
    chosen = tuned(history, days=10, most_a_day=2.0)
    assert chosen and chosen.alerts_a_day <= 2.0
    assert all(line.alerts_a_day > 2.0 for line in lines if line.alert_at < chosen.alert_at)
    assert tuned(history[:10], days=10, most_a_day=2.0) is None


def test_one_forecast_a_mention_and_only_near_the_age(matured):
    looks = [matured("a", 100, at=at) for at in (0.3, 0.9, 1.3, 5)] + [matured("b", 100, at=9)]
    assert [(one.name, one.forecast.made_at.hour) for one in nearest(looks, 1.0)] == [("a", 2)]
    assert nearest(looks, 1.0)[0] is looks[1]


def test_the_record_at_an_age_counts_mentions_not_looks(matured):
    history = [matured(f"n{i}", 900 if i < 10 else 90, chance=0.8 if i < 10 else 0.1, at=at) for i in range(40) for at in (0.9, 1.0, 1.1)]
    made = at_age(history, 1.0)
    assert (made.count, made.crossed.hits, made.crossed.count) == (40, 10, 40)
    assert made.precision == 1.0 and made.said == pytest.approx(0.275)
    assert at_age(history[:30], 1.0).brier is None  # ten mentions: no rate


def test_the_interval_of_a_share_is_wilsons():
    assert Share(hits=80, count=100).interval == pytest.approx((0.7112, 0.8666), abs=1e-3)
    assert Share(hits=0, count=0).interval[0] == 0.0


def test_average_precision_is_that_of_scikit_learn():
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(2)
    chances = [(round(float(p), 1), bool(rng.random() < p)) for p in rng.random(300)]  # with ties
    assert average_precision(chances) == pytest.approx(average_precision_score([over for _, over in chances], [p for p, _ in chances]))
    assert average_precision([(0.3, False)]) is None


def test_leads_are_told_by_name(matured):
    history = [matured("a", 900, chance=0.5, at=1, crossed=5), matured("b", 900, chance=0.1, crossed=3), matured("c", 900, chance=0.9, at=2, crossed=8)]
    assert leads(history, 0.3) == {"a": timedelta(hours=4), "c": timedelta(hours=6)}

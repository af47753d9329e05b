"""The reaction to a statement, against the forecast made before it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from incidents.effect import on_path, refusal, statement_effect
from incidents.model import Forecast, PathPoint
from tests.incidents.builders import HOUR, MINUTE, T0


def forecast(made: float = 1, abstains: str | None = None) -> Forecast:
    path = tuple(PathPoint(at=T0 + n * HOUR, q10=80 + 10 * n, q50=100 + 20 * n, q90=120 + 40 * n) for n in range(int(made), 25))
    return Forecast(metric="reposts", platform="weibo", first_seen=T0, made_at=T0 + made * HOUR, observed=100, h12=None, h24=None, path=() if abstains else path,
                    crosses_at={}, cold=False, reasons=(), abstains=abstains, model="m")


def after(*values: int, every: timedelta = HOUR) -> list[tuple[object, int]]:
    return [(T0 + 2 * HOUR + (n + 1) * every, value) for n, value in enumerate(values)]


@pytest.mark.parametrize(("values", "verdict"), [((105, 106, 107), "below"), ((160, 180, 200), "inside"), ((400, 500, 600), "above")])
def test_below_inside_and_above_the_band(values: tuple[int, ...], verdict: str) -> None:
    effects = statement_effect(forecast(), T0 + 2 * HOUR, after(*values))
    assert effects and [one.verdict for one in effects] == [verdict] * 3
    assert (effects[0].low, effects[0].expected, effects[0].high) == (110, 160, 240)


@pytest.mark.parametrize(("before", "counts", "code"), [
    (None, after(1, 2, 3), "no_forecast"), (forecast(abstains="too_few: x"), after(1, 2, 3), "no_forecast"), (forecast(made=3), after(1, 2, 3), "after"),
    (forecast(), after(1, 2), "too_few"), (forecast(), after(1, 2, 3, every=5 * MINUTE), "too_short"), (forecast(), after(1, 2, 3, every=30 * HOUR), "too_few"),
])
def test_it_refuses_by_name_where_nothing_can_be_said(before: Forecast | None, counts: list[tuple[object, int]], code: str) -> None:
    assert refusal(before, T0 + 2 * HOUR, counts) == code  # type: ignore[arg-type]
    assert statement_effect(before, T0 + 2 * HOUR, counts) is None  # type: ignore[arg-type]


def test_the_path_is_straight_between_its_points_and_flat_beyond() -> None:
    path = forecast().path
    assert on_path(path, T0 + 90 * MINUTE).q50 == 130
    assert (on_path(path, T0).q50, on_path(path, T0 + 99 * HOUR).q50) == (path[0].q50, path[-1].q50)

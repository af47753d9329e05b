"""Counts grow as real ones do, never fall, and are the same after a restart."""

from __future__ import annotations

import gzip
import json
import os
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drill import fit_growth, growth, plot
from monitor.drill.growth import Push
from monitor.drill.world import METRICS, World

SHARED = Path(os.environ.get("YUJING_SHARED", Path(__file__).parents[4] / "shared"))
CASCADES = SHARED / "data" / "cascades" / "weibo_reposts.jsonl.gz"


@given(st.floats(0.1, 0.9), st.integers(1, 800), st.integers(0, 86_400))
def test_about_the_total_is_reached_in_24_hours(pace: float, total: int, start: int) -> None:
    passed = growth.moments("any", [Push(start=float(start), total=total, pace=pace)])
    assert passed == sorted(passed) and passed[0] >= start if passed else total == 0
    reached = growth.reached(passed, start + 86_400)
    assert abs(reached - total) <= 5 * total**0.5 + 2


def test_a_higher_pace_is_earlier_and_the_night_is_slow() -> None:
    def share(pace: float, start: int, hours: float) -> float:
        passed = growth.moments("s", [Push(start=start, total=2_000, pace=pace)])
        return growth.reached(passed, start + hours * 3600) / 2_000

    noon, two_at_night = 4 * 3600, 18 * 3600  # unix seconds; Shanghai is eight hours ahead
    assert share(0.2, noon, 2) < share(0.5, noon, 2) < share(0.8, noon, 2)
    assert share(0.4, two_at_night, 3) < 0.6 * share(0.4, noon, 3)


def test_the_lead_post_spreads_as_written(world: World) -> None:
    lead = world.script.post("lead")
    born = world.published(lead)

    def reposts(hours: float) -> int:
        return world.count(lead, "reposts", born + timedelta(hours=hours))

    assert 60 <= reposts(1) <= 110 and 850 <= reposts(24) <= 950
    before, after = reposts(68 / 60) - reposts(38 / 60), reposts(110 / 60) - reposts(80 / 60)
    assert after >= 1.7 * before  # the newspaper's repost


def test_counts_never_fall_and_a_restart_changes_nothing(world: World, minute) -> None:
    again = World(plot.load(), world.origin)
    for post in world.script.posts:
        for metric in METRICS:
            counts = [world.count(post, metric, minute(at)) for at in range(-100, 1500, 40)]
            assert counts == sorted(counts)
            assert counts == [again.count(post, metric, minute(at)) for at in range(-100, 1500, 40)]


def test_other_posts_stay_small(world: World) -> None:
    day_later = {post.id: world.count(post, "reposts", world.published(post) + timedelta(hours=24)) for post in world.script.on("weibo")}
    crisis = [count for name, count in day_later.items() if name.startswith("w-")]
    assert max(crisis) <= 420 and min(crisis) >= 5


@pytest.mark.skipif(not CASCADES.exists(), reason="shared cascades are not here (YUJING_SHARED)")
def test_the_shipped_shapes_are_those_of_the_cascades() -> None:
    fitted, shipped = fit_growth.fit(CASCADES), json.loads(growth.SHAPES.read_text("utf-8"))
    assert np.allclose(fitted["activity"], shipped["activity"], atol=1e-3)
    assert all(np.allclose(fitted["paces"][pace], shape, atol=1e-3) for pace, shape in shipped["paces"].items())


@pytest.mark.skipif(not CASCADES.exists(), reason="shared cascades are not here (YUJING_SHARED)")
def test_drawn_curves_lie_among_the_real_ones() -> None:
    with gzip.open(CASCADES, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][:600]
    real = [np.searchsorted(row["offsets"], 3 * 3600) / max(1, np.searchsorted(row["offsets"], 86_400)) for row in rows]
    drawn = [growth.reached(passed := growth.moments(str(row["id"]), [Push(start=row["t0"], total=300, pace=pace)]), row["t0"] + 3 * 3600)
             / growth.reached(passed, row["t0"] + 86_400) for place, row in enumerate(rows) for pace in (0.1 + place % 9 / 10,)]
    assert np.allclose(np.quantile(real, (0.25, 0.5, 0.75)), np.quantile(drawn, (0.25, 0.5, 0.75)), atol=0.08)

from __future__ import annotations

from datetime import timedelta

import pytest

from nlp.forecast import load
from nlp.forecast.backtest import Followed, plots, replay, table, told, walk


class Watching:
    """A forecaster that notes what it was shown."""

    name = "watching"

    def __init__(self) -> None:
        self.shown: list[tuple[int, float]] = []
        self._inner = load("szabo-huberman")

    def predict(self, asked, now):
        self.shown += [(len(one.snapshots), (now - one.snapshots[-1].at) / timedelta(hours=1)) for one in asked]
        return self._inner.predict(asked, now)


def test_the_future_is_never_shown(post):
    watching = Watching()
    replay([Followed(name="a", asked=post({1: 40, 2: 60, 3: 90, 26: 200}))], watching, 500)
    assert watching.shown == [(1, 0.0), (2, 0.0), (3, 0.0)]


def test_what_came_is_the_total_at_twenty_four_hours(post, after):
    (last, *_) = reversed(replay([Followed(name="a", asked=post({1: 40, 2: 60, 22: 100, 26: 200}))], load("szabo-huberman"), 90))
    assert (last.came, last.crossed_at, last.over) == (150, after(22), True)


def test_after_the_crossing_nothing_is_foreseen_any_more(post):
    made = replay([Followed(name="a", asked=post({1: 40, 2: 60, 3: 700, 4: 800, 30: 900}))], load("szabo-huberman"), 500)
    assert [one.forecast.observed for one in made] == [60]


@pytest.mark.parametrize("counts", [{1: 40, 2: 60}, {}, {1: None, 30: None}])
def test_what_was_not_followed_to_the_end_has_not_matured(post, counts):
    assert replay([Followed(name="a", asked=post(counts))], load("szabo-huberman"), 500) == []


def test_the_table_and_the_plots_tell_the_costs(post, tmp_path):
    history = [Followed(name=str(i), asked=post({1: 40 + i, 2: 60 + 9 * i, 3: 90 + 12 * i, 25: 120 + 25 * i})) for i in range(30)]
    made = replay(history, load("szabo-huberman"), 500)
    told = table(made, days=10)
    assert "alert at" in told and "mentions 30" in told
    pytest.importorskip("matplotlib")
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in plots(made, 10, tmp_path))


def test_a_walk_says_what_it_left_out(post):
    history = [Followed(name="short", asked=post({1: 40})), Followed(name="late", asked=post({4: 900, 30: 1000})), Followed(name="tiny", asked=post({1: 2, 26: 3}))]
    made = walk(history, load(), 500)
    assert (made.followed, made.unripe, made.unforeseen, dict(made.abstained)) == (3, ("short",), ("late",), {"too_few": 1})
    assert "crossed without any forecast before: late" in told(made, 1)

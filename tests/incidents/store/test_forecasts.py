"""What came of a forecast: the last exact count near its 24 h, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from incidents.model import Snapshot
from incidents.store import tables as t
from incidents.store.ledger import Ledger
from tests.incidents.builders import HOUR, T0, judge_all, ledger_in, mention, save

DAY = T0 + timedelta(hours=24)


def made(ledger: Ledger, name: str, counted: Mapping[float, int], floors: frozenset[str] = frozenset()) -> int:
    """A mention with one forecast that waits for its outcome; ``floors`` marks the last count."""
    one = mention(name, text=f"雾岛茶第 {name} 件")
    last = max(counted)
    seen = tuple(Snapshot(key=one.key, at=T0 + hours * HOUR, reposts=n, floors=floors if hours == last else frozenset()) for hours, n in counted.items())
    (number,) = save(ledger, one, snapshots=seen).new_ids
    judge_all(ledger)
    with ledger.engine.begin() as c:
        c.execute(sa.insert(t.forecasts).values(story_id=1, mention_id=number, made_at=T0 + HOUR, metric="reposts", platform="weibo", first_seen=T0, observed=10,
                                                body={"h24": None}, model="m", abstains=None, matures_at=DAY))
    return number


def came(ledger: Ledger) -> dict[int, int | None]:
    with ledger.engine.connect() as c:
        return {row.mention_id: row.came for row in c.execute(sa.select(t.forecasts.c.mention_id, t.forecasts.c.came))}


@pytest.mark.parametrize(("counted", "floors", "wanted"), [
    ({1: 10, 23: 90, 24.4: 100, 25: 700}, frozenset(), 100),  # half an hour of slack, no more
    ({1: 10, 20: 90, 25: 100}, frozenset(), None),  # nothing within three hours before: nothing is claimed
    ({1: 10, 22: 90, 24: 100}, frozenset({"reposts"}), 90),  # a floor says at least, not how many
])
def test_the_last_exact_count_near_the_horizon_is_what_came(tmp_path: Path, counted: dict[float, int], floors: frozenset[str], wanted: int | None) -> None:
    ledger = ledger_in(tmp_path)
    number = made(ledger, "1", counted, floors)
    assert ledger.forecasts.mature(DAY + 2 * HOUR) == 0  # not before three hours have passed
    assert ledger.forecasts.mature(DAY + 3 * HOUR) == (wanted is not None)
    assert came(ledger) == {number: wanted} and ledger.forecasts.mature(DAY + 4 * HOUR) == 0


def test_what_was_not_followed_keeps_no_other_waiting(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    lost = [made(ledger, f"lost{n}", {1: 10}) for n in range(3)]
    followed = made(ledger, "followed", {1: 10, 24: 50})
    assert ledger.forecasts.mature(DAY + 5 * HOUR, limit=1) == 1
    assert came(ledger) == {**dict.fromkeys(lost), followed: 50}

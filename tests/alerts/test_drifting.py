from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from alerts.drifting import told_of
from alerts.escalation import telling
from alerts.templates import render
from incidents.model import Grade, Reason
from tests.alerts.builders import MINUTE, T0, row, settings_in

NARROW = {"interval": "q10–q90", "nominal": 0.8, "covered": 0.55, "count": 44}


def test_the_key_is_of_the_day_it_began_so_that_looking_again_tells_nothing_new(tmp_path: Path) -> None:
    who = telling(settings_in(tmp_path))
    first, again = (list(told_of([NARROW], T0, who, T0 + timedelta(hours=hours))) for hours in (0, 5))
    assert [one["key"] for one in first] == [one["key"] for one in again] != []
    assert {one["receiver"].person for one in first} == set(who.keepers) and {one["grade"] for one in first} == {Grade.BLUE}
    assert [one["key"] for one in told_of([NARROW], T0 + MINUTE, who, T0)] != [one["key"] for one in first]


@pytest.mark.parametrize(("covered", "wanted"), [(0.55, "区间偏窄"), (0.97, "区间偏宽")])
def test_it_says_which_way_the_intervals_err(tmp_path: Path, covered: float, wanted: str) -> None:
    body = {"at": T0.isoformat(), "since": T0.isoformat(), "drift": [{**NARROW, "covered": covered}]}
    said = render(row(reason=Reason.DRIFT, grade=Grade.BLUE, body=body), None, settings_in(tmp_path), T0)
    assert wanted in said.markdown and "44" in said.markdown and f"{covered:.0%}" in said.markdown
    assert said.title == "预测的区间不再可靠" and "{" not in said.markdown

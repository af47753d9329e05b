from __future__ import annotations

import io
import json

import pytest

from nlp.forecast import load
from nlp.forecast.lines import run

ASKED = {
    "id": "a", "platform": "weibo", "metric": "reposts", "first_seen": "2026-11-20T10:00:00+08:00",
    "now": "2026-11-20T13:00:00+08:00", "thresholds": [500, 100],
    "snapshots": [{"at": "2026-11-20T11:00:00+08:00", "reposts": 40}, {"at": "2026-11-20T13:00:00+08:00", "reposts": 120}],
}


def answer(*questions: object) -> tuple[int, list[dict]]:
    out = io.BytesIO()
    sent = "\n".join(json.dumps(question) for question in questions).encode()
    status = run(io.BytesIO(sent), out, load("szabo-huberman"))
    return status, [json.loads(line) for line in out.getvalue().splitlines()]


def test_every_documented_field_is_there():
    status, (line,) = answer(ASKED)
    assert status == 0
    assert list(line) == ["id", "12h", "24h", "path", "crosses_at", "cold", "reasons", "abstains", "model"]
    assert list(line["24h"]) == ["q05", "q10", "q25", "q50", "q75", "q90", "q95", "p_over"]
    assert set(line["path"][0]) == {"at", "q10", "q50", "q90"}
    assert set(line["24h"]["p_over"]) == set(line["crosses_at"]) == {"500", "100"}


def test_an_abstention_has_the_same_fields_and_is_no_error():
    status, (line,) = answer(ASKED | {"platform": "forum"})
    assert (status, line["24h"], line["path"], line["reasons"]) == (0, None, [], [])
    assert line["abstains"].startswith("not_fitted: ")


def test_a_bad_line_is_answered_and_the_next_goes_on():
    status, lines = answer(ASKED | {"first_seen": "yesterday"}, ASKED | {"id": 7})
    assert status == 1
    assert lines[0]["line"] == 1 and lines[0]["error"].startswith("bad_time: ")
    assert lines[1]["id"] == 7 and lines[1]["24h"]


@pytest.mark.parametrize(
    "change",
    [
        {"snapshots": "none"}, {"snapshots": [3]}, {"snapshots": [{"at": "2026-11-20T11:00:00+08:00", "reposts": -1}]},
        {"snapshots": [{"at": "2026-11-20T11:00:00+08:00", "reposts": "many"}]}, {"thresholds": [0]},
        {"thresholds": [True]}, {"thresholds": [1.5]}, {"author": []}, {"author": {"followers": 1e999}},
        {"author": {"verified": "yes"}}, {"snapshots": [{"reposts": 3}]}, {"now": None}, {"metric": None},
    ],
)
def test_what_is_not_of_its_kind_is_an_error_of_its_line(change):
    status, (line,) = answer(ASKED | change)
    assert status == 1 and set(line) == {"id", "line", "error"}


def test_a_floor_and_an_unknown_count_are_understood():
    floor = {"at": "2026-11-20T12:00:00+08:00", "reposts": {"at_least": 100}}
    unknown = {"at": "2026-11-20T12:30:00+08:00", "reposts": None}
    status, (line,) = answer(ASKED | {"snapshots": [floor, unknown]})
    assert status == 0 and line["abstains"].startswith("floor: ")
    assert line["crosses_at"]["100"] == "2026-11-20T12:00:00+08:00"


def test_every_reason_has_its_sentence():
    _, (line,) = answer(ASKED | {"author": {"followers": 5_000_000, "verified": True}})
    assert {"count", "author_large", "cold"} <= {reason["code"] for reason in line["reasons"]}
    assert all(reason["text"] and "{" not in reason["text"] for reason in line["reasons"])

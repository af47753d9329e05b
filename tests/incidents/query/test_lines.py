from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from typing import Any

import pytest

from incidents.errors import QueryError
from incidents.query.lines import run


def answers(query: str, *lines: Any) -> tuple[int, list[Any]]:
    out = io.BytesIO()
    status = run(query, io.BytesIO("\n".join(json.dumps(line) for line in lines).encode()), out)
    return status, [json.loads(line) for line in out.getvalue().splitlines()]


def test_every_line_is_answered_in_order_with_the_documented_fields() -> None:
    status, found = answers("雾岛 title:虫", {"id": 1, "title": "蟲", "text": "去霧島"}, {"id": "b", "text": "雾岛", "title": None})
    assert status == 0
    assert found == [
        {"id": 1, "matched": True, "spans": [{"field": "title", "start": 0, "end": 1, "term": "虫"}, {"field": "text", "start": 1, "end": 3, "term": "雾岛"}]},
        {"id": "b", "matched": False, "spans": []},
    ]


def test_filters_see_the_lines_properties() -> None:
    line = {"id": 1, "text": "茶", "source": "wb", "platform": "weibo", "author": "小满", "sentiment": "negative", "other": 1}
    assert all(answers(f"茶 {one}", line)[1][0]["matched"] for one in ("source:wb", "平台：weibo", "author:小满", "sentiment:负面"))
    assert not answers("茶 source:wb", {"id": 1, "text": "茶", "source": None})[1][0]["matched"]


def test_a_line_that_cannot_be_used_is_said_and_the_rest_goes_on() -> None:
    status, found = answers("茶", {"id": 1}, {"id": 2, "text": 3}, {"id": 3, "text": "茶"})
    assert status == 1 and [one.get("matched") for one in found] == [None, None, True]
    assert found[0]["error"].startswith("missing_field:") and found[1]["error"].startswith("bad_field:")


def test_a_bad_query_is_refused_before_anything_is_read() -> None:
    with pytest.raises(QueryError, match="at character 3"):
        answers("茶 （虫", {"id": 1, "text": "茶"})


def test_it_starts_in_half_a_second_and_loads_nothing_heavy() -> None:
    code = "import sys; from incidents.query.lines import run; run('雾岛茶 NOT 招聘', sys.stdin.buffer, sys.stdout); " \
           "print([m for m in ('sqlalchemy', 'pydantic', 'elasticsearch', 'torch', 'numpy', 'scrapy') if m in sys.modules], file=sys.stderr)"
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], input='{"id": 1, "text": "霧島茶"}', capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["matched"] is True and done.stderr.strip() == "[]"
    assert time.perf_counter() - began < 2  # 0.1 s alone on the machine; others may share it here

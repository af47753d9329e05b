"""``yujing score``: every documented field, always (docs/commands.md)."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest

from incidents.errors import ModelError
from nlp.score_lines import run

FIELDS = ["id", "sentiment", "probabilities", "alarm", "aspect_sentiment", "relevance", "issue", "nature", "signals", "hostile",
          "noise", "abstains", "model", "why"]


def ask(*lines: dict[str, Any] | str) -> tuple[int, list[dict[str, Any]]]:
    raw = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    out = BytesIO()
    status = run("floor", BytesIO(raw.encode()), out)
    return status, [json.loads(line) for line in out.getvalue().decode().splitlines()]


def test_all_fields_are_there_in_order() -> None:
    status, answers = ask({"id": "a", "text": "好"}, {"id": 2, "text": "", "title": None, "brand": None, "more": 1})
    assert status == 0
    assert [list(answer) for answer in answers] == [FIELDS, FIELDS]
    assert [answer["id"] for answer in answers] == ["a", 2]


def test_a_complaint_with_a_brand() -> None:
    text = "小米SU7充电时起火，客服推诿，投诉三次没人处理"
    answer = ask({"id": 1, "text": text, "brand": "小米", "domain": "weibo"})[1][0]
    assert answer["sentiment"] == max(answer["probabilities"], key=answer["probabilities"].get) == "negative"
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    assert {"name": "fire", "field": "text", "start": 8, "end": 10} in answer["signals"]
    assert answer["issue"]["name"] in ("accident", "service")
    assert {span["name"] for span in answer["why"]} == {answer["issue"]["name"], answer["nature"]}
    assert answer["relevance"] > 0.9
    assert answer["aspect_sentiment"] == "negative"


def test_offsets_are_of_the_title_as_sent() -> None:
    answer = ask({"id": 1, "title": "🔥電動車起火", "text": "詳情"})[1][0]
    assert {"name": "fire", "field": "title", "start": 4, "end": 6} in answer["signals"]


def test_a_brand_that_is_not_named_is_not_relevant() -> None:
    answers = ask({"id": 1, "text": "喝了小米粥", "brand": "小米"}, {"id": 2, "text": "今天下雨", "brand": "小米"}, {"id": 3, "text": "x"})[1]
    assert answers[0]["relevance"] < 0.1
    assert answers[1]["relevance"] == 0
    assert answers[2]["relevance"] is None


def test_abstaining_is_an_answer() -> None:
    status, answers = ask({"id": 1, "text": "😡😡"}, {"id": 2, "text": "\ud800"}, {"id": 3, "text": "Hello there, how are you"})
    assert status == 0
    assert [answer["abstains"].partition(":")[0] for answer in answers] == ["no_text", "no_text", "not_chinese"]
    assert all(sum(answer["probabilities"].values()) == pytest.approx(1) for answer in answers)


def test_lines_that_cannot_be_used() -> None:
    status, answers = ask({"id": 1}, {"id": 2, "text": 3}, {"id": 3, "text": "好", "domain": "blog"}, "{", {"id": 5, "text": "好"})
    assert status == 1
    assert [answer.get("error", "").partition(":")[0] for answer in answers] == ["missing_field", "bad_field", "bad_field", "bad_json", ""]
    assert [answer["id"] for answer in answers] == [1, 2, 3, None, 5]


def test_a_model_that_is_not_there() -> None:
    with pytest.raises(ModelError):
        run("/no/such/folder", BytesIO(b""), BytesIO())

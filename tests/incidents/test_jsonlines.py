"""The common rules of the JSON-line commands (docs/commands.md)."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import pytest

from incidents import jsonlines
from incidents.jsonlines import Answer, Line, LineError, answer_batches, answer_each


def echo(line: Line) -> Answer:
    return {"id": line.id, "text": line.required("text")}


def asked(raw: bytes) -> tuple[int, list[dict[str, Any]]]:
    out = BytesIO()
    status = answer_each(BytesIO(raw), out, echo)
    return status, [json.loads(line) for line in out.getvalue().decode().splitlines()]


def test_each_line_is_answered_in_order_and_blank_lines_are_skipped() -> None:
    status, answers = asked('\ufeff{"id":1,"text":"甲"}\r\n\n   \n{"id":"b","text":"乙"}'.encode())
    assert status == 0
    assert answers == [{"id": 1, "text": "甲"}, {"id": "b", "text": "乙"}]


def test_a_bad_line_is_named_by_its_number_and_the_rest_goes_on() -> None:
    status, answers = asked(b'\n{"id":1,\n{"id":2,"text":"ok"}\n')
    assert status == 1
    assert (answers[0]["id"], answers[0]["line"]) == (None, 2)
    assert answers[0]["error"].startswith("bad_json: ")
    assert answers[1] == {"id": 2, "text": "ok"}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"[1]", "bad_json"), (b"3", "bad_json"), (b'{"id":1,"x":NaN}', "bad_json"), (b"[" * 100_000, "bad_json"),
        (b'{"id":' + b"9" * 5000 + b"}", "bad_json"), (b'{"id":"\xff"}', "bad_encoding"), (b'{"text":"x"}', "bad_id"),
        (b'{"id":true,"text":"x"}', "bad_id"), (b'{"id":1.5,"text":"x"}', "bad_id"), (b'{"id":null}', "bad_id"),
    ],
)
def test_lines_that_cannot_be_used(raw: bytes, code: str) -> None:
    status, answers = asked(raw)
    assert status == 1
    assert answers[0]["id"] is None
    assert answers[0]["error"].partition(": ")[0] == code


def test_an_error_of_the_command_keeps_the_id() -> None:
    status, answers = asked(b'{"id":"a","text":5}\n{"id":"b"}\n')
    assert status == 1
    assert [(a["id"], a["error"].partition(":")[0]) for a in answers] == [("a", "bad_field"), ("b", "missing_field")]


def test_a_lone_surrogate_comes_back_as_an_escape() -> None:
    status, answers = asked(b'{"id":"\\ud800","text":"\\ud800x"}\n')
    assert (status, answers) == (0, [{"id": "\ud800", "text": "\ud800x"}])


def test_a_line_that_is_too_long_is_refused_without_being_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonlines, "LONGEST", 1000)
    monkeypatch.setattr(jsonlines, "CHUNK", 100)
    status, answers = asked(b'{"id":1,"text":"' + b"x" * 5000 + b'"}\n{"id":2,"text":"ok"}\n')
    assert status == 1
    assert answers[0]["error"].startswith("too_long: ")
    assert answers[1] == {"id": 2, "text": "ok"}


def test_a_file_is_answered_in_batches_in_order() -> None:
    sizes: list[int] = []

    def batch(lines: Sequence[Line]) -> list[Answer | LineError]:
        sizes.append(len(lines))
        return [LineError("odd", "No.") if line.number % 2 else {"id": line.id} for line in lines]

    out = BytesIO()
    raw = b"".join(b'{"id":%d}\n' % n for n in range(10)) + b"x\n"
    assert answer_batches(BytesIO(raw), out, batch, limit=4) == 1
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [a["id"] for a in answers] == [*range(10), None]
    assert [a.get("line") for a in answers] == [1, None, 3, None, 5, None, 7, None, 9, None, 11]
    assert sizes == [4, 4, 2]


def test_who_types_gets_each_answer_before_the_next_line() -> None:
    ask_from, ask_to = os.pipe()
    tell_from, tell_to = os.pipe()
    with os.fdopen(ask_from, "rb") as stdin, os.fdopen(tell_to, "wb") as stdout:
        worker = threading.Thread(target=answer_each, args=(stdin, stdout, echo))
        worker.start()
        with os.fdopen(tell_from, "rb") as told, os.fdopen(ask_to, "wb", buffering=0) as typist:
            for n in range(3):
                typist.write(b'{"id":%d,"text":"x"}\n' % n)
                assert json.loads(told.readline())["id"] == n
        worker.join(timeout=5)
    assert not worker.is_alive()


def test_times_must_carry_an_offset() -> None:
    line = Line(number=1, id=1, fields={"a": "2026-11-22T09:30:00+08:00", "b": "2026-11-22T09:30:00", "c": None})
    assert line.moment("a") is not None
    assert line.moment("c") is None
    with pytest.raises(LineError, match="bad_time: b must be"):
        line.moment("b")

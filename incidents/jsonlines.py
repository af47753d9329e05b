"""JSON lines on stdin, JSON lines on stdout: the common rules of the commands that others script.

One answer for each line, in order, flushed one by one. A command answers line by line (``answer_each``)
or in batches of the lines that are already waiting (``answer_batches``): somebody who types gets each
answer at once, and a file is read many lines at a time. Nothing here knows what a line means.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, TextIO, cast

from incidents.errors import YujingError

CHUNK = 1 << 18  # bytes asked for in one read; a pipe gives what is there and does not wait for more
LONGEST = 1 << 24  # bytes of one line: 16 MiB hold the longest text that anybody published many times over
BOM = "\ufeff"

Answer = Mapping[str, Any]


class LineError(YujingError):
    """One line cannot be used; the others go on. ``code`` is for programs, the sentence for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Line:
    """One usable line: its number (from 1, blank lines counted), its id and all its fields."""

    number: int
    id: str | int
    fields: Mapping[str, Any]

    def string(self, name: str) -> str | None:
        """The text in field ``name``, None when it is absent or null.

        Raises:
            LineError: ``bad_field``, the value is not a string.
        """
        value = self.fields.get(name)
        if value is None or isinstance(value, str):
            return value
        raise LineError("bad_field", f"{name} must be a string, not {_kind(value)}.")

    def required(self, name: str) -> str:
        """The text in field ``name``; absent or null is a LineError ``missing_field``."""
        value = self.string(name)
        if value is None:
            raise LineError("missing_field", f"{name} is missing.")
        return value

    def choice(self, name: str, known: Sequence[str]) -> str | None:
        """One of the ``known`` words in field ``name``, or None; any other word is a LineError ``bad_field``."""
        value = self.string(name)
        if value is None or value in known:
            return value
        raise LineError("bad_field", f"{name} is {value[:40]!r}; it must be one of {', '.join(known)}.")

    def moment(self, name: str) -> datetime | None:
        """The ISO 8601 time with an offset in field ``name``, or None (see ``moment``)."""
        value = self.string(name)
        return None if value is None else moment(name, value)


def moment(name: str, value: object) -> datetime:
    """Read an ISO 8601 time that carries an offset.

    Raises:
        LineError: ``bad_time``, it is no such time; ``name`` says which one.
    """
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.utcoffset() is None:
        raise LineError("bad_time", f"{name} must be an ISO 8601 time with an offset, like 2026-11-22T09:30:00+08:00.")
    return at


@dataclass(frozen=True, kw_only=True)
class Unusable:
    """A line that cannot be used, as it is answered."""

    number: int
    id: str | int | None
    error: LineError

    def answer(self) -> Answer:
        return {"id": self.id, "line": self.number, "error": str(self.error)}


def answer_each(stdin: BinaryIO, stdout: BinaryIO | TextIO, answer: Callable[[Line], Answer]) -> int:
    """Answer line by line; ``answer`` may raise LineError for its line.

    Returns:
        The exit status: 1 when a line could not be used, else 0.
    """

    def one(lines: Sequence[Line]) -> list[Answer | LineError]:
        try:
            return [answer(lines[0])]
        except LineError as error:
            return [error]

    return answer_batches(stdin, stdout, one, limit=1)


def answer_batches(
    stdin: BinaryIO,
    stdout: BinaryIO | TextIO,
    answer: Callable[[Sequence[Line]], Sequence[Answer | LineError]],
    limit: int = 256,
) -> int:
    """Answer the lines that are already waiting together, at most ``limit`` in one call.

    ``answer`` gets usable lines only and gives one answer, or one LineError, for each of them.

    Returns:
        The exit status: 1 when a line could not be used, else 0.
    """
    sink: Any = getattr(cast("Any", stdout), "buffer", stdout)  # whatever the locale says, the answers are UTF-8
    failed = False
    for waiting in _waiting(stdin):
        for begin in range(0, len(waiting), limit):
            for line in _answered(waiting[begin : begin + limit], answer):
                failed |= isinstance(line, Unusable)
                sink.write(encode(line.answer() if isinstance(line, Unusable) else line))
                sink.flush()
    return int(failed)


def encode(answer: Answer) -> bytes:
    """One line of UTF-8 JSON. Text that UTF-8 cannot hold (a lone surrogate) is written as an escape."""
    try:
        return (json.dumps(answer, ensure_ascii=False, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(answer, allow_nan=False) + "\n").encode()


def _answered(
    lines: Sequence[Line | Unusable], answer: Callable[[Sequence[Line]], Sequence[Answer | LineError]]
) -> Iterator[Answer | Unusable]:
    usable = [line for line in lines if isinstance(line, Line)]
    answers = iter(answer(usable) if usable else ())
    for line in lines:
        if isinstance(line, Unusable):
            yield line
            continue
        given = next(answers)
        yield Unusable(number=line.number, id=line.id, error=given) if isinstance(given, LineError) else given


def _waiting(stdin: BinaryIO) -> Iterator[list[Line | Unusable]]:
    """Lists of lines, each list as long as what one read gave; blank lines are left out."""
    number = 0
    for raw_lines in _raw(stdin):
        lines: list[Line | Unusable] = []
        for raw in raw_lines:
            number += 1
            if (line := _parse(number, raw)) is not None:
                lines.append(line)
        yield lines


def _raw(stdin: BinaryIO) -> Iterator[list[bytes]]:
    read = getattr(stdin, "read1", stdin.read)
    rest: list[bytes] = []
    size = 0
    while chunk := read(CHUNK):
        head, newline, tail = chunk.rpartition(b"\n")
        if newline:
            yield b"".join([*rest, head]).split(b"\n")
            rest, size = [], 0
        size += len(tail)
        if size <= LONGEST + CHUNK:  # what is longer is refused anyway: do not keep it
            rest.append(tail)
    if any(rest):
        yield [b"".join(rest)]


def _parse(number: int, raw: bytes) -> Line | Unusable | None:
    try:
        text = _text(raw)
        if not text:
            return None
        fields = _fields(text)
    except LineError as error:
        return Unusable(number=number, id=None, error=error)
    name = fields.get("id")
    if isinstance(name, str) or (isinstance(name, int) and not isinstance(name, bool)):
        return Line(number=number, id=name, fields=fields)
    why = "id is missing." if name is None else f"id must be a string or an integer, not {_kind(name)}."
    return Unusable(number=number, id=None, error=LineError("bad_id", why))


def _text(raw: bytes) -> str:
    if len(raw) > LONGEST:
        raise LineError("too_long", f"The line is longer than {LONGEST} bytes.")
    try:
        return raw.decode("utf-8").removeprefix(BOM).strip()
    except UnicodeDecodeError as error:
        raise LineError("bad_encoding", f"The line is not UTF-8 (byte {error.start}).") from error


def _fields(text: str) -> Mapping[str, Any]:
    try:
        fields = json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise LineError("bad_json", "The line is nested too deeply.") from error
    except json.JSONDecodeError as error:
        raise LineError("bad_json", f"The line is not JSON: {error.msg} at character {error.pos + 1}.") from error
    except ValueError as error:
        raise LineError("bad_json", f"The line is not JSON: {error}.") from error
    if not isinstance(fields, dict):
        raise LineError("bad_json", f"The line must be a JSON object, not {_kind(fields)}.")
    return fields


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _kind(value: object) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "null")

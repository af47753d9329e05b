"""What a busy or strict Elasticsearch does to single documents of a bulk request, done by the proxy before a real one.

``partial``: each document is put off with 429 at random (one in five). ``mapping``: documents whose number ends in 7 are
refused with 400, as by a mapping that does not take them. Everything else goes on to the server, and its answers come back
in their places. ``Bulk`` keeps book: what was refused, and what was sent again although the server had confirmed it.
"""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass, field
from typing import Any

BUSY = (429, "es_rejected_execution_exception", "rejected execution of coordinating operation")
UNFIT = (400, "document_parsing_exception", "failed to parse field [text]")


@dataclass(kw_only=True)
class Action:
    verb: str
    target: dict[str, Any]
    lines: bytes

    @property
    def version(self) -> tuple[str, Any]:
        return str(self.target["_id"]), self.target.get("version")


@dataclass(kw_only=True)
class Bulk:
    """The witness of both modes."""

    put_off: int = 0
    unfit: set[str] = field(default_factory=set)
    confirmed: set[tuple[str, Any]] = field(default_factory=set)
    sent_again: int = 0  # although confirmed
    draw: random.Random = field(default_factory=lambda: random.Random(8))

    def fault(self, mode: str, action: Action) -> tuple[int, str, str] | None:
        self.sent_again += action.version in self.confirmed
        if mode == "partial" and self.draw.random() < 1 / 5:
            self.put_off += 1
            return BUSY
        if mode == "mapping" and action.verb != "delete" and action.version[0].endswith("7"):
            self.unfit.add(action.version[0])
            return UNFIT
        return None

    async def serve(self, mode: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        """Request by request, as long as the client keeps the connection."""
        while True:
            try:
                head, body = await _read(reader)
            except asyncio.IncompleteReadError:
                return
            answer = await self._bulk(mode, head, body, far) if b"/_bulk" in head.split(b"\r\n", 1)[0] else b"".join(await _ask(far, head, body))
            writer.write(answer)
            await writer.drain()

    async def _bulk(self, mode: str, head: bytes, body: bytes, far: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> bytes:
        actions = _actions(body)
        faults = [self.fault(mode, one) for one in actions]
        kept = [one for one, fault in zip(actions, faults, strict=True) if fault is None]
        said: dict[str, Any] = {"took": 0, "errors": False, "items": []}
        if kept:
            answer_head, answer = await _ask(far, _length(head, len(whole := b"".join(one.lines for one in kept))), whole)
            if b" 200 " not in answer_head.split(b"\r\n", 1)[0]:
                return answer_head + answer
            said = json.loads(answer)
        items = iter(said["items"])
        said["items"] = [next(items) if fault is None else _item(one, fault) for one, fault in zip(actions, faults, strict=True)]
        said["errors"] = said["errors"] or any(faults)
        self.confirmed |= {one.version for one, item in zip(actions, said["items"], strict=True) if item[one.verb]["status"] < 300}
        content = json.dumps(said).encode()
        return b"HTTP/1.1 200 OK\r\nX-elastic-product: Elasticsearch\r\nContent-Type: application/vnd.elasticsearch+json;compatible-with=8\r\nContent-Length: %d\r\n\r\n" % len(content) + content


def _item(action: Action, fault: tuple[int, str, str]) -> dict[str, Any]:
    status, kind, reason = fault
    return {action.verb: {"_index": action.target.get("_index"), "_id": action.target["_id"], "status": status, "error": {"type": kind, "reason": reason}}}


def _actions(body: bytes) -> list[Action]:
    lines, found = iter(body.splitlines(keepends=True)), []
    for line in lines:
        ((verb, target),) = json.loads(line).items()
        found.append(Action(verb=verb, target=target, lines=line if verb == "delete" else line + next(lines)))
    return found


def _length(head: bytes, length: int) -> bytes:
    fields = [one for one in head.rstrip(b"\r\n").split(b"\r\n") if not one.lower().startswith((b"content-length:", b"transfer-encoding:"))]
    return b"\r\n".join([*fields, b"Content-Length: %d" % length]) + b"\r\n\r\n"


async def _ask(far: tuple[asyncio.StreamReader, asyncio.StreamWriter], head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """The server's answer, its length said in its head."""
    far[1].write(_length(head, len(body)) + body)
    await far[1].drain()
    answer_head, answer = await _read(far[0], bodyless=head.startswith(b"HEAD "))
    return (answer_head if head.startswith(b"HEAD ") else _length(answer_head, len(answer))), answer


async def _read(reader: asyncio.StreamReader, *, bodyless: bool = False) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    if bodyless:
        return head, b""
    if fields.get(b"transfer-encoding", b"").strip() == b"chunked":
        return head, await _chunks(reader)
    return head, await reader.readexactly(int(fields.get(b"content-length", b"0")))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    found = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        found += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return found

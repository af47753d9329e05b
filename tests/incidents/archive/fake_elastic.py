"""A small server on loopback that speaks as an Elasticsearch 9 does (nine.py), and fails when it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.incidents.archive.nine import refusal

Answer = tuple[int, Any]


@dataclass
class FakeElastic:
    """``bulks`` answers the bulk requests in order (the last one from then on); ``sent`` is what came."""

    port: int = 0
    version: str = "9.9.0"
    product: str = "Elasticsearch"
    login: int = 200
    media: int = 0  # what a server before 8 answers to the media types of 8
    bulks: list[Callable[[list[Any]], Answer]] = field(default_factory=list)
    sent: list[list[Any]] = field(default_factory=list)
    hang: threading.Event | None = None

    def answer(self, path: str, body: bytes) -> Answer:
        if self.hang is not None:
            self.hang.wait(20)
        if self.login != 200:
            return self.login, {"error": {"type": "security_exception", "reason": "no"}, "status": self.login}
        if self.media:
            return self.media, {"error": {"type": "media_type_header_exception", "reason": "Accept version must be either version 7 or 6, but found 8"}, "status": self.media}
        if path == "/":
            return 200, {"version": {"number": self.version}, "tagline": "You Know, for Search"}
        if path.endswith("/_bulk"):
            lines = [json.loads(line) for line in body.splitlines()]
            self.sent.append(lines)
            return (self.bulks.pop(0) if len(self.bulks) > 1 else self.bulks[0])(lines)
        return 200, {}


def taken(lines: list[Any]) -> Answer:
    return items(lambda _: 201)(lines)


def items(status: Callable[[int], int]) -> Callable[[list[Any]], Answer]:
    """A bulk answer with a status for each document, by its id."""
    def one(action: Any) -> dict[str, Any]:
        code = status(int(action["index"]["_id"]))
        return {"index": {"_id": action["index"]["_id"], "status": code, **({"error": {"type": f"fault_{code}", "reason": "because"}} if code >= 400 else {})}}

    return lambda lines: (200, {"errors": any(status(int(a["index"]["_id"])) >= 400 for a in lines[::2]), "items": [one(a) for a in lines[::2]]})


def whole(code: int) -> Callable[[list[Any]], Answer]:
    return lambda lines: (code, {"error": {"type": "rejected", "reason": "all of it"}, "status": code})


@contextmanager
def serving(fake: FakeElastic) -> Iterator[FakeElastic]:
    class Site(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, said = refusal(self.command, self.path, headers) or fake.answer(self.path.split("?")[0], body)
            raw = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("X-Elastic-Product", fake.product)
            self.send_header("content-type", "application/vnd.elasticsearch+json;compatible-with=8")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _do

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    fake.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield fake
    finally:
        if fake.hang is not None:
            fake.hang.set()
        server.shutdown()
        server.server_close()

"""What Elasticsearch 9 takes of the requests that we send, and a gate before an 8.19 server that refuses the rest.

Written from the REST specification of the 9.x branch (``rest-api-spec``): paths, methods, parameters; and its rule that a
media type must say ``compatible-with=8`` or ``9``. It knows the calls of the archive and no others, so that a new call is looked up.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import httpx

SOME = {"ignore_unavailable", "allow_no_indices", "expand_wildcards"}
TIMES = {"timeout", "master_timeout"}
INDEX = r"/[^/_][^/]*"
CALLS: Mapping[tuple[str, str], set[str]] = {
    ("GET", "/"): set(),
    ("PUT", "/_bulk"): {"filter_path", "refresh", "timeout", "wait_for_active_shards", "require_alias", "routing", "pipeline"},
    ("POST", f"(?:{INDEX})?/_search"): {*SOME, "allow_partial_search_results", "preference", "request_cache", "timeout", "typed_keys", "version", "size", "sort", "from"},
    ("POST", f"{INDEX}/_count"): {*SOME, "preference", "routing", "terminate_after"},
    ("POST", f"{INDEX}/_pit"): {*SOME, "keep_alive", "preference", "routing"},
    ("DELETE", "/_pit"): set(),
    ("POST", f"{INDEX}/_refresh"): SOME,
    ("GET", INDEX): {*SOME, "features", "flat_settings", "include_defaults", "local", "master_timeout"},
    ("PUT", INDEX): {*TIMES, "wait_for_active_shards"},
    ("DELETE", INDEX): {*SOME, *TIMES},
    ("PUT", f"{INDEX}/_mapping"): {*SOME, *TIMES, "write_index_only"},
    ("PUT", f"{INDEX}/_block/(?:read|write|read_only|metadata)"): {*SOME, *TIMES},
    ("GET", f"{INDEX}/_stats/[a-z_,]+"): {"level", "forbid_closed_indices", "expand_wildcards"},
    ("POST", "/_aliases"): TIMES,
    ("GET", f"/_cluster/health{INDEX}"): {*TIMES, "level", "expand_wildcards", "wait_for_status"},
}
MEDIA = re.compile(r"application/vnd\.elasticsearch\+(?:json|x-ndjson); ?compatible-with=[89]")
Answer = tuple[int, dict[str, object]]


def call(method: str, target: str) -> tuple[str, str] | None:
    """Which of ``CALLS`` it is."""
    path = urlsplit(target).path
    return next(((verb, form) for verb, form in CALLS if verb == method and re.fullmatch(form, path)), None)


def refusal(method: str, target: str, headers: Mapping[str, str]) -> Answer | None:
    """What 9 would answer instead of doing it; None lets it pass."""
    parts, known = urlsplit(target), call(method, target)
    if known is None:
        return 400, _fault("illegal_argument_exception", f"no handler found for uri [{target}] and method [{method}]")
    if unknown := sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} - CALLS[known]):
        return 400, _fault("illegal_argument_exception", f"request [{parts.path}] contains unrecognized parameter: [{unknown[0]}]")
    for name in ("accept", "content-type"):
        if (said := headers.get(name)) and not MEDIA.fullmatch(said):
            return 400, _fault("media_type_header_exception", f"Invalid media-type value on header [{name}]: {said}")
    return None


def _fault(kind: str, why: str) -> dict[str, object]:
    return {"error": {"type": kind, "reason": why}, "status": 400}


@dataclass
class Gate:
    """``refused`` is what did not pass, ``passed`` the calls that did.

    ``mode``: pass; cut (the connection ends before anything is done); late (it is done, but the answer is lost); hang; busy (429).
    """

    port: int
    mode: str = "pass"
    refused: list[str] = field(default_factory=list)
    passed: set[tuple[str, str] | None] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)  # lets what hangs go


@contextlib.contextmanager
def gate(server: str) -> Iterator[Gate]:
    """A server on loopback that says it is 9, and passes on to ``server`` (URL) what 9 takes."""
    found = Gate(port=0)

    class Site(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            mode = found.mode
            if mode == "hang":
                found.over.wait(30)
            if mode in ("cut", "hang"):
                self.close_connection = True
                return
            if mode == "busy":
                self._tell(429, b'{"error":{"type":"circuit_breaking_exception","reason":"too much"},"status":429}')
                return
            if (no := refusal(self.command, self.path, headers)) is not None:
                found.refused.append(f"{self.command} {self.path}: {no[1]}")
                answer = httpx.Response(no[0], json=no[1])
            else:
                found.passed.add(call(self.command, self.path))
                answer = httpx.request(self.command, server + self.path, content=content, headers={n: v for n, v in headers.items() if n in ("accept", "content-type")}, timeout=30)
            if mode == "late":
                self.close_connection = True
                return
            self._tell(answer.status_code, answer.content.replace(b'"number" : "8.', b'"number" : "9.').replace(b'"number":"8.', b'"number":"9.'))

        def _tell(self, status: int, raw: bytes) -> None:
            self.send_response(status)
            for name, value in (("X-Elastic-Product", "Elasticsearch"), ("content-type", "application/vnd.elasticsearch+json;compatible-with=8"), ("content-length", str(len(raw)))):
                self.send_header(name, value)
            with contextlib.suppress(OSError):  # who asked no longer listens
                self.end_headers()
                self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _do

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    site = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    site.daemon_threads = True
    found.port = site.server_address[1]
    threading.Thread(target=site.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield found
    finally:
        found.over.set()
        site.shutdown()
        site.server_close()

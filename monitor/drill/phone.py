"""A phone on the desk: a receiver shaped like DingTalk's custom robot, which shows the chat it got.

``POST /robot/send?access_token=…&timestamp=…&sign=…`` answers as the provider does, with HTTP 200 whatever
is wrong and the verdict in ``errcode`` (open.dingtalk.com, "自定义机器人安全设置" and its table of error codes):
0 accepted · 300001 unknown token · 310000 sign or time wrong · 43004 not JSON by its header ·
40035 no usable JSON · 400105 unknown ``msgtype`` · 130101 more than 20 in a minute, then a ban of ten minutes.

``GET /accepted?since=N`` is the provider's own log; ``GET /`` is the chat as a page.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from incidents import now
from monitor.drill.chat import chat_page

Json = dict[str, Any]

A_MINUTE = 20  # accepted in any 60 s
BAN_S = 600.0
TIME_TOLERANCE_MS = 3_600_000
LARGEST = 20_000  # bytes of a body


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The provider's answer in the body of an HTTP 200."""

    errcode: int
    errmsg: str

    def json(self) -> Json:
        return {"errcode": self.errcode, "errmsg": self.errmsg}


OK = Verdict(errcode=0, errmsg="ok")
NO_TOKEN = Verdict(errcode=300001, errmsg="token is not exist")
BAD_TIME = Verdict(errcode=310000, errmsg="invalid timestamp")
BAD_SIGN = Verdict(errcode=310000, errmsg="sign not match")
BAD_TYPE = Verdict(errcode=43004, errmsg="invalid http header Content-Type")
NO_JSON = Verdict(errcode=40035, errmsg="缺少参数 json")
BAD_KIND = Verdict(errcode=400105, errmsg="不支持的消息类型")
TOO_FAST = Verdict(errcode=130101, errmsg="send too fast, exceed 20 times per minute")

NEEDED: Mapping[str, tuple[str, ...]] = {
    "text": ("content",),
    "markdown": ("title", "text"),
    "actionCard": ("title", "text"),
    "link": ("title", "text", "messageUrl"),
    "feedCard": ("links",),
}


def sign(secret: str, timestamp: str) -> str:
    """base64(HMAC-SHA256(secret, timestamp + "\\n" + secret)), before it is percent-coded."""
    digest = hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def check_call(query: Mapping[str, str], token: str | None, secret: str | None, machine_ms: int) -> Verdict:
    """Token, time (within an hour) and sign of a call. Without a configured secret nothing is signed."""
    if token is not None and query.get("access_token") != token:
        return NO_TOKEN
    if secret is None:
        return OK
    stamp = query.get("timestamp", "")
    if not (stamp.isascii() and stamp.isdigit()) or len(stamp) > 16 or abs(int(stamp) - machine_ms) > TIME_TOLERANCE_MS:
        return BAD_TIME
    return OK if hmac.compare_digest(query.get("sign", "").encode(), sign(secret, stamp).encode()) else BAD_SIGN


def check_body(kind: str, body: bytes) -> tuple[Verdict, Json]:
    """The header's media type and the JSON with the fields that its ``msgtype`` needs."""
    if not kind.lower().startswith("application/json"):
        return BAD_TYPE, {}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return NO_JSON, {}
    if not isinstance(found, dict) or len(body) > LARGEST:
        return NO_JSON, {}
    said = found.get("msgtype")
    if not isinstance(said, str) or said not in NEEDED:
        return (NO_JSON if said is None else BAD_KIND), {}
    content = found.get(said)
    if not isinstance(content, dict) or not all(content.get(name) for name in NEEDED[said]):
        return NO_JSON, {}
    return OK, found


@dataclass(kw_only=True)
class Pace:
    """At most ``A_MINUTE`` calls in 60 s of ``clock``; one more and the robot is banned for ``BAN_S``."""

    clock: Callable[[], float] = now.monotonic
    taken: deque[float] = field(default_factory=deque)
    banned_until: float = float("-inf")

    def take(self) -> bool:
        here = self.clock()
        if here < self.banned_until:
            return False
        while self.taken and here - self.taken[0] >= 60:
            self.taken.popleft()
        if len(self.taken) >= A_MINUTE:
            self.banned_until = here + BAN_S
            return False
        self.taken.append(here)
        return True


class Log:
    """Every accepted call, one JSON line each, in the order of acceptance; ``n`` counts from 1."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._rows: list[Json] = _read(path)

    def append(self, body: Json) -> Json:
        """Keep ``body`` with both times and the mobiles that it mentions; on the disk before it is confirmed."""
        at = body.get("at")
        mobiles = at.get("atMobiles") if isinstance(at, dict) else None
        with self._lock:
            row = {
                "n": len(self._rows) + 1, "machine": now.machine().isoformat(), "world": now.world().isoformat(),
                "mobiles": [str(mobile) for mobile in mobiles] if isinstance(mobiles, list) else [],
                "all": bool(at.get("isAtAll")) if isinstance(at, dict) else False, "body": body,
            }
            with self._path.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(row, ensure_ascii=False) + "\n")
                lines.flush()
                os.fsync(lines.fileno())
            self._rows.append(row)
        return row

    def since(self, n: int) -> list[Json]:
        """The rows after the ``n``-th."""
        return self._rows[max(0, n) :]


def _read(path: Path) -> list[Json]:
    """What an earlier run accepted; a last line that a kill cut short was never confirmed and goes."""
    if not path.exists():
        return []
    rows: list[Json] = []
    whole = 0
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
        if not line.endswith(b"\n"):
            rows.pop()
            break
        whole += len(line)
    if whole < path.stat().st_size:
        with path.open("r+b") as cut:
            cut.truncate(whole)
    return rows


def phone_app(path: Path, token: str | None, secret: str | None, pace: Pace | None = None) -> Starlette:
    """The receiver over HTTP. ``path`` is its JSON-lines file; ``pace`` may be a test's."""
    log, limit = Log(path), pace or Pace()

    async def send(request: Request) -> Response:
        body = await request.body()
        verdict = check_call(request.query_params, token, secret, int(now.machine().timestamp() * 1000))
        if verdict == OK:
            verdict, found = check_body(request.headers.get("content-type", ""), body)
        if verdict == OK and not limit.take():
            verdict = TOO_FAST
        if verdict == OK:
            log.append(found)
        return JSONResponse(verdict.json())

    def accepted(request: Request) -> Response:
        wanted = request.query_params.get("since", "0")
        rows = log.since(int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 10 else 0)
        return JSONResponse({"accepted": rows, "last": len(log.since(0))})

    def chat(_: Request) -> Response:
        return HTMLResponse(chat_page(log.since(0), now.world()))

    return Starlette(routes=[
        Route("/robot/send", send, methods=["POST"]),
        Route("/accepted", accepted),
        Route("/robots.txt", lambda _: PlainTextResponse("User-agent: *\nDisallow: /\n")),
        Route("/", chat),
    ])

"""Builders and fakes: a story, a forecast, settings with a robot, a provider that answers by script."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from alerts.escalation import telling
from incidents import lifecycle
from incidents.model import (
    Forecast,
    Grade,
    GradeReason,
    Horizon,
    Incident,
    OutboxRow,
    Reason,
    Receiver,
    Story,
    Verdict,
)
from incidents.settings import BrandSettings, Settings, parse
from incidents.store.ledger import Ledger, open_ledger

T0 = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BRAND = BrandSettings(id="wudao", name="雾岛茶", any=("雾岛茶",))
PEOPLE = [
    {"login": "lin", "name": "林叙", "roles": ["duty", "coordinator"], "mobile": "13800000001", "channels": ["ding", "hook"]},
    {"login": "shen", "name": "沈禾", "roles": ["pr_head"], "mobile": "13800000002", "channels": ["ding"]},
    {"login": "gu", "name": "顾南乔", "roles": ["lead"], "channels": ["ding"]},
    {"login": "zhou", "name": "周予安", "roles": ["vp"], "channels": ["hook"]},
]
BRIEF: dict[str, Any] = {
    "at": T0.isoformat(), "brand": "雾岛茶", "title": "雾岛茶喝出虫子，两人腹泻", "quote": "喝到一半看见虫子在动", "platform": "weibo", "url": "http://m.example/1",
    "first_appeared": (T0 - HOUR).isoformat(), "mentions": 12, "platforms": ["weibo", "forum"], "metric": "reposts", "observed": {"reposts": 92},
    "forecast": {"metric": "reposts", "observed": 92, "threshold": 500, "cold": False, "abstains": None, "h24": None,
                 "h12": {"at": (T0 + 5 * HOUR).isoformat(), "q10": 1943, "q50": 4012, "q90": 9480, "p_over": 0.97}},
    "reasons": [{"code": "harm", "grade": 3, "values": {"harms": ["illness"], "mentions": 4, "authors": 6}}], "holds_back": [],
    "blind": [{"name": "茶友论坛", "health": "blocked", "since": (T0 - 30 * MINUTE).isoformat()}], "blind_count": 1,
    "first_task": {"title": "收齐事实", "due": (T0 + 30 * MINUTE).isoformat(), "role": "facts_owner"}, "told": ["lin"],
    "next": {"at": (T0 + 15 * MINUTE).isoformat(), "people": ["shen"]},
}


def story(**changes: Any) -> Story:
    values: dict[str, Any] = dict(
        id=1, brand="wudao", lead_id=1, title="雾岛茶喝出虫子", first_appeared=T0 - HOUR, first_known=T0 - HOUR, mentions=1, negatives=1, authors=1, platforms=("weibo",),
        sources=("wb",), tiers=("self-media",), signals={}, issue=None, observed={"reposts": 3}, growth_1h=None, largest_id=1, stirred_version=1)
    return Story(**{**values, **changes})


def forecast(p: float = 0.1, *, cold: bool = False, abstains: str | None = None) -> Forecast:
    q = {"05": 10.0, "10": 20.0, "25": 50.0, "50": 120.0, "75": 300.0, "90": 700.0, "95": 900.0}
    horizon = None if abstains else Horizon(q=q, p_over={500: p})
    return Forecast(metric="reposts", platform="weibo", first_seen=T0 - HOUR, made_at=T0, observed=90, h12=horizon, h24=horizon, path=(), crosses_at={}, cold=cold,
                    reasons=(), abstains=abstains, model="test@1")


def settings_in(folder: Path, ding: str = "http://127.0.0.1:9/", hook: str = "http://127.0.0.1:9/", **changes: Any) -> Settings:
    channels = [{"id": "ding", "kind": "dingtalk", "url": ding, "secret": "s3cret", "timeout": "1s", "rate_per_minute": 1000},
                {"id": "hook", "kind": "webhook", "url": hook, "secret": "h00k", "timeout": "1s"}]
    raw = {"brands": [{"id": "wudao", "name": "雾岛茶", "any": ["雾岛茶"]}], "channels": channels, "people": PEOPLE, "allow_hosts": ["127.0.0.1"]}
    return parse({**raw, **changes}, folder / "yujing.toml")


def incident_in(ledger: Ledger, settings: Settings, grade: Grade = Grade.ORANGE, now: datetime = T0) -> Incident:
    """An incident opened by the real lifecycle, with its alerts in the outbox."""
    opened = Verdict(grade=grade, reasons=(GradeReason(code="harm", grade=grade, values={"harms": ["illness"], "mentions": 4}),))
    change = lifecycle.follow(story=story(), verdict=opened, incident=None, brief=BRIEF, playbook="food_safety", tasks=(), telling=telling(settings), now=now)
    assert change is not None
    found = ledger.incidents.one(ledger.incidents.apply(change, now))
    assert found is not None
    return found


def ledger_of(settings: Settings) -> Ledger:
    return open_ledger(settings)


def row(**changes: Any) -> OutboxRow:
    values: dict[str, Any] = dict(id=1, key="k1", incident_id=1, grade=Grade.ORANGE, reason=Reason.FIRST, receiver=Receiver(person="lin", channel="ding", mobile="13800000001"),
                                  body=BRIEF, due_at=T0, saved_at=T0, attempts=1, token=1)
    return OutboxRow(**{**values, **changes})


@dataclass
class Call:
    """One request as the provider saw it."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Provider:
    """A provider on loopback. ``script`` answers call after call (its last answer stays); ``accepted`` is its own log.

    An answer is (status, headers, body), or ``hang`` / ``swallow`` (takes the message, closes without a word).
    """

    script: list[Any]
    calls: list[Call] = field(default_factory=list)
    accepted: list[Call] = field(default_factory=list)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, call: Call) -> Any:
        with self.lock:
            answer = self.script[min(len(self.calls), len(self.script) - 1)]
            self.calls.append(call)
            if answer in ("swallow", OK, TAKEN):
                self.accepted.append(call)
        return answer


OK = (200, {}, {"errcode": 0, "errmsg": "ok"})
TAKEN = (204, {}, None)
HANG_S = 3.0


def says(errcode: int, errmsg: str = "no") -> Any:
    return (200, {}, {"errcode": errcode, "errmsg": errmsg})


@contextmanager
def provider(*script: Any) -> Iterator[Provider]:
    fake = Provider(script=list(script) or [OK])
    ended = threading.Event()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = fake.next(Call(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if answer == "hang":
                ended.wait(HANG_S)
            if isinstance(answer, tuple):
                status, headers, value = answer
                said = b"" if value is None else json.dumps(value).encode() if not isinstance(value, bytes) else value
                self.send_response(status)
                for name, one in {"Content-Length": str(len(said)), **headers}.items():
                    self.send_header(name, one)
                self.end_headers()
                self.wfile.write(said)
            self.close_connection = True

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}/robot/send?access_token=t0ken"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield fake
    finally:
        ended.set()
        server.shutdown()
        server.server_close()


def until(done: Callable[[], bool], step: Callable[[], Any], seconds: float = 8.0) -> None:
    """Call ``step`` until ``done``; fails when it takes too long."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        step()

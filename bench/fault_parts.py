"""The small processes of the fault world: a provider that logs what it accepted, a site, and a loader at the door.

    python bench/fault_parts.py provider PORT LOG | site PORT SETTINGS RATE LOG | loader SETTINGS LOG RATE FIRST | probes SETTINGS LOG

Each log is the witness of its side: a line is on the disk before the answer is given.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

from incidents import now
from incidents.brands import Matcher
from incidents.errors import YujingError
from incidents.model import Author, Mention, Precision, Snapshot
from incidents.settings import load
from incidents.store.ledger import open_ledger

PAGE = 10
BRANDS = 40
PROBES = 600  # brands of which nothing was said before: one complaint of each must be told at once
HARM = "在{brand}喝完上吐下泻，送急诊洗胃，医生说是食物中毒，单号{n}"
CALM = "{brand}今天新出的桂花口味还可以，第{n}杯"


def text_of(n: int) -> str:
    """One in ten says that somebody fell ill; each tenth of another brand."""
    return (HARM if n % 10 == 0 else CALM).format(brand=f"岚茉{(n // 10) % BRANDS}号", n=n)


class Witness:
    """Lines that are on the disk before anybody is told."""

    def __init__(self, path: Path) -> None:
        self._file, self._lock = path.open("a", encoding="utf-8"), Lock()

    def say(self, value: Any) -> None:
        with self._lock:
            self._file.write(json.dumps(value, ensure_ascii=False) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())


def serve(port: int, answer: Callable[[BaseHTTPRequestHandler], bytes]) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _both(self) -> None:
            body = answer(self)
            self.send_response(200)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _both

        def log_message(self, *_: Any) -> None:
            return

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


def provider(port: int, log: Path) -> None:
    """Accepts everything; waits before it answers for as many seconds as the file LOG.slow says."""
    witness, slow = Witness(log), log.with_suffix(".slow")

    def accept(request: BaseHTTPRequestHandler) -> bytes:
        request.rfile.read(int(request.headers["Content-Length"]))
        witness.say({"key": request.headers["Idempotency-Key"], "at": now.machine().isoformat()})
        if slow.exists():
            time.sleep(float(slow.read_text() or 0))
        return b"{}"

    serve(port, accept)


def site(port: int, settings: Path, rate: float, log: Path) -> None:
    """A search page, newest first, on which ``rate`` posts a second appear; LOG says how many there are."""
    ledger, begun = open_ledger(load(settings)), time.monotonic()
    ledger.clock.follow()
    stop = log.with_suffix(".stop")

    def count() -> int:
        if stop.exists():
            return int(log.read_text())
        log.write_text(str(found := int((time.monotonic() - begun) * rate)))
        return found

    def page(request: BaseHTTPRequestHandler) -> bytes:
        first = (int(parse_qs(urlsplit(request.path).query).get("page", ["1"])[0]) - 1) * PAGE
        shown = [n for n in range(count() - 1 - first, max(-1, count() - 1 - first - PAGE), -1) if n >= 0]
        cards = [{"card_type": 9, "mblog": _post(n)} for n in shown]
        return json.dumps({"ok": 1, "data": {"cards": cards}} if cards else {"ok": 0, "msg": "这里还没有内容", "data": {"cards": []}}, ensure_ascii=False).encode()

    serve(port, page)


def _post(n: int) -> dict[str, Any]:
    return {"id": str(5_000_000_000 + n), "mid": str(5_000_000_000 + n), "created_at": now.shanghai(now.world()).strftime("%a %b %d %H:%M:%S +0800 %Y"), "text": text_of(n + 5), "reposts_count": n % 7,
            "comments_count": 0, "attitudes_count": 3, "isLongText": False, "user": {"id": 9_000 + n, "screen_name": f"用户{n}", "followers_count": 100}}


def loader(settings: Path, log: Path, rate: float, first: int) -> None:
    """Saves pages through the door and says which keys were acknowledged, after they were. Goes on after any refusal."""
    known = load(settings)
    ledger, matcher, witness = open_ledger(known), Matcher(known.brands), Witness(log)
    begun, n = time.monotonic(), 0
    while True:
        page = [mention(first + n + i, now.world()) for i in range(PAGE)]
        counts = [Snapshot(key=m.key, at=now.world(), reposts=3) for m in page]
        try:
            ledger.door.save(source="wb", platform="weibo", tier="online", mentions=page, snapshots=counts, matcher=matcher, world=now.world())
            witness.say({"keys": [m.key for m in page], "at": now.machine().isoformat()})
            n += PAGE
        except YujingError as error:
            witness.say({"refused": type(error).__name__, "at": now.machine().isoformat()})
            time.sleep(0.5)
        time.sleep(max(0.0, begun + n / rate - time.monotonic()))


def probes(settings: Path, log: Path) -> None:
    """Twice a second one complaint about a brand that nobody spoke of; says which were acknowledged, and tries again what was refused."""
    known = load(settings)
    ledger, matcher, witness, n = open_ledger(known), Matcher(known.brands), Witness(log), 0
    while n < PROBES:
        world = now.world()
        one = Mention(source="wb", platform="weibo", site="probe", native_id=str(n), kind="post", url=f"http://probe/{n}", text=HARM.format(brand=f"探{n}号", n=n), author=Author(native_id=f"p{n}"), published=world, precision=Precision.SECOND)
        try:
            ledger.door.save(source="wb", platform="weibo", tier="online", mentions=[one], snapshots=(), matcher=matcher, world=world)
            witness.say({"keys": [one.key], "at": now.machine().isoformat()})
            n += 1
        except YujingError:
            pass
        time.sleep(0.5)
    time.sleep(86_400)


def mention(n: int, world: datetime) -> Mention:
    return Mention(source="wb", platform="weibo", site="load", native_id=str(n), kind="post", url=f"http://load/{n}", text=text_of(n), author=Author(native_id=f"u{n}"), published=world, precision=Precision.SECOND)


def main() -> None:
    what, *rest = sys.argv[1:]
    if what == "provider":
        provider(int(rest[0]), Path(rest[1]))
    elif what == "site":
        site(int(rest[0]), Path(rest[1]), float(rest[2]), Path(rest[3]))
    elif what == "probes":
        probes(Path(rest[0]), Path(rest[1]))
    else:
        loader(Path(rest[0]), Path(rest[1]), float(rest[2]), int(rest[3]))


if __name__ == "__main__":
    main()

"""From "saved" to "handed to the channel" at 50 mentions/s, group wait apart.

    python bench/latency.py [--seconds 60] [--rate 50]

Judge and tell run as they ship, in processes of their own; a loader saves mentions through the door at the
given rate, one in ten of them a bodily-harm complaint that must be told at once. The receiver's log says when
each alert was handed over; the outbox row says when its decision was due (group wait is 0 s for every grade
here). Prints p50 / p99 of (accepted − saved at the door) in real seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from incidents import now
from incidents.brands import Matcher
from incidents.model import Author, Mention, Precision, Snapshot
from incidents.settings import load
from incidents.store import tables as t
from incidents.store.ledger import open_ledger

SETTINGS = """
data = "data"
allow_hosts = ["127.0.0.1:{hook}"]
{brands}
[[sources]]
id = "wb"
name = "W"
kind = "weibo"
platform = "weibo"
url = "http://127.0.0.1:1/"
paused = true
[[channels]]
id = "hook"
kind = "webhook"
url = "http://127.0.0.1:{hook}/"
rate_per_minute = 60000
[[people]]
login = "duty"
name = "值班"
roles = ["duty", "coordinator", "lead", "pr_head", "vp"]
channels = ["hook"]
{grades}
"""
GRADE = """
[grades.{name}]
group_wait = "0s"
repeat = "24h"
first_response = "4h"
lower_after = "1h"
chain = [{{ after = "0s", roles = ["duty"] }}]
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=int, default=50)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder), chosen.seconds, chosen.rate)


def receiver(accepted: dict[str, Any]) -> int:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            accepted.setdefault(self.headers["Idempotency-Key"], now.machine())
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def run(folder: Path, seconds: int, rate: int) -> int:
    accepted: dict[str, Any] = {}
    hook = receiver(accepted)
    brands = "".join(f'[[brands]]\nid = "b{n}"\nname = "岚茉{n}号"\nany = ["岚茉{n}号"]\n' for n in range(1000))
    grades = "".join(GRADE.format(name=name) for name in ("blue", "yellow", "orange", "red"))
    path = folder / "yujing.toml"
    path.write_text(SETTINGS.format(hook=hook, brands=brands, grades=grades), encoding="utf-8")
    settings = load(path)
    ledger = open_ledger(settings)
    ledger.sources.sync(settings.sources, now.world())
    ledger.people.sync(settings.people)
    matcher = Matcher(settings.brands)
    with (folder / "log").open("wb") as log:
        workers = [subprocess.Popen([sys.executable, "-m", "monitor.cli", name], env={**os.environ, "YUJING_SETTINGS": str(path), "OMP_NUM_THREADS": "1"}, stdout=log, stderr=log) for name in ("judge", "tell")]
        time.sleep(6)
        load_door(ledger, matcher, seconds, rate)
        time.sleep(15)
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait(timeout=20)
    return report(ledger, accepted, seconds * rate)


def load_door(ledger: Any, matcher: Matcher, seconds: int, rate: int) -> None:
    """``rate`` mentions a second in pages of ten, as a page of a feed brings them."""
    begun, sent = time.perf_counter(), 0
    for page in range(seconds * rate // 10):
        world = now.world()
        mentions = []
        for _ in range(10):
            harm = sent % 10 == 0
            brand = f"岚茉{(sent // 10) % 1000}号"
            text = f"在{brand}喝完上吐下泻，送急诊洗胃，医生说是食物中毒，单号{sent}" if harm else f"{brand}今天新出的桂花口味还可以，第{sent}杯"
            mentions.append(Mention(source="wb", platform="weibo", site="b", native_id=str(sent), kind="post", url=f"http://b/{sent}", text=text, author=Author(native_id=str(sent)), published=world, precision=Precision.SECOND))
            sent += 1
        ledger.door.save(source="wb", platform="weibo", tier="online", mentions=mentions, snapshots=[Snapshot(key=m.key, at=world, reposts=3) for m in mentions], matcher=matcher, world=world)
        time.sleep(max(0.0, begun + (page + 1) * 10 / rate - time.perf_counter()))


def report(ledger: Any, accepted: dict[str, Any], offered: int) -> int:
    with ledger.engine.connect() as c:
        rows = c.execute(sa.select(t.outbox.c.key, t.outbox.c.state, t.mentions.c.saved_at).join(t.incidents, t.incidents.c.id == t.outbox.c.incident_id).join(t.stories, t.stories.c.id == t.incidents.c.story_id)
                         .join(t.mentions, t.mentions.c.id == t.stories.c.lead_id).where(t.outbox.c.reason.in_(("first", "forecast_crossed")))).all()
    waits = sorted((accepted[row.key] - row.saved_at).total_seconds() for row in rows if row.key in accepted)
    lost = [row for row in rows if row.key not in accepted]
    if not waits:
        print("no alert was accepted", [tuple(row) for row in rows[:3]])
        return 1
    print(f"mentions {offered}, alerts {len(rows)}, accepted {len(waits)}, not accepted {len(lost)}; saved → handed over: p50 {statistics.median(waits):.2f} s, p95 {waits[int(len(waits) * 0.95)]:.2f} s, p99 {waits[int(len(waits) * 0.99)]:.2f} s, worst {waits[-1]:.2f} s")
    return 0 if waits[int(len(waits) * 0.99)] <= 5 and not lost else 1


if __name__ == "__main__":
    sys.exit(main())

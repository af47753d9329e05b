"""From "saved" to "handed to the channel" at 50 mentions/s, group wait apart.

    python bench/latency.py [--seconds 60] [--rate 50] [--page] [--archive elastic] [--fault none,down,hang] [--runs 1]

Judge and tell run as they ship, in processes of their own; a loader saves mentions through the door at the
given rate, one in ten of them a bodily-harm complaint about a brand of its own that must be told at once. The
receiver's log says when each alert was handed over (group wait is 0 s for every grade here). ``--page``: the
dashboard is served and a headless Chromium has the overview open, which refreshes itself. ``--archive elastic``
wants ELASTICSEARCH_URL, and puts a proxy before it that refuses connections (down) or takes and never answers
(hang); the phases follow each other in one run, ``--runs`` times, side by side.

Prints p50 and p99 of (accepted − saved at the door) in real seconds for each phase, and the medians over the runs.
Ends with 1 when the p99 (of ``none``) is above a second, a fault adds more than a fifth to it, or an alert is missing.
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
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import sqlalchemy as sa
from fault_proxy import Proxy
from fault_world import free_port, quantile, wait_for

from incidents import now
from incidents.brands import Matcher
from incidents.model import Author, Mention, Precision, Snapshot
from incidents.settings import load
from incidents.store import tables as t
from incidents.store.ledger import Ledger, open_ledger

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


BRANDS = 1000
LIMIT_S, SLOWER = 1.0, 1.2
WARM_UP_S = 20  # of load before the first phase: processes have read their models, and a search server has compiled what it runs
MODES = {"none": "pass", "down": "refuse", "hang": "hang"}
PREFIX = f"yujing-latency-{os.getpid()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="of each phase")
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--page", action="store_true", help="with the overview open in a headless browser")
    parser.add_argument("--archive", choices=("sqlite", "elastic"), default="sqlite")
    parser.add_argument("--fault", default="none", help="phases of the archive: none, down, hang, with commas between")
    parser.add_argument("--runs", type=int, default=1)
    chosen = parser.parse_args()
    if chosen.archive == "sqlite" and chosen.fault != "none":
        parser.error("--fault wants --archive elastic")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        return run(Path(folder), chosen, opened)


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


def run(folder: Path, chosen: argparse.Namespace, opened: ExitStack) -> int:
    accepted: dict[str, Any] = {}
    proxy = opened.enter_context(elastic()) if chosen.archive == "elastic" else None
    path, base = write_settings(folder, receiver(accepted), proxy)
    settings = load(path)
    ledger = open_ledger(settings)
    ledger.sources.sync(settings.sources, now.world())
    ledger.people.sync(settings.people)
    opened.enter_context(workers(path, ("monitor.cli", "judge"), ("monitor.cli", "tell"), *([("dashboard.serve",)] if chosen.page else [])))
    seen = opened.enter_context(overview(base, ledger, folder / "profile")) if chosen.page else None
    phases, matcher = list[tuple[str, datetime]](), Matcher(settings.brands)
    sent = load_door(ledger, matcher, WARM_UP_S, chosen.rate, 0)
    wait_for(lambda: len(accepted) >= sent // 10, 60)
    for fault in chosen.fault.split(",") * chosen.runs:
        if proxy is not None:
            proxy.set(MODES[fault])
        phases.append((fault, now.machine()))
        sent = load_door(ledger, matcher, chosen.seconds, chosen.rate, sent)
        time.sleep(4)
    time.sleep(6)
    good = report(ledger, accepted, phases, sent, chosen)
    if seen is not None:
        print(f"the overview was looked at {len(seen)} times and was {len({*seen})} times another; at the end: {' '.join(seen[-1].split())[:200]}")
    return good or int(seen is not None and len({*seen}) < chosen.seconds // 6)


def write_settings(folder: Path, hook: int, proxy: Proxy | None) -> tuple[Path, str]:
    """The file, and the address of the dashboard."""
    brands = "".join(f'[[brands]]\nid = "b{n}"\nname = "岚茉{n}号"\nany = ["岚茉{n}号"]\n' for n in range(BRANDS))
    grades, listen = "".join(GRADE.format(name=name) for name in ("blue", "yellow", "orange", "red")), f"127.0.0.1:{free_port()}"
    top = f'listen = "{listen}"\npublic_url = "http://{listen}"\n' + (f'archive = "elastic+http://127.0.0.1:{proxy.port}/{PREFIX}"\n' if proxy else "")
    path = folder / "yujing.toml"
    path.write_text(top + SETTINGS.format(hook=hook, brands=brands, grades=grades), encoding="utf-8")
    return path, f"http://{listen}"


@contextmanager
def elastic() -> Iterator[Proxy]:
    """A proxy before the server of ELASTICSEARCH_URL; what we made there is removed at the end."""
    url = os.environ["ELASTICSEARCH_URL"].rstrip("/")
    parts = urlsplit(url)
    try:
        yield Proxy(str(parts.hostname), parts.port or 9200)
    finally:
        for name in httpx.get(f"{url}/_cat/indices/{PREFIX}*?h=index", timeout=30).text.split():
            httpx.delete(f"{url}/{name}", timeout=30)


@contextmanager
def workers(path: Path, *commands: tuple[str, ...]) -> Iterator[None]:
    environment = {**os.environ, "YUJING_SETTINGS": str(path), "OMP_NUM_THREADS": "1"}
    with path.with_name("log").open("wb") as log:
        started = [subprocess.Popen([sys.executable, "-m", *command], env=environment, stdout=log, stderr=log) for command in commands]
        try:
            yield
        finally:
            for one in started:
                one.terminate()
            for one in started:
                one.wait(timeout=20)


@contextmanager
def overview(base: str, ledger: Ledger, profile: Path) -> Iterator[list[str]]:
    """A headless Chromium that is logged in and has the overview open; the list is what it showed, second by second."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from dashboard.session import COOKIE
    from tests.dashboard.browser import browser

    if not wait_for(lambda: up(base), 40):
        raise SystemExit("the dashboard did not come up")
    with browser(profile) as tab:
        tab.cookie(base, COOKIE, ledger.people.begin_session("duty", now.machine()))
        tab.size(1440)
        tab.go(f"{base}/")
        seen, ended = [""], threading.Event()

        def look() -> None:
            """Once a second, as who looks; a tab that nobody reads from is closed by its own keep-alive."""
            while not ended.wait(1.0):
                seen.append(tab.text())

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        yield seen
        ended.set()
        looking.join(timeout=10)


def up(base: str) -> bool:
    try:
        return httpx.get(f"{base}/healthz", trust_env=False, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def load_door(ledger: Ledger, matcher: Matcher, seconds: int, rate: int, sent: int) -> int:
    """``rate`` mentions a second in pages of ten, as a page of a feed brings them; numbers go on from ``sent``."""
    begun = time.perf_counter()
    for page in range(seconds * rate // 10):
        world = now.world()
        mentions = [mention(number, world) for number in range(sent, sent + 10)]
        ledger.door.save(source="wb", platform="weibo", tier="online", mentions=mentions, snapshots=[Snapshot(key=m.key, at=world, reposts=3) for m in mentions], matcher=matcher, world=world)
        sent += 10
        time.sleep(max(0.0, begun + (page + 1) * 10 / rate - time.perf_counter()))
    return sent


def mention(number: int, world: datetime) -> Mention:
    brand = f"岚茉{(number // 10) % BRANDS}号"
    text = f"在{brand}喝完上吐下泻，送急诊洗胃，医生说是食物中毒，单号{number}" if number % 10 == 0 else f"{brand}今天新出的桂花口味还可以，第{number}杯"
    return Mention(source="wb", platform="weibo", site="b", native_id=str(number), kind="post", url=f"http://b/{number}", text=text, author=Author(native_id=str(number)), published=world, precision=Precision.SECOND)


def report(ledger: Ledger, accepted: dict[str, Any], phases: list[tuple[str, datetime]], offered: int, chosen: argparse.Namespace) -> int:
    with ledger.engine.connect() as c:
        rows = c.execute(sa.select(t.outbox.c.key, t.mentions.c.saved_at).join(t.incidents, t.incidents.c.id == t.outbox.c.incident_id).join(t.stories, t.stories.c.id == t.incidents.c.story_id)
                         .join(t.mentions, t.mentions.c.id == t.stories.c.lead_id).where(t.outbox.c.reason.in_(("first", "forecast_crossed")))).all()
    missing = sum(row.key not in accepted for row in rows) + max(0, min(offered // 10, BRANDS) - len(rows))
    waits = [sorted((accepted[row.key] - row.saved_at).total_seconds() for row in rows if row.key in accepted and began <= row.saved_at and (n + 1 == len(phases) or row.saved_at < phases[n + 1][1]))
             for n, (_, began) in enumerate(phases)]
    for (fault, _), one in zip(phases, waits, strict=True):
        print(f"archive {chosen.archive}, fault {fault}: alerts {len(one)}, saved → handed over: p50 {quantile(one, 0.5):.2f} s, p95 {quantile(one, 0.95):.2f} s, p99 {quantile(one, 0.99):.2f} s, worst {quantile(one, 1.0):.2f} s")
    p99 = {fault: statistics.median(quantile(one, 0.99) for (name, _), one in zip(phases, waits, strict=True) if name == fault) for fault, _ in phases}
    calm = p99.get("none", LIMIT_S)
    print(f"mentions {offered} at {chosen.rate}/s, {'overview open, ' if chosen.page else ''}alerts missing {missing}; p99, median over {chosen.runs} runs: {', '.join(f'{fault} {value:.2f} s ({value / calm:.2f} ×)' for fault, value in p99.items())}")
    return 0 if not missing and calm <= LIMIT_S and all(value <= SLOWER * calm for value in p99.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

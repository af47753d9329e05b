"""Replay real Weibo cascades through the whole product: what is seen, told, missed, and how early.

    python bench/replay.py [--data FOLDER] [--speed 240] [--hours 73] [--keep FOLDER]

The newest 15 % of ``cascades/weibo_reposts.jsonl.gz`` are laid anew over 48 hours, each at its own time of day, and
served by a Weibo-shaped site on loopback whose posts appear and whose counts grow as they did. (``cascades`` and ``until``
in ``nlp/forecast/weights/grown.json`` say what the forecaster was fitted on: one fitted on the whole file has seen these
posts, and an honest figure wants one fitted on the oldest 85 %.) The product is ``yujing run`` with a settings file in the
public format (a catch-all brand, threshold 500 reposts, one webhook): the real spider, judge, forecaster,
rules and sender, at an accelerated world clock. The webhook receiver's own log is the witness of what was told.

Figures: posts offered and stored, snapshots, incidents, alerts; lead time from the provider's acceptance of
a post's first alert of 黄 or higher to its 500th repost; recall; false alarms; how late posts were fetched;
LOST_M (shown to the spider, absent from the ledger), LOST_F (in the ledger, not found by search), LOST_A
(due, neither told nor ended), SENT_MISSING (marked sent, not in the receiver's log).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import sqlalchemy as sa

from incidents import now
from incidents.settings import load
from incidents.store import tables as t
from incidents.store.archive import open_archive
from incidents.store.ledger import Ledger, open_ledger
from incidents.store.search import Query

SHANGHAI = now.SHANGHAI
VIRAL = 500
PAGE = 10


@dataclass(frozen=True)
class Cascade:
    id: str
    start: datetime
    offsets: tuple[int, ...]
    row: dict[str, Any] = field(repr=False)

    def count(self, at: datetime) -> int:
        return bisect_right(self.offsets, (at - self.start).total_seconds())

    def reached(self, number: int) -> datetime | None:
        """When the number-th repost came, within 24 hours."""
        within = [o for o in self.offsets if o <= 86_400]
        return self.start + timedelta(seconds=within[number - 1]) if len(within) >= number else None


def newest(folder: Path, origin: datetime, share: float = 0.15) -> list[Cascade]:
    """The newest ``share`` by time, laid over the 48 h from ``origin``; ids are made anew so that none repeats."""
    with gzip.open(folder / "cascades" / "weibo_reposts.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = sorted((json.loads(line) for line in lines), key=lambda row: row["t0"])
    dice = random.Random(15)
    found = []
    for number, row in enumerate(rows[int(len(rows) * (1 - share)) :]):
        own = datetime.fromtimestamp(row["t0"], SHANGHAI)
        day = origin.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0) + timedelta(days=dice.randrange(2))
        start = day + timedelta(hours=own.hour, minutes=own.minute, seconds=own.second)
        found.append(Cascade(id=str(5_000_000_000_000_000 + number), start=start.astimezone(UTC), offsets=tuple(sorted(row["offsets"])), row=row))
    return sorted(found, key=lambda c: c.start)


class Site:
    """The Weibo-shaped site and the webhook receiver, on one port each; ``world`` is the product's clock."""

    def __init__(self, cascades: Sequence[Cascade]) -> None:
        self.by_id = {c.id: c for c in cascades}
        self.cascades = list(cascades)
        self.shown: set[str] = set()
        self.accepted: list[dict[str, Any]] = []
        self.requests = 0

    def answer(self, path: str, query: dict[str, list[str]]) -> Any:
        self.requests += 1
        world = now.world()
        if path == "/robots.txt":
            return "User-agent: *\nAllow: /\n"
        if path == "/api/container/getIndex":
            page = int(query.get("page", ["1"])[0])
            there = [c for c in self.cascades if c.start <= world][::-1][(page - 1) * PAGE : page * PAGE]
            if not there:
                return {"ok": 0, "msg": "这里还没有内容", "data": {"cards": []}}
            return {"ok": 1, "data": {"cards": [{"card_type": 9, "mblog": self.mblog(c, world)} for c in there]}}
        if path == "/statuses/show" and (c := self.by_id.get(query.get("id", [""])[0])) and c.start <= world:
            return {"ok": 1, "data": self.mblog(c, world)}
        return None

    def mblog(self, c: Cascade, world: datetime) -> dict[str, Any]:
        self.shown.add(c.id)
        row = c.row
        return {
            "id": c.id, "mid": c.id, "bid": "", "created_at": c.start.astimezone(SHANGHAI).strftime("%a %b %d %H:%M:%S %z %Y"), "text": row["text"], "isLongText": False,
            "reposts_count": c.count(world), "comments_count": c.count(world) // 3, "attitudes_count": c.count(world) // 2, "pics": [],
            "user": {"id": int(c.id[-9:]) + 10_000, "screen_name": f"用户{c.id[-4:]}", "followers_count": row["followers"], "follow_count": row["friends"], "statuses_count": row["posts"], "verified": row["verified"]},
        }


def serve(site: Site) -> tuple[int, int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            said = site.answer(parts.path, parse_qs(parts.query))
            body = said.encode() if isinstance(said, str) else json.dumps(said or {"ok": 0, "msg": "不存在"}, ensure_ascii=False).encode()
            self._send(404 if said is None else 200, body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            site.accepted.append({"world": now.world(), "machine": now.machine(), "key": self.headers.get("Idempotency-Key"), "body": json.loads(body)})
            self._send(200, b'{"ok":true}')

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    ports = []
    for _ in range(2):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ports.append(server.server_port)
    return ports[0], ports[1]


SETTINGS = """
data = "data"
listen = "127.0.0.1:{listen}"
public_url = "http://127.0.0.1:{listen}"
allow_hosts = ["127.0.0.1:{site}", "127.0.0.1:{hook}"]
[clock]
origin = {origin}
speed = {speed}
[[brands]]
id = "all"
name = "全部"
any = ["*"]
viral = {{ reposts = 500 }}
harm_voices = {voices}
[[sources]]
id = "weibo"
name = "重放"
kind = "weibo"
platform = "weibo"
url = "http://127.0.0.1:{site}/api/container/getIndex?containerid=100103type%3D61%26q%3D%E5%85%A8%E9%83%A8"
every = "2m"
delay = 0
max_pages = 50
daily_requests = 1000000
[[channels]]
id = "hook"
kind = "webhook"
url = "http://127.0.0.1:{hook}/hook"
rate_per_minute = 6000
[[people]]
login = "duty"
name = "值班"
roles = ["duty", "coordinator", "lead", "pr_head", "vp"]
channels = ["hook"]
""" + "".join(f"""
[grades.{name}]
group_wait = "{wait}"
repeat = "30d"
first_response = "24h"
lower_after = "1h"
chain = [{{{{ after = "0s", roles = ["duty"] }}}}]
""" for name, wait in (("blue", "5m"), ("yellow", "60s"), ("orange", "15s"), ("red", "0s")))  # the shipped waits; nobody answers here, so nothing repeats


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--speed", type=float, default=240.0)
    parser.add_argument("--hours", type=float, default=73.0)
    parser.add_argument("--harm-voices", type=int, default=1, help="the brand's setting: 2 where everything is the brand and words of harm are about anybody")
    parser.add_argument("--keep", type=Path, help="folder of the run (default: a temporary one)")
    chosen = parser.parse_args()
    if chosen.keep:
        chosen.keep.mkdir(parents=True, exist_ok=True)
        return run(chosen.keep, chosen)
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder), chosen)


def run(folder: Path, chosen: argparse.Namespace) -> int:
    origin = datetime(2026, 11, 20, tzinfo=SHANGHAI)
    cascades = newest(chosen.data, origin)
    site = Site(cascades)
    site_port, hook_port = serve(site)
    path = folder / "yujing.toml"
    path.write_text(SETTINGS.format(listen=free_port(), site=site_port, hook=hook_port, origin=origin.isoformat(), speed=chosen.speed, voices=chosen.harm_voices), encoding="utf-8")
    settings = load(path)
    now.start(now.Anchor(world=origin.astimezone(UTC), machine=now.machine(), speed=1e-9))
    product = subprocess.Popen([sys.executable, "-m", "monitor.cli", "run"], env={**os.environ, "YUJING_SETTINGS": str(path)}, stdout=subprocess.DEVNULL)
    ledger = wait_for_clock(settings, product)
    end = origin + timedelta(hours=chosen.hours)
    while now.world() < end and product.poll() is None:
        time.sleep(5)
        if sys.stderr.isatty() or int(time.monotonic()) % 60 < 5:
            print(f"\r{now.shanghai(now.world()):%m-%d %H:%M} shown {len(site.shown)} accepted {len(site.accepted)} requests {site.requests}", end="", file=sys.stderr, flush=True)
    drain(ledger, product)
    product.send_signal(signal.SIGTERM)
    product.wait(timeout=30)
    (folder / "receiver.json").write_text(json.dumps({"shown": sorted(site.shown), "requests": site.requests, "accepted": site.accepted}, default=str, ensure_ascii=False), encoding="utf-8")
    return report(ledger, settings, site, cascades, end.astimezone(UTC))


def wait_for_clock(settings: Any, product: subprocess.Popen[bytes]) -> Ledger:
    for _ in range(200):
        time.sleep(0.1)
        if product.poll() is not None:
            raise SystemExit("the product ended; see its logs")
        if (settings.data / "ledger.sqlite").exists():
            ledger = open_ledger(settings)
            ledger.clock.follow()
            if now.speed() == settings.clock.speed:
                return ledger
    raise SystemExit("the clock never began")


def drain(ledger: Ledger, product: subprocess.Popen[bytes]) -> None:
    """Let what is stored be judged, indexed and told (at most a minute)."""
    for _ in range(120):
        if not ledger.work.waiting().get("judge") and not ledger.work.waiting().get("place") and ledger.index.waiting() == 0:
            return
        time.sleep(0.5)
        if product.poll() is not None:
            return


def report(ledger: Ledger, settings: Any, site: Site, cascades: Sequence[Cascade], end: datetime) -> int:
    with ledger.engine.connect() as c:
        ids = {key.rsplit(":", 1)[1]: number for key, number in c.execute(sa.select(t.mentions.c.key, t.mentions.c.id))}
        stories = dict(c.execute(sa.select(t.story_mentions.c.mention_id, t.story_mentions.c.story_id)).all())
        incident_story = dict(c.execute(sa.select(t.incidents.c.id, t.incidents.c.story_id)).all())
        number_of = {n: i for i, n in c.execute(sa.select(t.incidents.c.id, t.incidents.c.number))}
        snapshots = c.execute(sa.select(sa.func.count()).select_from(t.snapshots)).scalar_one()
        outbox = c.execute(sa.select(t.outbox.c.key, t.outbox.c.state, t.outbox.c.grade, t.outbox.c.incident_id, t.outbox.c.due_at)).all()
        log = c.execute(sa.select(t.fetch_log.c.due_at, t.fetch_log.c.at)).all()
        graded = c.execute(sa.select(t.incidents.c.story_id, t.events.c["values"]).join(t.events, t.events.c.incident_id == t.incidents.c.id)
                           .where(t.events.c.kind.in_(("opened", "raised"))).order_by(t.events.c.id)).all()
        opened = c.execute(sa.select(t.events.c.incident_id, t.events.c.kind).where(t.events.c.kind.in_(("opened", "raised")))).all()
    accepted = {row["key"]: row for row in site.accepted}
    first: dict[int, datetime] = {}
    for key, _state, grade, incident, _due in outbox:
        if grade >= 2 and key in accepted:
            story = incident_story[incident]
            first[story] = min(first.get(story, end), accepted[key]["world"])
    offered = [c for c in cascades if c.start <= end - timedelta(minutes=10)]
    viral = [c for c in offered if c.reached(VIRAL) and c.start + timedelta(hours=24) <= end]
    told = [(c, first.get(stories.get(ids.get(c.id, -1), -1))) for c in offered]
    leads = [(c.reached(VIRAL) - at).total_seconds() / 3600 for c, at in told if at is not None and c.reached(VIRAL) and c in viral]
    alarms = [c for c, at in told if at is not None]
    false = [c for c in alarms if not c.reached(VIRAL)]
    early = [lead for lead in leads if lead > 0]
    late = sorted((at - due).total_seconds() / 60 for due, at in log)
    archive = open_archive(settings.archive_url)
    found = archive.count(Query())
    due = [row for row in outbox if row.due_at <= end]
    unended = [row for row in due if row.state in ("pending", "leased")]
    missing = [row for row in outbox if row.state == "sent" and row.key not in accepted]
    speechless = [i for i, _ in opened if not any(row.incident_id == i for row in outbox)]
    print(file=sys.stderr)
    print(f"posts offered {len(offered)}, shown to the spider {len(site.shown)}, stored {len(ids)}, snapshots {snapshots}, requests {site.requests}")
    print(f"incidents {len(incident_story)}, alerts {len(outbox)}, accepted by the receiver {len(site.accepted)}, distinct {len(accepted)}, a day {len(alarms) / 3:.1f} posts alarmed")
    print(f"reached {VIRAL} within 24 h: {len(viral)}; alarmed before that {len(early)} (recall {len(early) / max(1, len(viral)):.2f}), alarmed at all {len(leads)} ({len(leads) / max(1, len(viral)):.2f})")
    print(f"lead time to the {VIRAL}th repost, hours: median {statistics.median(leads) if leads else float('nan'):.2f}, of those in time {statistics.median(early) if early else float('nan'):.2f}")
    print(f"false alarms {len(false)} of {len(alarms)} (precision {1 - len(false) / max(1, len(alarms)):.2f}; base rate {len(viral) / max(1, len(offered)):.2f})")
    members: dict[int, list[Cascade]] = {}
    for c in offered:
        members.setdefault(stories.get(ids.get(c.id, -1), -1), []).append(c)
    right = [story for story in first if any(c.reached(VIRAL) for c in members.get(story, ()))]
    print(f"by story, as people are told: {len(first)} alarmed, {len(right)} of them with a post that reached {VIRAL} (precision {len(right) / max(1, len(first)):.2f})")
    print(by_reason(told, stories, ids, first_reasons(graded)))
    if late:
        print(f"fetched after due, world minutes: median {statistics.median(late):.2f}, p95 {late[int(len(late) * 0.95)]:.2f}, p99 {late[int(len(late) * 0.99)]:.2f}, within one minute {sum(x <= 1 for x in late) / len(late):.3f}")
    lost_m, lost_f, lost_a = len(site.shown - set(ids)), len(ids) - found, len(unended) + len(speechless)
    print(f"LOST_M={lost_m} LOST_F={lost_f} LOST_A={lost_a} SENT_MISSING={len(missing)} (incidents by number {len(number_of)})")
    return 0 if lost_m == lost_f == lost_a == len(missing) == 0 else 1


def first_reasons(graded: Sequence[Any]) -> dict[int, str]:
    """The leading reason of each story's first verdict of 黄 or higher."""
    found: dict[int, str] = {}
    for story, values in graded:
        if values["grade"] >= 2 and values["reasons"]:
            found.setdefault(story, values["reasons"][0]["code"])
    return found


def by_reason(told: Sequence[tuple[Cascade, datetime | None]], stories: dict[int, int], ids: dict[str, int], reasons: dict[int, str]) -> str:
    """What each rule alarmed for, right and wrong: a rule of harm alarms at any size, on purpose."""
    right, wrong = Counter[str](), Counter[str]()
    for one, at in told:
        if at is not None:
            (right if one.reached(VIRAL) else wrong)[reasons.get(stories.get(ids.get(one.id, -1), -1), "?")] += 1
    return "by the reason that alarmed, posts right / wrong: " + ", ".join(f"{code} {right[code]} / {wrong[code]}" for code in sorted({*right, *wrong}, key=lambda code: -right[code] - wrong[code]))


if __name__ == "__main__":
    sys.exit(main())

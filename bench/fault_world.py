"""A small product under fault: real processes, real ledger, a provider whose own log is the witness.

``World`` stands in for the supervisor: it begins the processes, begins again what died, and keeps the clock.
``account`` reckons as reliability-security says: what was acknowledged, what was due, what was accepted.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa
from fault_parts import BRANDS

from alerts.deliver import MAY_BE
from incidents import now
from incidents.errors import YujingError
from incidents.model import Grade, OutboxState
from incidents.settings import Settings, load
from incidents.store import tables as t
from incidents.store.archive import open_archive
from incidents.store.ledger import Ledger, open_ledger
from incidents.store.work import MAX_ATTEMPTS

HERE = Path(__file__).resolve().parent
PARTS = str(HERE / "fault_parts.py")
ENDED = {state.value for state in OutboxState} - {"pending", "leased"}
SETTINGS = """
data = "{data}"
archive = "{archive}"
allow_hosts = ["127.0.0.1:{hook}", "127.0.0.1:{site}"]
[clock]
origin = 2026-11-20T02:00:00Z
speed = {speed}
{brands}
[[sources]]
id = "wb"
name = "检索页"
kind = "weibo"
platform = "weibo"
url = "http://127.0.0.1:{site}/api/container/getIndex?containerid=1"
every = "{every}s"
delay = 0
max_pages = 40
daily_requests = 100000000
robots = false
[[channels]]
id = "hook"
kind = "webhook"
url = "http://127.0.0.1:{hook}/"
rate_per_minute = 100000
timeout = "2s"
[[people]]
login = "duty"
name = "值班"
roles = ["duty", "coordinator"]
channels = ["hook"]
[[people]]
login = "lead"
name = "主管"
roles = ["lead", "pr_head", "vp"]
channels = ["hook"]
{grades}
"""
GRADE = """
[grades.{name}]
group_wait = "0s"
repeat = "240h"
first_response = "400h"
lower_after = "100h"
acknowledge_within = "5m"
chain = [{{ after = "0s", roles = ["duty"] }}, {{ after = "5m", roles = ["lead"] }}]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(kw_only=True)
class World:
    """Processes by name; ``held`` ones are not begun again when they die."""

    folder: Path
    speed: float = 60.0
    rate: float = 20.0  # mentions a second through the loader
    site_rate: float = 3.0
    archive: str = ""
    probes: int = 0  # brands of which nothing was said (see fault_parts.probes)
    data: Path | None = None  # default: folder/data
    settings: Settings = field(init=False)
    ledger: Ledger = field(init=False)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    commands: dict[str, list[str]] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    begun: Counter[str] = field(default_factory=Counter)
    highest: dict[str, int] = field(default_factory=dict)  # bytes resident, by role
    ending: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> World:
        self.folder.mkdir(parents=True, exist_ok=True)
        hook, site = free_port(), free_port()
        self.path.write_text(SETTINGS.format(
            hook=hook, site=site, data=self.data or self.folder / 'data', speed=self.speed, every=int(self.speed * 2), archive=self.archive or f"sqlite:///{self.folder / 'archive.sqlite'}",
            brands="".join(f'[[brands]]\nid = "{id}{n}"\nname = "{name}{n}号"\nany = ["{name}{n}号"]\n' for id, name, count in (("b", "岚茉", BRANDS), ("p", "探", self.probes)) for n in range(count)), grades="".join(GRADE.format(name=g) for g in ("blue", "yellow", "orange", "red"))), encoding="utf-8")
        self.settings = load(self.path)
        self.ledger = open_ledger(self.settings, thorough=True)
        self.ledger.clock.run()
        self.ledger.sources.sync(self.settings.sources, now.world())
        self.ledger.people.sync(self.settings.people)
        self.commands = {
            "provider": [sys.executable, PARTS, "provider", str(hook), str(self.folder / "provider.jsonl")],
            "site": [sys.executable, PARTS, "site", str(site), str(self.path), str(self.site_rate), str(self.folder / "site.count")],
            "probes": [sys.executable, PARTS, "probes", str(self.path), str(self.folder / "probes.jsonl")],
            **{name: [sys.executable, "-m", "monitor.cli", name.split("-")[0]] for name in ("judge-1", "judge-2", "tell-1", "tell-2", "crawl-1")},
        }
        threading.Thread(target=self._look_after, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        self.stop(*self.running)
        self.ledger.close()

    @property
    def path(self) -> Path:
        return self.folder / "yujing.toml"

    def load_from(self, first: int, rate: float | None = None, name: str = "loader") -> None:
        """Begin (or begin again, further on) to save through the door."""
        self.commands[name] = [sys.executable, PARTS, "loader", str(self.path), str(self.folder / "door.jsonl"), str(rate or self.rate), str(first)]
        self.start(name)

    def start(self, *names: str) -> None:
        for name in names:
            self.held.discard(name)
            command = list(self.commands[name])
            if name.startswith("loader"):
                command[-1] = str(int(command[-1]) + 1_000_000 * self.begun[name])  # a new life never saves an old number
            environment = {**os.environ, "YUJING_SETTINGS": str(self.path), "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": str(HERE.parent)}
            with (self.folder / f"{name}.log").open("ab") as out:
                self.running[name] = subprocess.Popen(command, env=environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)
            self.begun[name] += 1

    def _look_after(self) -> None:
        while not self.ending.wait(0.5):
            with contextlib.suppress(YujingError):
                self.ledger.clock.beat()
            for name, process in list(self.running.items()):
                if process.poll() is not None and name not in self.held:
                    self.start(name)
                self._measure(name, process)

    def _measure(self, name: str, process: subprocess.Popen[bytes]) -> None:
        try:
            role = name.split("-")[0]
            self.highest[role] = max(self.highest.get(role, 0), psutil.Process(process.pid).memory_info().rss)
        except psutil.Error:
            return

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        os.killpg(self.running[name].pid, number)
        if number == signal.SIGKILL:
            self.running[name].wait()

    def stop(self, *names: str) -> None:
        """End these for good: SIGTERM, then SIGKILL."""
        self.held.update(names)
        for name in names:
            if self.running[name].poll() is None:
                os.killpg(self.running[name].pid, signal.SIGCONT)
                self.running[name].terminate()
        for name in names:
            try:
                self.running[name].wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.kill(name)

    def grown(self, usual: dict[str, int]) -> float:
        """The most that a judge's or a sender's memory grew over what was ``usual``."""
        return max(self.highest[name] / usual[name] for name in ("judge", "tell"))

    # -- what the witnesses say --------------------------------------------------------------------------------

    def said(self, name: str) -> Iterator[dict[str, Any]]:
        """A witness's lines; a last one that a kill cut short was never confirmed."""
        path = self.folder / name
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                yield json.loads(line)
            except ValueError:
                continue

    def acknowledged(self) -> set[str]:
        return {key for name in ("door.jsonl", "probes.jsonl") for line in self.said(name) for key in line.get("keys", ())}

    def accepted(self) -> list[tuple[str, datetime]]:
        return [(line["key"], datetime.fromisoformat(line["at"])) for line in self.said("provider.jsonl")]

    def freeze_site(self) -> int:
        """No new posts from now on; returns how many there are."""
        (self.folder / "site.stop").write_text("")
        return int((self.folder / "site.count").read_text() or 0) if (self.folder / "site.count").exists() else 0

    def crawled(self) -> int:
        """Posts of the site that are in the ledger."""
        with self.ledger.engine.connect() as c:
            return int(c.execute(sa.select(sa.func.count()).select_from(t.mentions).where(t.mentions.c.key.like("weibo:%:50000%"))).scalar_one())

    def behind(self) -> int:
        """Steps that wait to be done."""
        with self.ledger.engine.connect() as c:
            return int(c.execute(sa.select(sa.func.count()).select_from(t.work)).scalar_one())

    def drain(self, seconds: float = 180) -> float:
        """Wait until nothing is left to do; returns how long that took (or ``seconds``)."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds and not self._idle():
            time.sleep(0.5)
        return time.monotonic() - begun

    def _idle(self) -> bool:
        o, s, w = t.outbox.c, t.stories.c, t.work.c
        asked = (sa.select(w.kind).where(w.attempts < MAX_ATTEMPTS), sa.select(s.id).where(s.stirred > s.decided), sa.select(t.index_queue.c.mention_id),
                 sa.select(o.id).where(o.state.not_in(ENDED), o.due_at <= now.world()))
        with self.ledger.engine.connect() as c:
            return all(c.execute(one.limit(1)).first() is None for one in asked)


@dataclass(frozen=True, kw_only=True)
class Account:
    """The figures of one fault row."""

    mentions: int
    lost_m: int
    lost_f: int
    due: int
    lost_a: int
    sent_missing: int
    duplicates: int
    unrecorded: int  # accepted by the provider, but not told by the ledger's word
    crawl_missed: int
    p50: float
    p99: float
    high_p99: float  # of 橙 and 红

    @property
    def clean(self) -> bool:
        return self.lost_m == self.lost_f == self.lost_a == self.sent_missing == self.unrecorded == self.crawl_missed == 0

    def line(self) -> str:
        return (f"mentions {self.mentions}, LOST_M {self.lost_m}, LOST_F {self.lost_f}, alerts due {self.due}, LOST_A {self.lost_a}, SENT_MISSING {self.sent_missing}, duplicates {self.duplicates}, "
                f"unrecorded {self.unrecorded}, crawl missed {self.crawl_missed}, to send p50 {self.p50:.1f} s p99 {self.p99:.1f} s (橙 and 红 {self.high_p99:.1f} s)")


def account(world: World, published: int = 0) -> Account:
    """Hold ledger, archive and provider's log against each other. Call it after ``drain``."""
    with world.ledger.engine.connect() as c:
        keys = set(c.execute(sa.select(t.mentions.c.key)).scalars())
        outbox = c.execute(sa.select(t.outbox)).mappings().all()
        due = list(due_alerts(c))
    crawled = {key.rsplit(":", 1)[1] for key in keys}
    accepted = world.accepted()
    counted = Counter(key for key, _ in accepted)
    sent = {row["key"] for row in outbox if row["state"] == OutboxState.SENT.value}
    unsure = {row["key"] for row in outbox if row["state"] == OutboxState.CANCELLED.value or MAY_BE in (row["answer"] or "")}  # the ledger does not deny that they were told
    return Account(
        mentions=len(keys), lost_m=len(world.acknowledged() - keys), lost_f=_not_found(world), due=len(due), lost_a=_untold(due, outbox),
        sent_missing=len(sent - counted.keys()), duplicates=sum(counted.values()) - len(counted), unrecorded=len(counted.keys() - sent - unsure),
        crawl_missed=len({str(5_000_000_000 + n) for n in range(published)} - crawled), **_times(outbox, accepted))


def _not_found(world: World) -> int:
    """Mentions of the ledger that the archive does not hold in the version of the ledger."""
    archive = open_archive(world.settings.archive_url)
    try:
        archive.settle()
        living = dict(world.ledger.index.living())
        there: dict[int, int] = {}
        for block in {one >> 10 for one in living}:
            there.update(archive.versions(block))
        return sum(there.get(one) != version for one, version in living.items())
    finally:
        archive.close()


Due = tuple[int, int, str, int, str]  # incident, grade, kind, step, person


def due_alerts(c: sa.Connection) -> Iterator[Due]:
    """The oracle: who had to be told, from the timeline alone (slow and plain; it knows the chains of SETTINGS only)."""
    grade: dict[int, int] = {}
    for event in c.execute(sa.select(t.events).order_by(t.events.c.id)).mappings():
        number, values = event["incident_id"], event["values"]
        if event["kind"] in ("opened", "raised"):
            grade[number] = values["grade"]
            yield number, values["grade"], "first", 0, "duty"
        elif event["kind"] == "escalated":
            for person in values["people"]:
                yield number, grade[number], "step", values["step"], person


def _untold(due: list[Due], outbox: list[Any]) -> int:
    """Alerts that were due and have no row that came to an end."""
    kinds = {"first": "first", "forecast_crossed": "first", "raised": "first", "escalation_step": "step"}
    there = Counter((row["incident_id"], row["grade"], kinds[row["reason"]], row["step"], row["person"]) for row in outbox if row["reason"] in kinds and row["state"] in ENDED)
    return sum(max(0, number - there[one]) for one, number in Counter(due).items())


def _times(outbox: list[Any], accepted: list[tuple[str, datetime]]) -> dict[str, float]:
    """Seconds from the commit that wrote the alert to the provider's acceptance."""
    first: dict[str, datetime] = {}
    for key, at in accepted:
        first.setdefault(key, at)
    waits = sorted(((first[row["key"]] - row["saved_at"]).total_seconds(), row["grade"]) for row in outbox if row["key"] in first and row["due_at"] <= row["created_at"])
    every, high = [wait for wait, _ in waits], [wait for wait, grade in waits if grade >= Grade.ORANGE]
    return dict(p50=quantile(every, 0.5), p99=quantile(every, 0.99), high_p99=quantile(high, 0.99))


def quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile of numbers in order; 0 of none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def probed(world: World) -> list[float]:
    """Seconds from each probe's commit at the door to the provider's first acceptance of an alert about it, in order; inf: never told."""
    m, sm, i, o = t.mentions.c, t.story_mentions.c, t.incidents.c, t.outbox.c
    told = dict(reversed(world.accepted()))
    joined = sa.select(m.key, m.saved_at, o.key.label("alert")).join(t.story_mentions, sm.mention_id == m.id).join(t.incidents, i.story_id == sm.story_id).join(t.outbox, o.incident_id == i.id)
    first: dict[str, float] = {}
    with world.ledger.engine.connect() as c:
        for row in c.execute(joined.where(m.key.like("weibo:probe:%"))):
            if row.alert in told:
                first[row.key] = min(first.get(row.key, math.inf), (told[row.alert] - row.saved_at).total_seconds())
    return sorted(first.get(key, math.inf) for line in world.said("probes.jsonl") for key in line["keys"])


def wait_for(what: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.25)
    return False

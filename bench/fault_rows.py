"""Rows of the fault matrix that need the whole product running: kills, pauses, a full disk, a long writer, bursts, backups."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import sqlalchemy as sa
from fault_parts import PROBES
from fault_world import World, account, probed, quantile, wait_for

from incidents import now
from incidents.model import OutboxState
from incidents.store import backup as backups
from incidents.store import tables as t
from incidents.store.ledger import open_ledger
from incidents.store.restore import restore

Row = tuple[bool | None, str]
WORKERS = ("judge-1", "judge-2", "tell-1", "tell-2", "crawl-1")


def begin(world: World, *names: str) -> None:
    """Provider and site first, then the workers; returns when alerts are being accepted."""
    world.start("provider", "site")
    time.sleep(2)
    world.start(*(names or WORKERS))
    world.load_from(0)
    if not wait_for(lambda: len(world.accepted()) >= 3, 120):
        raise SystemExit(f"the world did not begin to tell; see the logs in {world.folder}")


def finish(world: World, seconds: float = 240) -> tuple[float, int]:
    """No more input; until nothing is left to do. Returns (seconds to drain, posts that the site published)."""
    world.stop("loader")
    published = world.freeze_site()
    if "crawl-1" in world.running:  # a job whose worker died is leased again after 90 s
        wait_for(lambda: world.crawled() >= published, 200)
    return world.drain(seconds), published


def killed(folder: Path, chosen: argparse.Namespace) -> Row:
    """Row 1: SIGKILL at random moments to judges, senders, crawler and loader, two of each scheduler."""
    draw, kills = random.Random(1), Counter[str]()
    with World(folder=folder) as world:
        begin(world)
        (folder / "provider.slow").write_text("0.2")  # it has accepted and has not answered: most kills of a sender fall here
        while kills.total() < chosen.kills:
            time.sleep(draw.uniform(0.3, 3.0))
            name = draw.choice((*WORKERS, "loader"))
            if world.running[name].poll() is None:
                world.kill(name)
                kills[name.split("-")[0]] += 1
        (folder / "provider.slow").unlink()
        drained, published = finish(world)
        found = account(world, published)
    good = found.clean and found.duplicates <= kills.total()
    return good, f"kills {kills.total()} ({', '.join(f'{n} {name}' for name, n in sorted(kills.items()))}), {found.line()}, drained in {drained:.0f} s"


def paused(folder: Path, _: argparse.Namespace) -> Row:
    """Row 3: one judge, one sender and the crawler sleep through their leases; others take over; then they wake."""
    with World(folder=folder) as world:
        begin(world)
        (folder / "provider.slow").write_text("1")
        time.sleep(4)
        asleep = ("judge-1", "tell-1")
        caught = wait_for(lambda: stopped(world, "judge-1"), 30) and wait_for(lambda: stopped(world, "tell-1", in_a_send=True), 30)
        (folder / "provider.slow").write_text("0.1")
        before = len(world.accepted())
        time.sleep(65)
        during = len(world.accepted()) - before
        for name in asleep:
            world.kill(name, signal.SIGCONT)
        (folder / "provider.slow").unlink()
        time.sleep(5)
        drained, published = finish(world)
        found = account(world, published)
        fenced = sum((folder / f"{name}.log").read_text(errors="replace").count("taken over") for name in asleep)
    return found.clean and caught and found.duplicates <= len(asleep) and during > 3 and fenced > 0, f"paused 65 s, told meanwhile {during}, stale owners refused {fenced}, {found.line()}, drained in {drained:.0f} s"


def stopped(world: World, name: str, *, in_a_send: bool = False) -> bool:
    """Stop a process; it stays so unless it holds the writer's place (that is row 7), or has nothing in hand that the provider has seen."""
    world.kill(name, signal.SIGSTOP)
    if _place_is_free(world) and (not in_a_send or _in_hand(world, name)):
        return True
    world.kill(name, signal.SIGCONT)
    return False


def _place_is_free(world: World) -> bool:
    other = sqlite3.connect(world.settings.data / "ledger.sqlite", isolation_level=None, timeout=2)
    try:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        other.close()
    return True


def _in_hand(world: World, name: str) -> bool:
    """Has it an alert that the provider has seen and that is not recorded yet?"""
    seen, o = {key for key, _ in world.accepted()}, t.outbox.c
    mine = sa.select(o.key).where(o.state == OutboxState.LEASED.value, o.lease_by.like(f"%:{world.running[name].pid}"))
    with world.ledger.engine.connect() as c:
        return bool(seen & set(c.execute(mine).scalars()))


def disk_full(folder: Path, _: argparse.Namespace) -> Row:
    """Row 4: a small disk fills, alerts go on in the reserve, it becomes larger, all resumes without a restart."""
    disk = folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "none", str(disk)], capture_output=True, check=False).returncode:
        return None, "a small disk can be mounted by root only"
    try:
        with World(folder=folder, data=disk) as world:
            return _fill(world, disk)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def _fill(world: World, disk: Path) -> Row:
    begin(world, "judge-1", "tell-1")
    junk = disk / "junk"
    with junk.open("wb") as out:
        while (left := _free(disk) - 2**20) > 0:
            out.write(b"x" * min(left, 2**20))
            out.flush()
    refused = wait_for(lambda: any("refused" in line for line in world.said("door.jsonl")), 60)
    before = len(world.accepted())
    told = wait_for(lambda: len(world.accepted()) >= before + 3, 60)  # escalations fall due while nothing comes in
    begun, stored = time.monotonic(), len(world.acknowledged())
    subprocess.run(["mount", "-o", "remount,size=256m", str(disk)], check=True)
    resumed = wait_for(lambda: len(world.acknowledged()) > stored, 60)
    healed, restarts = time.monotonic() - begun, sum(world.begun.values()) - len(world.begun)
    drained, _ = finish(world)
    found = account(world)
    meanwhile = len(world.accepted()) - before
    return found.clean and refused and told and resumed and restarts == 0, f"refused {refused}, told while full {told} ({meanwhile} since), resumed in {healed:.1f} s, restarts {restarts}, {found.line()}, drained in {drained:.0f} s"


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def long_writer(folder: Path, _: argparse.Namespace) -> Row:
    """Row 7: another program holds the writer's place for 40 s, longer than anybody waits at once."""
    with World(folder=folder) as world:
        begin(world)
        other = sqlite3.connect(world.settings.data / "ledger.sqlite", isolation_level=None, timeout=20)
        other.execute("BEGIN IMMEDIATE")
        time.sleep(40)
        other.execute("COMMIT")
        other.close()
        time.sleep(3)
        restarts = sum(world.begun.values()) - len(world.begun)
        busy = sum(line.get("refused") == "LedgerBusy" for line in world.said("door.jsonl"))
        drained, published = finish(world)
        found = account(world, published)
    return found.clean and restarts == 0 and found.duplicates <= 2, f"held 40 s, waits given up at the door {busy}, restarts {restarts}, {found.line()}, drained in {drained:.0f} s"


def burst_and_soak(folder: Path, chosen: argparse.Namespace) -> Row:
    """Row 16: half an hour of world time at ten times the usual rate, then a day at the usual one, in a world of its own each."""
    calm, burst = _burst(folder / "burst", chosen.seconds, chosen.bound)
    steady, soak = _soak(folder / "soak", chosen.seconds)
    return calm and steady, f"{burst}; {soak}"


def _burst(folder: Path, seconds: float, bound: float) -> tuple[bool, str]:
    """The probes are complaints about brands that nobody spoke of before, saved while the burst is on: each must be told
    within the bound, whatever waits. The provider's log says when it was.
    """
    with World(folder=folder, rate=50, speed=1800 / seconds, probes=PROBES) as world:
        begin(world, "judge-1", "tell-1", "crawl-1")
        time.sleep(5)
        usual = dict(world.highest)
        world.load_from(500_000_000, 500, name="loader-burst")
        world.start("probes")
        time.sleep(seconds)
        world.stop("loader-burst", "probes")
        ended, backlog, first = time.monotonic(), world.behind(), len(world.acknowledged())
        caught_up = wait_for(lambda: world.behind() < 300, 600)  # about what the usual rate keeps waiting
        burst, waits = time.monotonic() - ended, probed(world)
        drained, published = finish(world, 600)
        found = account(world, published)
        grown = world.grown(usual)
    good = found.clean and caught_up and found.duplicates == 0 and grown < 2 and len(waits) > seconds / 4 and quantile(waits, 0.99) <= bound
    return good, (
        f"burst 500/s for {seconds:.0f} s = 30 min of world time (acknowledged {first}, {backlog} steps behind at its end, worked off in {burst:.0f} s), probes {len(waits)}: door to provider "
        f"p50 {quantile(waits, 0.5):.1f} s p99 {quantile(waits, 0.99):.1f} s worst {waits[-1] if waits else 0:.1f} s (bound {bound:.0f} s), {found.line()}, drained in {drained:.0f} s, memory {grown:.2f} × the usual")


def _soak(folder: Path, seconds: float) -> tuple[bool, str]:
    with World(folder=folder, rate=50, speed=86_400 / seconds) as world:
        begin(world, "judge-1", "tell-1", "crawl-1")
        time.sleep(5)
        usual = dict(world.highest)
        time.sleep(seconds)
        drained, published = finish(world, 600)
        found = account(world, published)
        grown, disk = world.grown(usual), sum(path.stat().st_size for path in folder.rglob("*.sqlite*"))
    return found.clean and found.duplicates == 0 and grown < 2, (
        f"soak {seconds:.0f} s = 24 h of world time, {found.line()}, drained in {drained:.0f} s, highest memory {', '.join(f'{name} {size // 2**20} MiB' for name, size in sorted(world.highest.items()))} "
        f"({grown:.2f} × the usual), disk {disk // 2**20} MiB")


def backup_and_restore(folder: Path, _: argparse.Namespace) -> Row:
    """Row 18: a backup while everything works; later a restore of it; the provider is told nothing twice."""
    with World(folder=folder) as world:
        begin(world)
        time.sleep(8)
        stored = len(world.acknowledged())
        note = backups.backup(world.ledger.engine, folder / "b", machine=now.machine(), world=now.world())
        whole = note.mentions >= stored
        time.sleep(8)
        world.stop(*world.running)
        world.ending.set()
        world.ledger.close()
        before = Counter(key for key, _ in world.accepted())
        done = restore(world.settings, folder / "b", machine=now.machine())
        world.ledger = open_ledger(world.settings, thorough=True)
        world.ledger.clock.run()
        world.ending = threading.Event()
        threading.Thread(target=world._look_after, daemon=True).start()
        world.start("provider", "tell-1", "judge-1")
        time.sleep(15)
        world.drain(120)
        after = Counter(key for key, _ in world.accepted())
        again = sum(after[key] > number for key, number in before.items())
        pages = world.ledger.engine.connect().exec_driver_sql("PRAGMA integrity_check").scalar()
    return whole and again == 0 and pages == "ok", (
        f"backed up {note.mentions} mentions under load (acknowledged before {stored}), integrity {pages}, alerts expired {done.expired}, rings put off {done.incidents}, "
        f"told before {before.total()}, told again {again}, told anew {len(after) - len(before)}")

"""Rows 8 and 9: an Elasticsearch that is down, hangs, refuses, forgets. They need ELASTICSEARCH_URL; indices of their own, removed after."""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import sqlalchemy as sa
from fault_parts import PROBES
from fault_proxy import Proxy
from fault_rows import begin, finish
from fault_rows_files import mention, save, settings_in
from fault_world import World, account, wait_for

from incidents import now
from incidents.store import tables as t
from incidents.store.archive import open_archive
from incidents.store.ledger import open_ledger
from incidents.store.reconcile import reconcile
from incidents.store.search import Query

Row = tuple[bool | None, str]
NONE = "set ELASTICSEARCH_URL to a server of your own"
PHASE = 15.0  # seconds of each fault
PREFIX = f"yujing-fault-{os.getpid()}"


@contextmanager
def server() -> Iterator[str]:
    """The server's URL; whatever we made there is removed at the end."""
    url = os.environ["ELASTICSEARCH_URL"].rstrip("/")
    try:
        yield url
    finally:
        for name in httpx.get(f"{url}/_cat/indices/{PREFIX}*?h=index", timeout=30).text.split():
            httpx.delete(f"{url}/{name}", timeout=30)


def down(folder: Path, _: argparse.Namespace) -> Row:
    """Row 8: the server refuses connections, hangs, answers 429, puts single documents off, refuses some for good.

    Alerts are as quick as before, only what failed is sent again, what is refused for good is set aside with the
    server's words and comes back when the mapping is mended; nothing stays unfindable.
    """
    if not os.environ.get("ELASTICSEARCH_URL"):
        return None, NONE
    with server() as url:
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.username:
            return None, "the proxy of this row speaks plain http without a log-in only"
        proxy = Proxy(str(parts.hostname), parts.port or 9200)
        with World(folder=folder, archive=f"elastic+http://127.0.0.1:{proxy.port}/{PREFIX}", probes=PROBES) as world:
            begin(world, "judge-1", "tell-1")
            world.start("probes")  # so that there is something to tell in each phase
            time.sleep(5)
            phases = {"pass": now.machine()}
            time.sleep(PHASE)
            for mode in ("refuse", "hang", "429", "partial", "mapping"):
                phases[mode] = now.machine()
                proxy.set(mode)
                time.sleep(PHASE)
            aside = _set_aside(world, proxy)
            phases["after"] = now.machine()
            proxy.set("pass")
            brought = _bring_back(world)
            drained, _published = finish(world)
            found, waits = account(world), _by_phase(world, phases)
        book = proxy.bulk
    said = ", ".join(f"{name} p50 {statistics.median(w):.2f} s p99 {w[int(len(w) * 0.99)]:.2f} s" for name, w in waits.items() if w)
    calm = waits["pass"][int(len(waits["pass"]) * 0.99)] if waits["pass"] else 0.0
    slow = [name for name, w in waits.items() if w and name not in ("pass", "after") and w[int(len(w) * 0.99)] > max(2 * calm, calm + 1)]
    good = found.clean and found.duplicates == 0 and not slow and book.put_off > 50 and book.sent_again <= len(book.confirmed) // 50 and aside == len(book.unfit) > 5
    return good, (f"to send by phase: {said}; put off one by one {book.put_off}, sent again though confirmed {book.sent_again} of {len(book.confirmed)}, refused for good {len(book.unfit)}, set aside {aside}, "
                  f"brought back {brought}; {found.line()}, drained in {drained:.0f} s")


def _set_aside(world: World, proxy: Proxy) -> int:
    """Wait until the documents that the server refused for good are set aside with its words; how many there are."""
    q = t.index_queue.c
    asked = sa.select(sa.func.count()).where(q.attempts >= 5, q.fault.contains("document_parsing_exception"))

    def there() -> int:
        with world.ledger.engine.connect() as c:
            return int(c.execute(asked).scalar_one())

    world.stop("loader", "probes")
    wait_for(lambda: there() == len(proxy.bulk.unfit), 60)
    return there()


def _bring_back(world: World) -> int:
    """What `tell` does every ten minutes."""
    archive = open_archive(world.settings.archive_url)
    try:
        archive.settle()
        return reconcile(world.ledger.index, archive).written
    finally:
        archive.close()


def _by_phase(world: World, phases: dict[str, datetime]) -> dict[str, list[float]]:
    first = dict(reversed(world.accepted()))
    with world.ledger.engine.connect() as c:
        saved = dict(c.execute(sa.select(t.outbox.c.key, t.outbox.c.saved_at)).tuples().all())
    names, found = list(phases), {name: list[float]() for name in phases}
    for key, at in first.items():
        began = [name for name in names if phases[name] <= saved[key]]
        if began:
            found[began[-1]].append((at - saved[key]).total_seconds())
    return {name: sorted(waits) for name, waits in found.items()}


def forgets(folder: Path, _: argparse.Namespace) -> Row:
    """Row 9: a third of what the server acknowledged is deleted behind our back; the reconciler brings it again."""
    if not os.environ.get("ELASTICSEARCH_URL"):
        return None, NONE
    with server() as url:
        settings = settings_in(folder).model_copy(update={"archive": f"elastic+{url}/{PREFIX}"})
        ledger, archive = open_ledger(settings), open_archive(settings.archive_url)
        for start in range(0, 300, 20):
            save(ledger, settings, *(mention(n) for n in range(start, start + 20)))
        archive.write(documents := ledger.index.claim(limit=1000))
        ledger.index.confirm(documents)
        archive.settle()
        before, lost = archive.count(Query()), _delete_third(url)
        wait_for(lambda: archive.count(Query()) < before, 20)
        during, mended = archive.count(Query()), reconcile(ledger.index, archive)
        archive.settle()
        after = archive.count(Query())
        archive.close()
    return after == before == 300 and lost > 50 and during < before, f"acknowledged {before}, deleted behind our back {lost}, left {during}, re-indexed {mended.written}, missing {before - after}"


def _delete_third(url: str) -> int:
    hits = httpx.post(f"{url}/{PREFIX}*/_search?size=1000", json={"query": {"match_all": {}}, "_source": False}, timeout=30).json()["hits"]["hits"]
    gone = hits[::3]
    lines = "".join(f'{{"delete": {{"_index": "{one["_index"]}", "_id": "{one["_id"]}"}}}}\n' for one in gone)
    httpx.post(f"{url}/_bulk?refresh=true", content=lines, headers={"Content-Type": "application/x-ndjson"}, timeout=30).raise_for_status()
    return len(gone)

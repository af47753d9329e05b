"""Three real nodes, one of them killed while documents are written."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import pytest

from incidents.store.archive_elastic import ElasticArchive
from incidents.store.elastic_address import address
from incidents.store.search import ArchiveDown, Query
from tests.incidents.archive.builders import document
from tests.incidents.archive.elastic_server import Node
from tests.incidents.builders import T0

pytestmark = pytest.mark.server
BATCH = 20


@dataclass
class Load:
    """Writes on, like the index queue does: what was not acknowledged is sent again."""

    archive: ElasticArchive
    stop: threading.Event = field(default_factory=threading.Event)
    taken: list[float] = field(default_factory=list)  # when each batch was acknowledged
    put_off: int = 0

    def run(self) -> None:
        while not self.stop.is_set():
            first = len(self.taken) * BATCH + 1
            try:
                refused = self.archive.write([document(n, f"第{n}条", dated=T0.replace(month=1 + n % 3)) for n in range(first, first + BATCH)])
            except ArchiveDown:
                self.put_off += 1
                continue
            assert refused == []
            self.taken.append(time.monotonic())

    def wait_for(self, batches: int, seconds: float) -> None:
        until = time.monotonic() + seconds
        while len(self.taken) < batches:
            assert time.monotonic() < until, f"only {len(self.taken)} batches were taken"
            time.sleep(0.05)


def archive_on(servers: list[Node]) -> ElasticArchive:
    return ElasticArchive(address("elastic+http://" + ",".join(f"127.0.0.1:{one.port}" for one in servers) + "/three"))


def holder_of_a_primary(archive: ElasticArchive) -> int:
    """The number of the node that the first month's writes go to."""
    shards = archive.client.cat.shards(index=f"{archive.names.all}-2026.01-g1", format="json", h="prirep,node")
    return int(next(one["node"] for one in shards.body if one["prirep"] == "p").removeprefix("n"))


def test_a_killed_node_loses_nothing_that_was_acknowledged(three_nodes: list[Node], capsys: pytest.CaptureFixture[str]) -> None:
    load = Load(archive_on(three_nodes))
    writer = threading.Thread(target=load.run)
    writer.start()
    load.wait_for(3, 60)  # at once: the months' second copies are only just there
    killed = time.monotonic()
    three_nodes[holder_of_a_primary(load.archive)].kill()
    before = len(load.taken)
    load.wait_for(before + 50, 120)
    load.stop.set()
    writer.join()
    load.archive.settle()
    acknowledged = len(load.taken) * BATCH
    resumed = next(at for at in load.taken if at > killed + 0.5) - killed
    with capsys.disabled():
        print(f"\n  one of three killed: acknowledged {acknowledged} ({before * BATCH} before), found {load.archive.count(Query())}, longest pause {max(b - a for a, b in zip(load.taken, load.taken[1:], strict=False)):.1f} s, put off {load.put_off}, went on after {resumed:.1f} s")
    assert load.archive.count(Query()) == acknowledged == len({*load.archive.newest(Query(), limit=acknowledged + 1).ids})
    assert all(load.archive.versions(block) for block in range(acknowledged >> 10))
    assert load.archive.faults() == []

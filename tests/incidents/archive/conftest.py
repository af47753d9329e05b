"""Every archive that there is: SQLite always, Elasticsearch with ELASTICSEARCH_URL (in indices of its own, removed after)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest

from incidents.store.archive import open_archive
from incidents.store.archive_elastic import ElasticArchive
from incidents.store.search import Archive
from tests.incidents.archive.elastic_server import Node, distribution, nodes

RUN, NUMBERS = f"yujing-test-{uuid4().hex[:10]}", count()


def missing(why: str) -> None:
    """Skip by name; where servers are promised (CI), fail."""
    if os.environ.get("YUJING_REQUIRE_SERVERS"):
        pytest.fail(f"YUJING_REQUIRE_SERVERS is set, but {why}")
    pytest.skip(why)


def server_url(prefix: str) -> str:
    url = os.environ.get("ELASTICSEARCH_URL", "")
    if not url:
        missing("no Elasticsearch (set ELASTICSEARCH_URL)")
    base, _, options = url.partition("?")
    return f"elastic+{base.rstrip('/')}/{prefix}" + (f"?{options}" if options else "")


@pytest.fixture(scope="session")
def swept() -> Iterator[None]:
    """Whatever a test left on the server is removed at the end, also after failures."""
    yield
    archive = open_archive(server_url(RUN))
    assert isinstance(archive, ElasticArchive)
    for name in archive.client.indices.get(index=f"{RUN}*", expand_wildcards="all").body:
        archive.client.indices.delete(index=name, ignore_unavailable=True)
    archive.close()


@pytest.fixture
def elastic(request: pytest.FixtureRequest) -> Iterator[Archive]:
    url = server_url(f"{RUN}-{next(NUMBERS)}")
    request.getfixturevalue("swept")
    archive = open_archive(url)
    yield archive
    archive.clear()
    archive.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Archive]:
    archive = open_archive(f"sqlite:///{tmp_path}/archive.sqlite")
    yield archive
    archive.close()


@pytest.fixture(params=["sqlite", pytest.param("elastic", marks=pytest.mark.server)])
def archive(request: pytest.FixtureRequest) -> Archive:
    found: Archive = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def three_nodes() -> Iterator[list[Node]]:
    """A cluster of three that is green; of this test alone, because it is hurt."""
    if distribution() is None:
        missing("no Elasticsearch to start (set YUJING_ELASTICSEARCH to the folder with its start script)")
    with nodes(3) as found:
        for one in found:
            one.start()
        for one in found:
            one.wait(wait_for_status="green", wait_for_nodes=3)
        yield found

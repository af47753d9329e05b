"""Elasticsearch 9: no such server here, so its REST specification stands before a real 8.19 (nine.py)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from incidents.query import parse
from incidents.store.archive_elastic import ElasticArchive
from incidents.store.elastic_address import address
from incidents.store.elastic_migrate import migrate
from incidents.store.search import Query
from tests.incidents.archive.builders import document
from tests.incidents.archive.conftest import NUMBERS, RUN, server_url
from tests.incidents.archive.nine import CALLS, Gate, gate, refusal
from tests.incidents.builders import T0

GOOD = {"accept": "application/vnd.elasticsearch+json; compatible-with=8"}


@pytest.fixture
def nine(swept: None) -> Iterator[Gate]:
    server_url("x")  # skips without a server
    with gate(os.environ["ELASTICSEARCH_URL"].rstrip("/")) as found:
        yield found


@pytest.mark.server
def test_every_request_of_ours_is_one_that_nine_takes(nine: Gate) -> None:
    archive = ElasticArchive(address(f"elastic+http://127.0.0.1:{nine.port}/{RUN}-{next(NUMBERS)}"))
    assert archive.client.info()["version"]["number"].startswith("9.")
    archive.write([document(n, "雾岛茶喝出虫子", dated=T0.replace(month=1 + n % 2)) for n in range(1, 31)])
    archive.settle()
    assert archive.count(Query(expr=parse("雾岛茶 NEAR/5 虫子 -source:x"), brand="tea", sentiment="negative", since=T0.replace(year=2025))) == 30
    assert len(archive.newest(Query(), limit=50).ids) == 30 and sum(archive.by_day(Query()).values()) == sum(archive.by_hour(Query()).values()) == 30
    assert archive.facets(Query())["brand"] == {"tea": 30} and archive.checksums()[0][0] == len(archive.versions(0)) == 30
    assert migrate(archive, everything=True).copied == 30
    archive.remove([1])
    assert archive.faults() == [] and archive.drop_months_before(T0.replace(month=2, day=1)) == 15
    archive.clear()
    assert nine.refused == [] and nine.passed == set(CALLS)


@pytest.mark.parametrize(("method", "target", "headers"), [
    ("GET", "/t-mentions/_search?local=true", GOOD), ("POST", "/t-mentions/doc/_search", GOOD), ("PUT", "/_bulk?type=doc", GOOD), ("GET", "/t/_freeze", GOOD),
    ("POST", "/t/_count", {"accept": "application/json"}), ("POST", "/t/_count", {"accept": GOOD["accept"].replace("8", "7")}),
])
def test_the_gate_refuses_what_nine_refuses(method: str, target: str, headers: dict[str, str]) -> None:
    assert refusal(method, target, headers) is not None and refusal("POST", "/t/_count", GOOD) is None

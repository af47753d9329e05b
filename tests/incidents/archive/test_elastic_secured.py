"""A real server with security on: log-in, API key, TLS with a certificate of one's own authority; and one whose disk is full."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from incidents.errors import YujingError
from incidents.store.archive import open_archive
from incidents.store.archive_elastic import ElasticArchive
from incidents.store.elastic_migrate import migrate
from incidents.store.search import ArchiveDown, Query
from tests.incidents.archive.builders import document
from tests.incidents.archive.certificates import Authority
from tests.incidents.archive.conftest import missing
from tests.incidents.archive.elastic_server import Node, distribution, nodes

pytestmark = pytest.mark.server
PASSWORD = "a word of the tests: / @ ?"
TLS = ("-E", "xpack.security.http.ssl.enabled=true", "-E", "xpack.security.http.ssl.key=http.key", "-E", "xpack.security.http.ssl.certificate=http.crt")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "ours")


@pytest.fixture(scope="module")
def secured(authority: Authority) -> Iterator[Node]:
    if distribution() is None:
        missing("no Elasticsearch to start (set YUJING_ELASTICSEARCH to the folder with its start script)")
    with nodes(1, "--password", PASSWORD, *TLS, scheme="https") as (node,):
        authority.issue(node.folder / "config", "127.0.0.1")
        node.start()
        node.wait(login=("elastic", PASSWORD))
        yield node


def url(node: Node, login: str = f"elastic:{quote(PASSWORD, safe='')}@", options: str = "", host: str = "127.0.0.1", prefix: str = "safe") -> str:
    return f"elastic+https://{login}{host}:{node.port}/{prefix}{options}"


def opened(said: str) -> ElasticArchive:
    found = open_archive(said)
    assert isinstance(found, ElasticArchive)
    return found


def key_for(node: Node, authority: Authority, rights: list[str]) -> str:
    """An API key with ``rights`` on the indices of the prefix ``keyed`` alone, and nothing of the cluster."""
    admin = opened(url(node, options=f"?ca={authority.file}"))
    made = admin.client.security.create_api_key(name="yujing", role_descriptors={"ours": {"indices": [{"names": ["keyed-mentions*"], "privileges": rights}]}})
    return str(made["encoded"])


def test_password_and_own_authority_do_everything(secured: Node, authority: Authority) -> None:
    archive = opened(url(secured, options=f"?ca={authority.file}"))
    assert archive.write([document(1), document(2)]) == []
    archive.settle()
    assert archive.count(Query(words=("雾岛茶",))) == 2 and archive.faults() == []
    archive.clear()


def test_an_api_key_for_our_own_indices_alone_is_enough(secured: Node, authority: Authority) -> None:
    archive = opened(url(secured, "", f"?ca={authority.file}&api_key={quote(key_for(secured, authority, ['all']))}", prefix="keyed"))
    assert archive.write([document(n) for n in range(1, 51)]) == []
    archive.settle()
    assert archive.count(Query()) == 50 and archive.facets(Query())["brand"] == {"tea": 50} and archive.checksums()[0][0] == 50
    assert migrate(archive, everything=True).copied == 50 and archive.count(Query()) == 50 and archive.faults() == []
    archive.remove([1])
    archive.clear()
    assert archive.count(Query()) == 0


def test_a_key_that_may_only_read_is_told_so(secured: Node, authority: Authority) -> None:
    archive = opened(url(secured, "", f"?ca={authority.file}&api_key={quote(key_for(secured, authority, ['read']))}", prefix="keyed"))
    with pytest.raises(ArchiveDown, match="needs all rights on its own indices"):
        archive.write([document(1)])
    assert [one.code for one in archive.faults()] == ["forbidden"]


@pytest.mark.parametrize("login", ["elastic:wrong@", "nobody:wrong@", ""])
def test_a_wrong_login_is_refused_in_words(secured: Node, authority: Authority, login: str) -> None:
    options = f"?ca={authority.file}" if login else f"?ca={authority.file}&api_key=d3Jvbmc6a2V5"
    with pytest.raises(ArchiveDown, match="refuses the login") as caught:
        opened(url(secured, login, options)).count(Query())
    assert "wrong" not in str(caught.value)


def test_a_certificate_of_an_unknown_authority_is_refused(secured: Node, tmp_path: Path) -> None:
    for options in ("", f"?ca={Authority(tmp_path, 'another').file}"):
        with pytest.raises(ArchiveDown, match="certificate is not trusted"):
            opened(url(secured, options=options)).count(Query())


def test_a_certificate_for_another_address_is_refused(secured: Node, authority: Authority) -> None:
    with pytest.raises(ArchiveDown, match="certificate"):
        opened(url(secured, options=f"?ca={authority.file}", host="localhost")).count(Query())


def test_plain_http_to_a_tls_port_is_down_and_not_taken_for_another_product(secured: Node) -> None:
    with pytest.raises(ArchiveDown, match="does not answer"):
        opened(url(secured).replace("https", "http")).count(Query())


def test_a_file_that_is_no_authority_is_named(secured: Node, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "absent.pem"):
        with pytest.raises(YujingError, match=name):
            open_archive(url(secured, options=f"?ca={tmp_path / name}"))


def test_a_disk_that_is_full_stops_writing_and_goes_on_without_hands(secured: Node, authority: Authority) -> None:
    """The server itself sets the block at its flood stage, and lifts it when there is room again."""
    archive = opened(url(secured, options=f"?ca={authority.file}", prefix="flooded"))
    archive._sleep = lambda _: None
    archive.write([document(1)])
    archive.settle()
    flood(archive, {"threshold_enabled": True, "watermark.low": "999tb", "watermark.high": "999tb", "watermark.flood_stage": "999tb", "watermark.flood_stage.max_headroom": None})
    wait_until(lambda: bool(archive.faults()), 60)
    assert [one.code for one in archive.faults()] == ["blocked"] and archive.count(Query()) == 1  # what is there is found all along
    with pytest.raises(ArchiveDown, match="wait in the queue"):
        archive.write([document(2)])
    flood(archive, {"watermark.low": "1mb", "watermark.high": "1mb", "watermark.flood_stage": "1mb"})
    wait_until(lambda: not archive.faults(), 90)
    assert archive.write([document(2)]) == []
    archive.clear()


def flood(archive: ElasticArchive, settings: dict[str, object]) -> None:
    every = {f"cluster.routing.allocation.disk.{name}": value for name, value in settings.items()}
    archive.client.cluster.put_settings(persistent={**every, "cluster.info.update.interval": "10s"})


def wait_until(true: object, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.5)

"""``yujing archive`` on a real Elasticsearch."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from incidents.settings import Settings, load
from incidents.store.archive import open_archive
from incidents.store.archive_elastic import ElasticArchive
from incidents.store.ledger import Ledger, open_ledger
from incidents.store.reconcile import reconcile
from incidents.store.search import Query
from monitor import doctor
from monitor.cli import main
from monitor.processes import Mending
from tests.incidents.archive.conftest import NUMBERS, RUN, server_url
from tests.incidents.builders import mention, save

pytestmark = pytest.mark.server


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swept: None) -> Settings:
    file = tmp_path / "yujing.toml"
    file.write_text(f'archive = "{server_url(f"{RUN}-{next(NUMBERS)}")}"\n[[brands]]\nid = "wudao"\nname = "雾岛茶"\nany = ["雾岛茶"]\n'
                    '[[sources]]\nid = "wb"\nname = "W"\nkind = "weibo"\nurl = "http://127.0.0.1:1/"\n', encoding="utf-8")
    monkeypatch.setenv("YUJING_SETTINGS", str(file))
    return load(file)


def filled(settings: Settings, count: int) -> tuple[Ledger, ElasticArchive]:
    ledger, archive = open_ledger(settings), open_archive(settings.archive_url)
    assert isinstance(archive, ElasticArchive)
    save(ledger, *(mention(str(n), f"雾岛茶第{n}杯喝出了虫子") for n in range(count)))
    return ledger, archive


def test_rebuild_makes_it_from_nothing_and_again(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    ledger, archive = filled(settings, 40)
    for _ in range(2):
        assert main(["archive", "rebuild"]) == 0
        archive.settle()
        assert archive.count(Query(words=("虫子",))) == 40 and reconcile(ledger.index, archive).differing == 0
    assert "40 mentions" in capsys.readouterr().out


def test_migrate_goes_on_under_writes_and_says_what_it_did(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    ledger, archive = filled(settings, 600)
    reconcile(ledger.index, archive)
    archive.settle()
    stop, counts = threading.Event(), set[int]()

    def use() -> None:
        while not stop.is_set():
            archive.write(ledger.index.documents(range(1, 601)))
            counts.add(archive.count(Query()))

    user = threading.Thread(target=use)
    user.start()
    try:
        assert main(["archive", "migrate", "--all"]) == 0
    finally:
        stop.set()
        user.join()
    assert counts == {600} and "1 个月份" in capsys.readouterr().out and all(name.endswith("-g2") for name in archive.indices())
    assert main(["archive", "migrate"]) == 0 and "不用迁移" in capsys.readouterr().out


def test_documents_deleted_behind_our_back_come_back_without_hands(settings: Settings) -> None:
    ledger, archive = filled(settings, 300)
    reconcile(ledger.index, archive)
    month = next(iter(archive.indices()))
    gone = [str(number) for number in range(1, 301, 3)]
    archive.client.bulk(operations=[{"delete": {"_index": month, "_id": one}} for one in gone], refresh=True)
    assert archive.count(Query()) == 200
    assert Mending(index=ledger.index, archive=archive).look() == 100
    archive.settle()
    assert archive.count(Query()) == 300 and reconcile(ledger.index, archive).differing == 0


def test_the_doctor_names_a_wrong_mapping_and_a_full_disk_with_the_way_out(settings: Settings) -> None:
    _, archive = filled(settings, 1)
    def archive_findings() -> list[str]:
        return [one.line() for one in doctor.examine(settings, Path("yujing.toml")) if one.code == "archive" and one.bad]

    main(["archive", "rebuild"])
    month = next(iter(archive.indices()))
    archive.client.indices.put_settings(index=month, settings={"index.blocks.read_only_allow_delete": True})
    assert "只读" in archive_findings()[0]
    archive.client.indices.put_settings(index=month, settings={"index.blocks.read_only_allow_delete": None})
    archive.client.indices.put_mapping(index=month, meta={"schema": 0})
    assert "yujing archive migrate" in archive_findings()[0]
    assert main(["archive", "migrate"]) == 0 and archive_findings() == []

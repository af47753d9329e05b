from __future__ import annotations

import fcntl
import os
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from incidents import now
from incidents.errors import LedgerError
from incidents.i18n import catalogue
from incidents.model import Grade, Health, OutboxState, Reason, Receiver
from incidents.store import backup as backups
from incidents.store import tables as t
from incidents.store.archive import open_archive
from incidents.store.ledger import Ledger
from incidents.store.reserve import Reserve
from monitor import doctor, floors
from monitor.finding import Finding
from tests.incidents.builders import T0, ledger_in, mention, save, score, settings_in

ROOT = Path(__file__).parents[2]
HOUR = timedelta(hours=1)


def look(folder: Path, **changes: object) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in doctor.examine(settings_in(folder, **changes), folder / "yujing.toml"):
        found.setdefault(finding.code, []).append(finding)
    return found


def faults(folder: Path, *but: str) -> set[str]:
    return {code for code, findings in look(folder).items() if any(f.bad for f in findings)} - set(but)


def idle(ledger: Ledger) -> None:
    """Nothing waits: as if everything had been worked off."""
    with ledger.engine.begin() as c:
        for table in (t.work, t.index_queue, t.fetch_jobs):
            c.execute(sa.delete(table))


def index(folder: Path, ledger: Ledger) -> None:
    archive = open_archive(settings_in(folder).archive_url)
    archive.write(documents := ledger.index.claim())
    ledger.index.confirm(documents)
    archive.close()


def test_a_well_product_has_no_fault(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"), at=now.machine())
    index(tmp_path, ledger)
    idle(ledger)
    assert faults(tmp_path, "disk") == set()


def test_every_fault_has_words_and_a_way_out() -> None:
    known = catalogue()
    for name in ("disk_low", "reserve_used", "package_old", "log_long", "clock_back", "clock_moved", "backup_old", "source_blind", "judge_late", "index_late", "fetch_late",
                 "alert_late", "stuck", "set_aside", "refused", "dead", "archive_differs", "settings_bad", "playbook_unknown", "kind_unknown", "secrets_bad",
                 "secrets_plain", "backup_broken", "model_altered", "model_missing"):
        assert known[f"doctor.{name}"] and known[f"doctor.out.{name}"]


def test_a_damaged_and_a_newer_ledger_are_named_with_the_way_out(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    ledger.close()
    file = settings_in(tmp_path).data / "ledger.sqlite"
    whole = file.read_bytes()
    file.write_bytes(b"x" * 8192)
    (damaged,) = look(tmp_path)["ledger"]
    assert damaged.bad and "yujing restore" in damaged.way_out and "not a ledger" in damaged.what
    file.write_bytes(whole)
    with ledger_in(tmp_path).engine.begin() as c:
        c.exec_driver_sql("INSERT INTO schema_version VALUES (999)")
    assert "schema 999" in look(tmp_path)["ledger"][0].what


def test_who_runs_is_told_from_the_lock(tmp_path: Path) -> None:
    ledger_in(tmp_path)
    data = settings_in(tmp_path).data
    assert "没有正在运行" in look(tmp_path)["supervisor"][0].what
    with (data / "supervisor.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(str(os.getpid()))
        lock.flush()
        assert str(os.getpid()) in look(tmp_path)["supervisor"][0].what


def test_a_reserve_in_use_is_said(tmp_path: Path) -> None:
    ledger_in(tmp_path)
    reserve = Reserve(settings_in(tmp_path).data / "ledger.sqlite")
    reserve.path.write_bytes(b"")
    (found,) = look(tmp_path)["reserve"]
    assert found.bad and "MiB" in found.way_out


def test_nobody_on_duty_and_a_missing_secret_are_said(tmp_path: Path) -> None:
    ledger_in(tmp_path)
    channels = [{"id": "ding", "kind": "dingtalk", "url": "secret:ROBOT"}]
    found = look(tmp_path, channels=channels, people=[])
    assert any("没有设置任何人" in f.what and f.bad for f in found["duty"]) and any("YUJING_SECRET_ROBOT" in f.what for f in found["duty"])
    assert "签名" in found["channel"][0].what


def test_a_blind_source_is_named_with_its_reason(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    ledger.sources.report("wb", Health.AUTH_REQUIRED, "login_page", T0)
    (found,) = look(tmp_path)["source"]
    assert found.bad and "需要登录" in found.what and "登录页" in found.what and "自 11-20" in found.what


def test_work_that_nobody_takes_is_said_with_its_age(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    old = now.machine() - 2 * HOUR
    with ledger.engine.begin() as c:
        c.execute(sa.update(t.mentions).values(saved_at=old))
        c.execute(sa.update(t.index_queue).values(queued_at=old))
        c.execute(sa.update(t.work).values(lease_until=old))
    found = look(tmp_path)
    said = " ".join(f.what for f in found["waiting"])
    assert "等待判读已 2 时" in said and "1 条等待进入检索库" in said and "判读 1" in found["leases"][0].what


def test_a_story_that_nobody_decides_is_said(tmp_path: Path) -> None:
    """The mention is judged and placed, and no incident ever opens: that is no calm either."""
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    ledger.work.save_scores([score(1)], T0)
    ledger.stories.place(ledger.work.claim("place", "j", machine=now.machine(), lasts=HOUR), T0)
    with ledger.engine.begin() as c:
        c.execute(sa.update(t.stories).values(stirred_saved_at=now.machine() - 2 * HOUR))
    assert "等待判读已 2 时" in " ".join(f.what for f in look(tmp_path)["waiting"])


def test_what_was_set_aside_is_shown_with_its_reason(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    ledger.work.set_aside("judge", 1, "wudao", "text of 9 MB")
    for _ in range(5):
        ledger.index.refuse({1: "mapper_parsing_exception"})
    ledger.outbox.add(incident_id=None, grade=Grade.RED, reason=Reason.BLIND, receiver=Receiver(person="lin", channel="ding"), body={}, due_at=T0, world=T0, key="k")
    (row,) = ledger.outbox.claim("t", world=T0, machine=T0, lasts=HOUR)
    ledger.outbox.settle(row, OutboxState.DEAD, answer="300001 token is not exist", world=T0, machine=T0)
    found = look(tmp_path)
    assert "text of 9 MB" in found["set_aside"][0].what and "mapper_parsing" in found["refused"][0].what and "token is not exist" in found["dead"][0].what


def test_a_clock_that_went_back_or_was_moved_is_said(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    with ledger.engine.begin() as c:
        c.execute(sa.update(t.fetch_jobs).values(lease_until=now.machine() + 30 * HOUR))
    assert "拨过" in look(tmp_path)["clock"][0].what
    with ledger.engine.begin() as c:
        c.execute(sa.update(t.mentions).values(saved_at=now.machine() + HOUR))
    assert "慢 59 分" in look(tmp_path)["clock"][0].what


def test_the_age_of_the_last_backup_is_said(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    assert "还没有备份过" in look(tmp_path)["backup"][0].what
    backups.backup(ledger.engine, tmp_path / "b", machine=now.machine() - 8 * 24 * HOUR, world=T0)
    assert look(tmp_path)["backup"][0].bad
    (tmp_path / "b").unlink()
    assert "已不在" in look(tmp_path)["backup"][0].what


def test_an_archive_that_lost_documents_is_seen(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"), mention("2"))
    index(tmp_path, ledger)
    assert not look(tmp_path)["archive"][0].bad
    archive = open_archive(settings_in(tmp_path).archive_url)
    archive.remove([1])
    archive.close()
    (found,) = look(tmp_path)["archive"]
    assert found.bad and "rebuild" in found.way_out


def test_an_archive_that_does_not_answer_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    ledger_in(tmp_path)
    found = look(tmp_path, archive="elastic+http://127.0.0.1:9/x")
    assert found["archive"][0].bad and not found["ledger"][0].bad


def test_the_installed_packages_are_not_below_the_floors() -> None:
    assert list(floors.too_old()) == []


def test_the_floors_are_those_of_the_project_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {line.split(">")[0].split("[")[0]: line for line in [*project["dependencies"], *project["optional-dependencies"]["scale"]] if ">" in line}
    for name, floor in floors.FLOORS.items():
        if name in wanted:
            least = wanted[name].split(">")[1].lstrip("=").split(",")[0]
            assert floors.number(least)[:2] >= floors.number(floor)[:2], name


def test_versions_are_compared_as_numbers() -> None:
    assert floors.number("2.13.0+cpu") == (2, 13, 0) and floors.number("26.4.0rc1") == (26, 4, 0) and floors.number("10.0") > floors.number("9.9")


def test_examining_never_raises(tmp_path: Path) -> None:
    with pytest.raises(LedgerError):
        ledger_in(tmp_path, ledger="postgresql://x/y")
    assert look(tmp_path, ledger="postgresql://x/y")["ledger"][0].bad

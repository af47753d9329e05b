"""The process: what it refuses to start with, and how it ends."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from websockets.sync.client import connect

from dashboard.desk import Desk
from dashboard.serve import check_address, is_loopback
from dashboard.session import COOKIE
from incidents import now
from incidents.errors import Refused
from incidents.settings import load
from incidents.store.ledger import open_ledger
from tests.dashboard import world
from tests.dashboard.conftest import free_port, start, stop, wait_for, write_settings


@pytest.mark.parametrize(("host", "loopback"), [("127.0.0.1", True), ("127.8.8.8", True), ("localhost", True), ("0.0.0.0", False), ("192.168.1.5", False), ("example.org", False)])
def test_what_counts_as_this_machine(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_it_does_not_listen_to_others_before_anybody_has_a_password(place: Desk, tmp_path: Path) -> None:
    open_to_all = world.settings_in(tmp_path, listen="0.0.0.0:8501")
    check_address(open_to_all)
    with place.ledger.engine.begin() as c:
        c.exec_driver_sql("UPDATE people SET password = NULL")
    with pytest.raises(Refused, match="password"):
        check_address(open_to_all)


def test_the_process_says_why_it_will_not_start(tmp_path: Path) -> None:
    process = start(write_settings(tmp_path, listen=f"0.0.0.0:{free_port()}"))
    _, said = process.communicate(timeout=20)
    assert process.returncode == 2 and b"password" in said and b"Traceback" not in said


def test_sigterm_ends_it_within_five_seconds_with_a_page_open(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    port = free_port()
    path = write_settings(tmp_path, listen=f"127.0.0.1:{port}")
    process = start(path)
    wait_for(f"http://127.0.0.1:{port}", process)
    ledger = open_ledger(load(path))
    cookie = {"Cookie": f"{COOKIE}={ledger.people.begin_session('lin', now.machine())}"}
    ledger.close()
    with connect(f"ws://127.0.0.1:{port}/_stcore/stream", additional_headers=cookie, close_timeout=1) as page:
        assert page.ping().wait(10)
        assert stop(process) < 5
    assert process.returncode == 0

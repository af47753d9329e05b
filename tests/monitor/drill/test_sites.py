"""The drill's folder, and its sites as the supervisor starts them."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from incidents import now
from incidents.errors import SettingsError
from incidents.settings import Settings, load
from incidents.store.ledger import open_ledger
from monitor.drill import plot, sites
from monitor.drill.prepare import prepare
from monitor.drill.start import greeting

EVENING = datetime(2026, 11, 25, 14, 0, tzinfo=UTC)  # 22:00 in Shanghai


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return prepare(tmp_path / "drill", EVENING, port_base=18_600)


@pytest.fixture(autouse=True)
def _real_clock():
    yield
    now.start(None)


def test_the_folder_is_made_once_and_kept(path: Path) -> None:
    secret = path.with_name("secrets.toml")
    before = (path.read_text("utf-8"), secret.read_text("utf-8"))
    prepare(path.parent, EVENING + timedelta(days=3), port_base=19_000)
    assert (path.read_text("utf-8"), secret.read_text("utf-8")) == before
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_the_settings_can_be_used_as_they_are(path: Path) -> None:
    settings = load(path)
    assert settings.clock.origin == datetime(2026, 11, 25, 9, 30, tzinfo=now.SHANGHAI) and settings.clock.speed == 60
    assert settings.secret(settings.channel("ding").secret).startswith("SEC")
    assert {role for person in settings.people for role in person.roles} >= {"duty", "coordinator", "pr_head", "lead", "vp", "viewer", "auditor"}
    assert set(sites.apps(settings, plot.load())) == {int(host.split(":")[1]) for host in settings.allow_hosts}
    assert settings.data == path.parent / "data"


def test_taken_ports_are_passed_over(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = prepare(tmp_path, EVENING, port_base=port).read_text("utf-8")
    assert f"127.0.0.1:{port}" not in text


def test_a_site_of_an_unknown_kind_is_named(path: Path) -> None:
    settings = load(path)
    odd = settings.sources[0].model_copy(update={"kind": "phpbb"})
    with pytest.raises(SettingsError, match="phpbb"):
        sites.apps(settings.model_copy(update={"sources": (odd,)}), plot.load())


def test_the_link_printed_for_the_newcomer_works_once(path: Path) -> None:
    settings = load(path)
    lines = greeting(settings, path.parent, begun=False)
    token = next(line for line in lines if "token=" in line).split("token=")[1]
    people = open_ledger(settings).people
    found = people.use_link(token, now.machine())
    assert found is not None and found.name == "林叙" and people.use_link(token, now.machine()) is None


def test_before_the_ledgers_clock_begins_the_world_stands_at_the_origin(path: Path) -> None:
    settings = load(path)
    follow = sites.follow_clock(settings)
    assert abs(now.world() - settings.clock.origin) < timedelta(seconds=1)
    ledger = open_ledger(settings)
    ledger.clock.run()
    follow()
    assert now.speed() == 60
    ledger.clock.stand()
    follow()
    stood = now.world()
    assert abs(now.world() - stood) < timedelta(seconds=1)


def running(path: Path, settings: Settings) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-m", "monitor.drill.sites", "--settings", str(path)], cwd=Path(__file__).parents[3])
    for _ in range(300):
        try:
            httpx.get(settings.channel("ding").preview, trust_env=False)
            return process
        except httpx.TransportError:
            time.sleep(0.05)
    process.kill()
    raise AssertionError("the sites did not come up")


def lead_counts(settings: Settings) -> int:
    found = httpx.get(settings.sources[0].url, trust_env=False).json()["data"]["cards"]
    blogs = [inner["mblog"] for card in found for inner in card.get("card_group", [card])]
    return sum(blog["reposts_count"] for blog in blogs)


def test_the_process_serves_all_ports_stands_with_the_ledger_and_goes_on(path: Path) -> None:
    settings = load(path)
    ledger = open_ledger(settings)
    ledger.clock.run()
    ledger.clock.stand()
    first = running(path, settings)
    stood = json.dumps([lead_counts(settings), httpx.get(settings.source("forum").url, trust_env=False).text])
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=10) == 0
    again = running(path, settings)
    assert json.dumps([lead_counts(settings), httpx.get(settings.source("forum").url, trust_env=False).text]) == stood
    again.send_signal(signal.SIGINT)
    assert again.wait(timeout=10) == 0

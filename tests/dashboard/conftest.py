"""One morning, made once and copied for each test; a real server in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import tomlkit
from streamlit.testing.v1 import AppTest

from dashboard import desk, session
from dashboard.desk import Desk
from incidents import now
from incidents.settings import load
from incidents.store.ledger import Ledger, open_ledger
from tests.dashboard import world

FRAME = Path(session.__file__).with_name("frame.py")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole morning, closed."""
    folder = tmp_path_factory.mktemp("morning")
    ledger, _ = world.morning(folder)
    ledger.people.set_password("lin", world.PASSWORD)
    ledger.close()
    now.start(None)
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Iterator[Desk]:
    """A desk of one's own over a copy of the morning; the world stands at 09:42."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    settings = world.settings_in(tmp_path)
    found = Desk(settings=settings, ledger=open_ledger(settings))
    desk.sit(found)
    with now.frozen(world.NOON):
        yield found
    found.close()
    desk.sit(None)


@pytest.fixture
def page(place: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Open a page as somebody: ``page("lin", "views/room.py", n="2026-1122-01")``."""
    def open_page(login: str = "lin", view: str | None = None, **query: str) -> AppTest:
        secret = place.ledger.people.begin_session(login, now.machine())
        monkeypatch.setattr(session, "cookies", lambda: {session.COOKIE: secret})
        test = AppTest.from_file(str(FRAME), default_timeout=20)
        if view is not None:
            test.run()
            test.switch_page(view)
        for name, value in query.items():
            test.query_params[name] = value
        return test.run()
    return open_page


def words_of(test: AppTest) -> str:
    """Everything that stands on the page as HTML."""
    return "".join(element.proto.body for element in test.get("html"))


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running ``python -m dashboard.serve`` and the ledger behind it."""

    base: str
    ledger: Ledger
    process: subprocess.Popen[bytes]

    def client(self, login: str | None = "lin", **options: Any) -> httpx.Client:
        cookies = {} if login is None else {session.COOKIE: self.ledger.people.begin_session(login, now.machine())}
        return httpx.Client(base_url=self.base, cookies=cookies, trust_env=False, timeout=20, headers={"accept": "text/html"}, **options)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def write_settings(folder: Path, **changes: Any) -> Path:
    """The settings of the morning as the file that the process reads."""
    plain = json.loads(json.dumps({**world.SETTINGS, **changes}, default=lambda value: value.isoformat()))
    plain["clock"]["origin"] = datetime.fromisoformat(plain["clock"]["origin"])
    path = folder / "yujing.toml"
    path.write_text(tomlkit.dumps(plain), encoding="utf-8")
    return path


def start(path: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "YUJING_SETTINGS": str(path), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-m", "dashboard.serve"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def stop(process: subprocess.Popen[bytes]) -> float:
    """SIGTERM; how many seconds it took to end."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    return time.monotonic() - began


@pytest.fixture(scope="session")
def served(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(made, folder, dirs_exist_ok=True)
    port = free_port()
    path = write_settings(folder, listen=f"127.0.0.1:{port}", public_url=f"http://127.0.0.1:{port}")
    process = start(path)
    base = f"http://127.0.0.1:{port}"
    try:
        wait_for(base, process)
        ledger = open_ledger(load(path))
        yield Served(base=base, ledger=ledger, process=process)
        ledger.close()
    finally:
        process.kill()
        process.wait(10)


def wait_for(base: str, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended by itself"
        try:
            if httpx.get(f"{base}/healthz", trust_env=False, timeout=1).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError("the server did not come up")

"""A short transaction of an alert does not queue behind writers that come and go."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from incidents.errors import LedgerBusy
from incidents.store import engine as engines
from incidents.store.engine import open_engine, writing


def test_between_long_writers_an_eager_one_finds_its_place(tmp_path: Path) -> None:
    engine, ended = open_engine(f"sqlite:///{tmp_path}/a"), threading.Event()

    def hog() -> None:  # holds the writer's place but for three milliseconds in every forty
        while not ended.is_set():
            with writing(engine):
                time.sleep(0.037)
            time.sleep(0.003)

    hogs = [threading.Thread(target=hog) for _ in range(4)]
    for one in hogs:
        one.start()
    time.sleep(0.2)
    waits = list[float]()
    for _ in range(20):
        begun = time.monotonic()
        with writing(engine, eager=True):
            waits.append(time.monotonic() - begun)
        time.sleep(0.02)
    ended.set()
    for one in hogs:
        one.join()
    assert sum(waits) < 3  # 0.4 to 0.7 s; with SQLite's own wait 7 to 11 s


def test_an_eager_writer_too_gives_up_in_the_end_and_the_connection_waits_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_MS", 50)
    engine = open_engine(f"sqlite:///{tmp_path}/a")
    with writing(engine), pytest.raises(LedgerBusy), writing(engine, eager=True):
        pass
    with writing(engine, eager=True) as c:
        assert c.exec_driver_sql("PRAGMA busy_timeout").scalar() == 50

"""A drill's world of the shipped script, and real servers on loopback for its sites."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from incidents.now import SHANGHAI
from monitor.drill import plot
from monitor.drill.world import World

ORIGIN = datetime(2026, 11, 25, 9, 30, tzinfo=SHANGHAI)


@pytest.fixture(scope="session")
def world() -> World:
    return World(plot.load(), ORIGIN)


@pytest.fixture
def minute() -> Callable[[float], datetime]:
    """World time so many minutes after the origin."""
    return lambda minutes: ORIGIN + timedelta(minutes=minutes)


@contextlib.contextmanager
def _serving(app: Starlette) -> Iterator[httpx.Client]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        yield client
    server.should_exit = True
    thread.join(timeout=5)


@pytest.fixture
def serving() -> Callable[[Starlette], contextlib.AbstractContextManager[httpx.Client]]:
    return _serving

"""One reactor for all crawls of a test run: a process can have only one, and it cannot be started twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")


@lru_cache(maxsize=1)
def loop() -> asyncio.AbstractEventLoop:
    """The running event loop of the reactor, in a thread of its own."""
    started: list[asyncio.AbstractEventLoop] = []
    ready = threading.Event()

    def main() -> None:
        from scrapy.utils.reactor import install_reactor

        install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
        from twisted.internet import reactor

        started.append(asyncio.get_event_loop())
        reactor.callWhenRunning(ready.set)  # type: ignore[attr-defined]
        reactor.run(installSignalHandlers=False)  # type: ignore[attr-defined]

    threading.Thread(target=main, name="reactor", daemon=True).start()
    assert ready.wait(10)
    return started[0]


def run(coroutine: Coroutine[Any, Any, T], timeout: float = 30) -> T:
    """Run a coroutine beside the reactor and wait for what it gives."""
    return asyncio.run_coroutine_threadsafe(coroutine, loop()).result(timeout)

"""Runs the whole product as its users do: commands, HTTP, Ctrl-C. For the slow tests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")


def wait_for(what: Callable[[], T], seconds: float, why: str) -> T:
    """The first true answer within ``seconds``; else the test fails with ``why``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.25)
    raise AssertionError(f"not within {seconds:.0f} s: {why}")


@dataclass
class Product:
    """``yujing drill`` or ``yujing run`` in a folder."""

    command: list[str]
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    running: subprocess.Popen[str] | None = None
    said: str = ""

    def start(self) -> Product:
        self.running = subprocess.Popen([sys.executable, "-m", "monitor.cli", *self.command], cwd=self.folder, env={**os.environ, **self.environment},
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return self

    def stop(self, number: int = signal.SIGINT) -> float:
        """Seconds until it ended."""
        assert self.running is not None
        begun = time.monotonic()
        self.running.send_signal(number)
        self.said += self.running.communicate(timeout=30)[0]
        return time.monotonic() - begun

    def link(self) -> str:
        """The log-in link that the drill printed."""
        assert self.running is not None and self.running.stdout is not None
        while "token=" not in self.said:
            line = self.running.stdout.readline()
            assert line, self.said
            self.said += line
        return re.search(r"http\S+token=[\w-]+", self.said)[0]  # type: ignore[index]


def log_in(link: str) -> httpx.Client:
    """A browser's cookie jar after the link's one button was pressed."""
    parts = httpx.URL(link)
    client = httpx.Client(base_url=f"{parts.scheme}://{parts.host}:{parts.port}", headers={"Origin": f"{parts.scheme}://{parts.host}:{parts.port}"}, timeout=10)
    answer = wait_for(lambda: _try(lambda: client.post("/login/link", data={"token": parts.params["token"]})), 20, "the dashboard answers")
    assert answer.status_code == 303, answer.text
    return client


def _try(call: Callable[[], T]) -> T | None:
    try:
        return call()
    except httpx.HTTPError:
        return None


def accepted(preview: str) -> list[dict[str, Any]]:
    """What the provider took: its own log."""
    answer = _try(lambda: httpx.get(preview, timeout=5))
    return [] if answer is None else list(answer.json()["accepted"])

"""A headless Chromium driven over its DevTools socket: cookie, size, wait for words, picture, what the page asked for."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--hide-scrollbars", "--force-color-profile=srgb", "--remote-allow-origins=*", "--lang=zh-CN")


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Tab:
    """One page."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self.requests: list[str] = []
        self.dialogs = 0
        self.errors: list[str] = []
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._connection.recv(timeout=30))
            if answer.get("id") == number:
                return dict(answer.get("result", {}))
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        kind, params = event.get("method"), event.get("params", {})
        if kind == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif kind == "Page.javascriptDialogOpening":
            self.dialogs += 1
        elif kind == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])
        elif kind == "Runtime.exceptionThrown":
            self.errors.append(str(params["exceptionDetails"].get("exception", {}).get("description"))[:300])

    def size(self, wide: int, high: int = 900, *, dark: bool = False, scale: float = 1) -> None:
        self.ask("Emulation.setDeviceMetricsOverride", width=wide, height=high, deviceScaleFactor=scale, mobile=wide < 640)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def cookie(self, url: str, name: str, value: str) -> None:
        self.ask("Network.setCookie", url=url, name=name, value=value, httpOnly=True)

    def go(self, url: str) -> None:
        self.ask("Page.navigate", url=url)

    def eval(self, expression: str) -> Any:
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True).get("result", {}).get("value")

    def text(self) -> str:
        return str(self.eval("document.body ? document.body.innerText : ''"))

    def wait(self, words: str, seconds: float = 20) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if words in (found := self.text()):
                return found
            time.sleep(0.15)
        raise AssertionError(f"{words!r} did not come; the page says: {self.text()[:1500]}")

    def until(self, expression: str, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.eval(f"Boolean({expression})"):
                return
            time.sleep(0.15)
        raise AssertionError(f"{expression} never came true; the page says: {self.text()[:1500]}")

    def picture(self, path: Path, *, whole: bool = True, at_most: int = 6000) -> None:
        """A PNG; a Streamlit page scrolls inside, so the window is made as high as what it holds."""
        if whole:
            high = int(self.eval("Math.max(document.documentElement.scrollHeight, ...[...document.querySelectorAll('.stMain,[data-testid=stMain]')].map(e=>e.scrollHeight + e.getBoundingClientRect().top))") or 900)
            wide = int(self.eval("innerWidth"))
            scale = float(self.eval("devicePixelRatio"))
            self.ask("Emulation.setDeviceMetricsOverride", width=wide, height=min(max(high, 500), at_most), deviceScaleFactor=scale, mobile=wide < 640)
            time.sleep(0.8)
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def browser(profile: Path) -> Iterator[Tab]:
    """Start Chromium with an empty profile; it is killed at the end, by its id."""
    program = chromium()
    assert program is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([program, *FLAGS, f"--user-data-dir={profile}", f"--remote-debugging-port={port}", "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with connect(_page_socket(port), max_size=200_000_000, open_timeout=20, close_timeout=1) as connection:
            yield Tab(connection)
    finally:
        process.kill()
        process.wait(10)


def _page_socket(port: int) -> str:
    for _ in range(150):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=2) as answer:
                pages = [one for one in json.load(answer) if one["type"] == "page"]
            if pages:
                return str(pages[0]["webSocketDebuggerUrl"])
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("Chromium did not start")

"""Real Elasticsearch nodes on loopback, from a folder with a ``start`` script (``YUJING_ELASTICSEARCH``).

    python -m tests.incidents.archive.elastic_server COMMAND…    start one node, set ELASTICSEARCH_URL, run COMMAND, end the node
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

HEAP, PATIENCE_S = "384m", 240.0


def distribution() -> Path | None:
    """The folder that holds ``start``; None where no real server can be started."""
    said = os.environ.get("YUJING_ELASTICSEARCH", "")
    return Path(said).resolve() if said and (Path(said) / "start").is_file() else None


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, nor on the ones 100 above (transport)."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(20_000, 30_000)
        if not any(abs(port - one) in (0, 100) for one in found) and _free(port) and _free(port + 100):
            found.append(port)
    return found


def _free(port: int) -> bool:
    with socket.socket() as door:
        return door.connect_ex(("127.0.0.1", port)) != 0


@dataclass(kw_only=True)
class Node:
    """One server process. ``options`` are the ``start`` script's own."""

    folder: Path
    port: int
    options: Sequence[str] = ()
    scheme: str = "http"
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        source = distribution()
        assert source is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "console.log").open("ab") as log:
            self.process = subprocess.Popen([str(source / "start"), str(self.folder), "--port", str(self.port), "--heap", HEAP, *self.options],
                                            stdout=log, stderr=log, start_new_session=True)

    def wait(self, login: tuple[str, str] | None = None, **wanted: str | int) -> None:
        """Until ``_cluster/health`` answers as it is asked to (``wait_for_status`` and the like).

        Raises:
            AssertionError: it ended, or did not answer in time; with the end of its console.
        """
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and self.process is not None and self.process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                answer = httpx.get(f"{self.scheme}://127.0.0.1:{self.port}/_cluster/health", params={**wanted, "timeout": "5s"}, timeout=10, verify=False, auth=login)
                if answer.status_code == 200:
                    return
            time.sleep(0.5)
        raise AssertionError(f"Elasticsearch on port {self.port} is not ready:\n{(self.folder / 'console.log').read_text(errors='replace')[-3000:]}")

    def kill(self) -> None:
        """SIGKILL to the launcher and the server."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # a server that outlived its launcher
        self.process = None


@contextlib.contextmanager
def nodes(count: int, *options: str, scheme: str = "http") -> Iterator[list[Node]]:
    """``count`` nodes of one cluster (``options`` for each), not started; ended and removed after."""
    folder = Path(tempfile.mkdtemp(prefix="yujing-elastic-"))
    folder.chmod(0o755)  # as root, the server steps down to another user
    ports = free_ports(count)
    found = [Node(folder=folder / f"n{n}", port=port, scheme=scheme, options=(*options, *(_discovery(n, ports) if count > 1 else ()))) for n, port in enumerate(ports)]
    try:
        yield found
    finally:
        for one in found:
            one.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _discovery(number: int, ports: Sequence[int]) -> list[str]:
    seeds = ",".join(f"127.0.0.1:{port + 100}" for port in ports)
    names = ",".join(f"n{one}" for one in range(len(ports)))
    return ["-E", f"node.name=n{number}", "-E", "discovery.type=multi-node", "-E", f"discovery.seed_hosts={seeds}", "-E", f"cluster.initial_master_nodes={names}"]


def main(command: Sequence[str]) -> int:
    if distribution() is None:
        sys.stderr.write("No Elasticsearch to start: YUJING_ELASTICSEARCH must name the folder with its start script.\n")
        return 1
    with nodes(1) as (node,):
        node.start()
        node.wait(wait_for_status="yellow")
        return subprocess.run(command, env={**os.environ, "ELASTICSEARCH_URL": f"http://127.0.0.1:{node.port}"}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A drill's own folder: settings with free ports and today's origin, and a secret for the robot's signature."""

from __future__ import annotations

import os
import re
import secrets
import socket
from datetime import datetime, time
from pathlib import Path

from incidents import now as clock
from incidents.errors import SettingsError

TEMPLATE = Path(__file__).with_name("settings.toml")
BEGINS = time(9, 30)  # Asia/Shanghai
ORIGIN = re.compile(r"^origin = \S+", re.MULTILINE)
PORT = re.compile(r"127\.0\.0\.1:(\d+)")
TRIES = 400


def prepare(folder: Path, now: datetime, port_base: int = 8501) -> Path:
    """Write ``settings.toml`` and ``secrets.toml`` (mode 600) into ``folder`` unless they are there; returns the settings' path.

    The origin of the world clock is 09:30 Asia/Shanghai on the day of ``now``. Each port of the template
    becomes the next free one from ``port_base`` on.

    Raises:
        SettingsError: no ports are free, or the folder cannot be written.
    """
    path, secret = folder / "settings.toml", folder / "secrets.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not secret.exists():
            _write_private(secret, f'ding = "SEC{secrets.token_hex(32)}"\n')
        if not path.exists():
            _write_whole(path, _settings_text(now, port_base))
    except OSError as error:
        raise SettingsError(f"The drill's folder {folder} cannot be written: {error.strerror}. Choose another with --data.") from error
    return path


def _settings_text(now: datetime, port_base: int) -> str:
    text = TEMPLATE.read_text(encoding="utf-8")
    wanted = sorted({int(port) for port in PORT.findall(text)})
    ports = dict(zip(wanted, _free_ports(port_base, len(wanted)), strict=True))
    origin = datetime.combine(clock.shanghai(now).date(), BEGINS, tzinfo=clock.SHANGHAI)
    text = PORT.sub(lambda found: f"127.0.0.1:{ports[int(found[1])]}", text)
    return ORIGIN.sub(f"origin = {origin.isoformat()}", text, count=1)


def _free_ports(first: int, many: int) -> list[int]:
    free: list[int] = []
    for port in range(first, min(first + TRIES, 65_536)):
        if _is_free(port):
            free.append(port)
        if len(free) == many:
            return free
    raise SettingsError(f"There are not {many} free ports from {first} on: stop what uses them.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _write_private(path: Path, text: str) -> None:
    """Readable by its owner only from its first byte on."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w", encoding="utf-8") as out:
        out.write(text)


def _write_whole(path: Path, text: str) -> None:
    """All of it or nothing, whatever stops us."""
    half = path.with_suffix(".half")
    half.write_text(text, encoding="utf-8")
    half.replace(path)

"""``yujing drill``: the product itself on the drill's sites, settings and clock, and nothing else of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

from incidents import i18n, now
from incidents.i18n import words
from incidents.settings import Settings, load
from incidents.store.ledger import open_ledger
from monitor.drill.prepare import prepare
from monitor.processes import on_signals
from monitor.supervisor import Supervisor


def run_drill(folder: Path) -> int:
    """Begin the drill in ``folder``, or go on where it stood; returns when it is told to stop.

    Raises:
        YujingError: the folder cannot be used, or a drill runs in it already.
    """
    begun = (folder / "settings.toml").exists()
    path = prepare(folder, now.machine()).resolve()
    settings = load(path)
    i18n.settle(settings.language)
    supervisor = Supervisor(settings=settings, settings_path=path, extra={
        "sites": (sys.executable, "-m", "monitor.drill.sites", "--settings", str(path)),
    })
    for line in greeting(settings, folder, begun=begun):
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
    supervisor.run(on_signals())
    return 0


def greeting(settings: Settings, folder: Path, *, begun: bool) -> list[str]:
    """What a newcomer needs to know, with a log-in link for the first person that works once."""
    person = settings.people[0]
    channel = next(channel for channel in settings.channels if channel.preview)
    return [
        words("drill.goes_on" if begun else "drill.begins", folder=folder),
        words("drill.link", name=person.name, url=_log_in_link(settings, person.login)),
        words("drill.phone", url=_root(channel.url or "")),
        words("drill.sites", urls=" ".join(dict.fromkeys(_root(source.url) for source in settings.sources))),
        words("drill.stop"),
    ]


def _log_in_link(settings: Settings, login: str) -> str:
    ledger = open_ledger(settings)
    ledger.people.sync(settings.people)
    secret = ledger.people.make_link(login, now.machine())
    ledger.close()
    return f"{settings.public_url}/login/link?token={secret}"


def _root(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"

"""``python -m dashboard.serve``: the dashboard's process. SIGTERM ends it within five seconds."""

from __future__ import annotations

import ipaddress
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from dashboard import desk, reads
from dashboard.desk import Desk
from incidents import i18n
from incidents.errors import Refused, YujingError
from incidents.settings import Settings, load
from incidents.store.ledger import open_ledger

log = logging.getLogger(__name__)

GRACE_S = 2  # an open page keeps its socket; after this it is cut, and the browser comes back by itself


def main() -> int:
    """Serve until told to stop. Returns 2, with a sentence on stderr, when it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # one line for each look at the phone, with its address
    try:
        settings = load()
        i18n.settle(settings.language)
        place = Desk(settings=settings, ledger=open_ledger(settings))
        desk.sit(place)
        place.ledger.people.sync(settings.people)
        check_address(settings)
    except YujingError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    serve(place)
    return 0


def check_address(settings: Settings) -> None:
    """Raises Refused when others could reach the dashboard and nobody has a password."""
    host, _, _ = settings.listen.rpartition(":")
    if not is_loopback(host) and not reads.anybody_has_a_password():
        raise Refused(f"`listen = {settings.listen!r}` lets other machines in, and nobody has a password yet: "
                      "set one with `yujing people password LOGIN`, or listen on 127.0.0.1.")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def serve(place: Desk) -> None:
    from dashboard.app import build  # streamlit: two seconds, paid after the settings were found good

    host, _, port = place.settings.listen.rpartition(":")
    # No access log: one-time links would stand in it. Proxy headers only from this machine.
    options = uvicorn.Config(build(place), host=host, port=int(port), access_log=False, log_level="warning", timeout_graceful_shutdown=GRACE_S,
                             server_header=False, forwarded_allow_ips="127.0.0.1", ws_max_size=1_000_000)
    log.info("dashboard on http://%s (%s)", place.settings.listen, place.settings.public_url)
    try:
        _Server(options).run()
    finally:
        place.close()


class _Server(uvicorn.Server):
    """Uvicorn, but a signal ends it in order: its own server raises the signal anew and nothing after it is closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())

"""``python -m monitor.drill.sites --settings PATH``: the drill's sites and its phone, each on its own loopback port.

The ports are those of the settings' sources and of the channel with a ``preview``; the world time is the
ledger's, so that the sites stand still with a stopped drill and go on with it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import uvicorn
from starlette.applications import Starlette

from incidents import now
from incidents.errors import SettingsError, YujingError
from incidents.settings import ChannelSettings, Settings, load
from incidents.store.ledger import open_ledger
from monitor.drill import plot
from monitor.drill.feed import feed_app
from monitor.drill.forum import forum_app
from monitor.drill.news import news_app
from monitor.drill.phone import phone_app
from monitor.drill.world import World

log = logging.getLogger(__name__)

APPS: Mapping[str, Callable[[World], Starlette]] = {"weibo": feed_app, "discuz": forum_app, "news": news_app}
FOLLOW_EVERY = 1.0  # machine seconds between two looks at the ledger's clock
PHONE_LOG = "phone.jsonl"


class Server(uvicorn.Server):
    """A server among several in one process: the signals are caught once, for all of them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def apps(settings: Settings, script: plot.Script) -> dict[int, Starlette]:
    """Port → what answers there.

    Raises:
        SettingsError: no origin, or two kinds of site on one port.
    """
    if settings.clock.origin is None:
        raise SettingsError("A drill's settings need [clock] origin: the moment at which its script begins.")
    world = World(script, settings.clock.origin)
    kinds: dict[int, str] = {}
    for source in settings.sources:
        port = _port(source.url)
        if source.kind not in APPS:
            raise SettingsError(f"The drill has no site of the kind {source.kind!r} (source {source.id!r}); it has {', '.join(APPS)}.")
        if kinds.setdefault(port, source.kind) != source.kind:
            raise SettingsError(f"Two kinds of site want port {port}: {kinds[port]} and {source.kind}.")
    found = {port: APPS[kind](world) for port, kind in kinds.items()}
    return found | {_port(channel.url or ""): _phone(settings, channel) for channel in settings.channels if channel.preview}


def _phone(settings: Settings, channel: ChannelSettings) -> Starlette:
    token = parse_qs(urlsplit(channel.url or "").query).get("access_token", [None])[0]
    return phone_app(settings.data / PHONE_LOG, token, settings.secret(channel.secret))


def _port(url: str) -> int:
    parts = urlsplit(url)
    if parts.hostname != "127.0.0.1" or parts.port is None:
        raise SettingsError(f"The drill serves 127.0.0.1 with a port only, not {url!r}.")
    return parts.port


def follow_clock(settings: Settings) -> Callable[[], None]:
    """What to call to set this process's world clock by the ledger's. Before the ledger's begins, the world stands at the origin."""
    ledger = open_ledger(settings)

    def follow() -> None:
        ledger.clock.follow()
        if settings.clock.origin is not None and now.speed() == 1.0 != settings.clock.speed:
            now.start(now.Anchor(world=settings.clock.origin, machine=now.machine(), speed=1e-9))

    follow()
    return follow


async def serve(listening: Mapping[int, Starlette], follow: Callable[[], None]) -> None:
    """Answer on all ports until SIGTERM or SIGINT."""
    servers = [Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off",
                                     access_log=False, timeout_graceful_shutdown=1)) for port, app in listening.items()]

    def end() -> None:
        for server in servers:
            server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    following = asyncio.create_task(_keep_following(follow))
    await asyncio.gather(*(server.serve() for server in servers))
    following.cancel()


async def _keep_following(follow: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(FOLLOW_EVERY)
        try:
            await asyncio.to_thread(follow)
        except YujingError as error:
            log.warning("The ledger's clock cannot be read (%s); the world goes on as it did.", error)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", type=Path, required=True)
    settings = load(parser.parse_args().settings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(serve(apps(settings, plot.load()), follow_clock(settings)))


if __name__ == "__main__":
    main()

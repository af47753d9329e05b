"""The guard of the crawl process: every name that Twisted resolves is checked before anything connects to it.

It sits in the reactor's resolver, below redirects, robots.txt and connection pools, and hands on only the addresses
that may be used, so a name that changes its address between check and connection gains nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import urlsplit

from scrapy import signals
from scrapy.crawler import Crawler
from twisted.internet.interfaces import IAddress, IHostnameResolver, IResolutionReceiver
from zope.interface import implementer  # type: ignore[import-untyped]  # publishes no types

from crawlers.parse.tree import DEFAULT_PORTS
from incidents.addresses import check_address
from incidents.errors import AddressRefused


@implementer(IHostnameResolver)
class GuardedResolver:
    """Passes resolution on and drops the addresses that are refused. ``refused`` says why, by host and port."""

    def __init__(self, inner: Any, allow_hosts: Collection[str] = ()) -> None:
        self.inner = inner
        self.allow_hosts = frozenset(allow_hosts)
        self.refused: dict[tuple[str, int], str] = {}

    def resolveHostName(
        self, resolutionReceiver: Any, hostName: str, portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None, transportSemantics: str = "TCP",
    ) -> Any:
        self.refused.pop((hostName, portNumber), None)
        checking = _Checking(self, resolutionReceiver, hostName, portNumber)
        return self.inner.resolveHostName(checking, hostName, portNumber, addressTypes, transportSemantics)


@implementer(IResolutionReceiver)
class _Checking:
    def __init__(self, guard: GuardedResolver, receiver: Any, host: str, port: int) -> None:
        self._guard, self._receiver, self._host, self._port = guard, receiver, host, port

    def resolutionBegan(self, resolutionInProgress: Any) -> None:
        self._receiver.resolutionBegan(resolutionInProgress)

    def addressResolved(self, address: Any) -> None:
        try:
            check_address(self._host, self._port, address.host, self._guard.allow_hosts)
        except AddressRefused as error:
            self._guard.refused[(self._host, self._port)] = str(error)
        else:
            self._receiver.addressResolved(address)

    def resolutionComplete(self) -> None:
        self._receiver.resolutionComplete()


def install(allow_hosts: Collection[str]) -> GuardedResolver:
    """Put the guard into this process's reactor, or change what the one that is there allows."""
    from twisted.internet import reactor

    there: Any = reactor
    if not isinstance(there.nameResolver, GuardedResolver):
        there.installNameResolver(GuardedResolver(there.nameResolver))
    guard: GuardedResolver = there.nameResolver
    guard.allow_hosts = frozenset(allow_hosts)
    return guard


def refusal(url: str) -> str | None:
    """Why the last connection to the host of ``url`` was refused by the guard, or None."""
    from twisted.internet import reactor

    guard = getattr(reactor, "nameResolver", None)
    parts = urlsplit(url)
    port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    return guard.refused.get((parts.hostname or "", port)) if isinstance(guard, GuardedResolver) else None


class GuardExtension:
    """Guards ``scrapy crawl`` too. The host that a person typed (``-a url=``) is allowed; where it leads to is not."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> GuardExtension:
        extension = cls()
        crawler.signals.connect(extension.opened, signal=signals.spider_opened)
        return extension

    def opened(self, spider: Any) -> None:
        allowed = getattr(spider, "allow_hosts", None)
        if allowed is not None:  # a spider of ours; scrapy shell's own is the person at the prompt
            install(allowed)

"""One POST to an address that somebody wrote into the settings: checked, bounded, without redirects.

The name is resolved here and the connection goes to the very address that was checked, so that a name that
answers differently the second time (DNS rebinding) gains nothing. Proxies of the environment are not used.
"""

from __future__ import annotations

import json
import logging
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

import httpx

from alerts.channels import Outcome
from incidents import now
from incidents.addresses import check_address
from incidents.errors import AddressRefused, DeliveryError, DeliveryRefused

MAX_BYTES = 64 * 1024
LONGEST_WAIT = timedelta(hours=1)  # a Retry-After beyond it is cut: a provider must not silence us for a day
SECRET = re.compile(r"((?:access_token|token|key|sign|secret|signature)[\"']?\s*[=:]\s*[\"']?)[^&\s\"',}]+", re.IGNORECASE)

# Both log whole addresses (a robot's token sits in its URL).
for chatty in ("httpx", "httpcore"):
    logging.getLogger(chatty).setLevel(logging.WARNING)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back: at most 64 KiB of it."""

    status: int
    text: str
    retry_after: timedelta | None = None

    @property
    def unread(self) -> Outcome:
        """What the status alone says: may the same request succeed another time?"""
        if self.status == 429:
            return Outcome.BANNED if self.retry_after else Outcome.LATER
        return Outcome.LATER if self.status in (200, 408, 425) or self.status >= 500 else Outcome.REFUSED

    def json(self) -> Mapping[str, Any]:
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def masked(text: str) -> str:
    """The text without tokens, keys and signatures."""
    return SECRET.sub(r"\1***", text)


def post(url: str, body: bytes, *, headers: Mapping[str, str], timeout: timedelta, allow_hosts: tuple[str, ...]) -> Reply:
    """POST JSON and read the answer.

    Raises:
        DeliveryRefused: the address is private or no web address.
        DeliveryError: no answer (name, connection, time-out); whether it arrived is not known.
    """
    address = httpx.URL(url)
    if address.scheme not in ("http", "https") or not address.host:
        raise DeliveryRefused("The channel's url is not a web address: it must begin with http:// or https://.")
    ip = _checked(address, allow_hosts)
    sent = {**headers, "Host": address.netloc.decode(), "Content-Type": "application/json; charset=utf-8", "User-Agent": "yujing"}
    limits = httpx.Timeout(timeout.total_seconds(), connect=timeout.total_seconds() / 2)
    try:
        with httpx.Client(verify=_trusted(), trust_env=False, follow_redirects=False, timeout=limits) as client:
            request = client.build_request("POST", address.copy_with(host=ip), content=body, headers=sent, extensions={"sni_hostname": address.host})
            return _read(client, request, timeout)
    except httpx.HTTPError as error:
        raise DeliveryError(f"No answer from {address.host}: {type(error).__name__}.") from error


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """The trusted authorities; reading them costs more than a send, so they are read once."""
    return httpx.create_ssl_context(trust_env=False)


def _checked(address: httpx.URL, allow_hosts: tuple[str, ...]) -> str:
    """The first resolved address that may be connected to."""
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(address.host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise DeliveryError(f"The name {address.host} cannot be resolved.") from error
    refused: AddressRefused | None = None
    for ip in dict.fromkeys(str(row[4][0]) for row in found):
        try:
            check_address(address.host, port, ip, allow_hosts)
        except AddressRefused as error:
            refused = error
        else:
            return ip
    raise DeliveryRefused(f"{refused or address.host + ' has no address'}") from refused


def _read(client: httpx.Client, request: httpx.Request, timeout: timedelta) -> Reply:
    """Read until the end, 64 KiB or the time-out: a server that drips must not hold the lane."""
    until = now.monotonic() + timeout.total_seconds()
    response = client.send(request, stream=True)
    try:
        read = bytearray()
        for piece in response.iter_bytes():
            read += piece
            if len(read) >= MAX_BYTES:
                break
            if now.monotonic() > until:
                raise httpx.ReadTimeout("the answer did not end in time", request=request)
    finally:
        response.close()
    return Reply(status=response.status_code, text=read[:MAX_BYTES].decode("utf-8", "replace"), retry_after=_seconds(response.headers.get("Retry-After")))


def _seconds(header: str | None) -> timedelta | None:
    """``Retry-After`` in seconds (RFC 9110); a date in it is not worth a clock comparison and is left out."""
    if header is None or not re.fullmatch(r"\d{1,9}", header.strip()):
        return None
    return min(timedelta(seconds=int(header)), LONGEST_WAIT)

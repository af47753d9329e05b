"""Channels: one file each, found by its name (the ``kind`` of the settings).

A channel module has ``connect(own, settings) -> Channel``. To add one, write ``alerts/channels/<kind>.py``
(at most 60 lines) and a contract test against a local fake of the provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol, cast

from incidents.errors import SettingsError
from incidents.settings import ChannelSettings, Settings


class Outcome(StrEnum):
    """What the provider's own answer means."""

    ACCEPTED = "accepted"
    UNCONFIRMED = "unconfirmed"  # taken, but this provider never says whether it arrived
    LATER = "later"  # try again; also when nobody knows whether it arrived
    BANNED = "banned"  # too many: leave the robot alone for ``wait``
    CONTENT = "content"  # these words are refused; others may pass
    REFUSED = "refused"  # the same will be refused again


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The provider's word. ``said`` holds no secrets; ``wait`` is machine time."""

    outcome: Outcome
    said: str
    wait: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class Message:
    """One alert in words. ``title`` fits a lock screen (≤ 30 characters), ``short`` an SMS (≤ 70).

    ``mention`` is the mobile number to ring (橙 and 红); ``values`` is the JSON of the webhook.
    """

    key: str
    title: str
    markdown: str
    plain: str
    short: str
    link: str | None
    button: str
    mention: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


class Channel(Protocol):
    """One configured channel. ``limited`` says whether its provider punishes too many messages a minute."""

    limited: bool

    def send(self, message: Message) -> Answer:
        """Deliver, and say what the provider said.

        Raises:
            DeliveryRefused: its address may not be connected to.
            DeliveryError: no answer came; whether it arrived is not known.
        """


def kinds() -> tuple[str, ...]:
    """The kinds of channel that are there: the names of the files in this folder."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def connect(own: ChannelSettings, settings: Settings) -> Channel:
    """The channel that a [[channels]] table names.

    Raises:
        SettingsError: there is no such kind, or its url or secret cannot be used.
    """
    name = f"{__name__}.{own.kind}"
    if own.kind not in kinds():
        raise SettingsError(f"Channel {own.id!r}: there is no kind {own.kind!r}; known: {', '.join(kinds())}.")
    return cast(Channel, import_module(name).connect(own, settings))


def needed(value: str | None, own: ChannelSettings, settings: Settings) -> str:
    """A url or secret that this kind cannot do without."""
    found = settings.secret(value)
    if not found:
        raise SettingsError(f"Channel {own.id!r}: a channel of kind {own.kind} needs its url.")
    return found

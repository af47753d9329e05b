"""Two times, one place.

``world()`` dates what people read and what rules reckon with: real time, or a drill's faster time.
``machine()`` serves leases, time-outs, sessions, signatures, rate limits and politeness.
Nobody else asks the machine for the time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """World time ``world`` was the machine's time ``machine``; since then it runs ``speed`` times as fast."""

    world: datetime
    machine: datetime
    speed: float = 1.0

    def at(self, machine_now: datetime) -> datetime:
        return self.world + (machine_now - self.machine) * self.speed


_anchor: Anchor | None = None
_frozen_world: datetime | None = None


def machine() -> datetime:
    """The machine's clock, aware UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that never goes back; only differences mean anything."""
    return time.monotonic()


def cpu_seconds() -> float:
    """Processor time that this process has used, for measuring; only differences mean anything."""
    return time.process_time()


def world() -> datetime:
    """What time it is in the world that is watched, aware UTC."""
    if _frozen_world is not None:
        return _frozen_world
    if _anchor is None:
        return machine()
    return _anchor.at(machine())


def speed() -> float:
    """World seconds in one machine second (1.0 on real sources)."""
    return 1.0 if _anchor is None else _anchor.speed


def start(anchor: Anchor | None) -> None:
    """Set this process's world clock; None means real time."""
    global _anchor
    _anchor = anchor


def to_machine(span: timedelta) -> timedelta:
    """How long the machine takes for ``span`` of world time."""
    return span / speed()


def to_world(span: timedelta) -> timedelta:
    """How much world time passes while the machine takes ``span``."""
    return span * speed()


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """For tests: ``world()`` stands at ``at`` inside the block."""
    global _frozen_world
    before, _frozen_world = _frozen_world, at
    try:
        yield
    finally:
        _frozen_world = before


def shanghai(at: datetime) -> datetime:
    """The same moment on the wall clocks of our readers."""
    return at.astimezone(SHANGHAI)

"""What a source can be seen to do, from what its visits saw. Pure: the state, with a reason code.

The codes have their words in the locale file under ``source.reason.CODE``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.model import Health

SAMPLE = 4  # entries below which a share says nothing
COVERED = 0.5  # a field that more than half of the entries lack has changed its place
FIELD_CODES = ("time_unread", "counts_unread", "row_unread", "post_unread", "no_body", "link_unread")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One visit: how it ended and what its pages held.

    ``status`` is the HTTP status of the page that decided it, None when there was no answer. ``fault`` names what
    failed below HTTP (dns, refused, timeout, tls, too_large, robots, robots_unread, address) or in the page.
    """

    kind: str
    status: int | None = 200
    fault: str | None = None
    health: Health | None = None
    pages: int = 1
    entries: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Range:
    """What is healthy for a source: mentions a day, longest silence. World time."""

    min_a_day: int = 0
    longest_silence: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class History:
    """What the ledger knows of the source. ``new_in_a_day`` is None before it has been watched for a day."""

    newest_at: datetime | None = None
    since: datetime | None = None  # first visit
    new_in_a_day: int | None = None


@dataclass(frozen=True, kw_only=True)
class State:
    """A health state and why."""

    health: Health
    reason: str

    @property
    def broken(self) -> bool:
        """The source itself cannot be read: its other pages are not asked for now."""
        return self.health in (Health.UNREACHABLE, Health.BLOCKED, Health.AUTH_REQUIRED)


FINE = State(health=Health.FINE, reason="fine")


def of_answer(status: int | None, fault: str | None) -> State | None:
    """What the answer alone says, before its page is read; None when it is worth reading."""
    if fault in ("robots", "address"):
        return State(health=Health.BLOCKED, reason=fault)
    if fault is not None:
        return State(health=Health.UNREACHABLE, reason=fault)
    if status is None or status >= 500 or status in (408, 425):
        return State(health=Health.UNREACHABLE, reason="server_error" if status else "no_answer")
    if status == 401:
        return State(health=Health.AUTH_REQUIRED, reason="http_401")
    if status in (403, 418, 429, 432, 451):
        return State(health=Health.BLOCKED, reason=f"http_{status}")
    return None


def of_visit(seen: Seen) -> State:
    """What one visit says of its source."""
    if (state := of_answer(seen.status, seen.fault)) is not None:
        return state
    if seen.health is not None:
        codes = Counter(seen.warnings)
        named = next((code for code in ("login_page", "block_page", "not_json", "structure") if codes[code]), None)
        return State(health=seen.health, reason=named or seen.health.value)
    if seen.status in (404, 410) and seen.kind == "list":
        return State(health=Health.CHANGED, reason="list_missing")
    return _coverage(seen) or FINE


def _coverage(seen: Seen) -> State | None:
    """CHANGED when more than half of what a page lists lacks a field that it should have."""
    if seen.entries < SAMPLE:
        return None
    for code, times in Counter(seen.warnings).most_common():
        if code in FIELD_CODES and times > COVERED * seen.entries:
            return State(health=Health.CHANGED, reason=code)
    return None


def judge(visits: Sequence[Seen], healthy: Range, history: History, at: datetime) -> State:
    """The state of a source after these visits. The list speaks for the source, single pages only together.

    A list that answers well but brings nothing is fine or silent: the source's healthy range decides.
    """
    states = [(seen, of_visit(seen)) for seen in visits]
    lists = [state for seen, state in states if seen.kind == "list"]
    decided = next((state for state in lists if state.health.blind), None) or _majority([state for _, state in states])
    if decided is not None and decided.health.blind:
        return decided
    empty = any(seen.kind == "list" and seen.entries == 0 and seen.status != 304 for seen in visits)
    return _silence(empty, healthy, history, at) or FINE


def _majority(states: Sequence[State]) -> State | None:
    blind = [state for state in states if state.health.blind]
    broken = next((state for state in blind if state.broken), None)
    return (broken or blind[0]) if blind and len(blind) * 2 > len(states) else None


def _silence(empty: bool, healthy: Range, history: History, at: datetime) -> State | None:
    if empty and (healthy.min_a_day > 0 or history.newest_at is not None):
        return State(health=Health.SILENT, reason="empty_list")
    heard = history.newest_at or history.since
    if healthy.longest_silence is not None and heard is not None and at - heard > healthy.longest_silence:
        return State(health=Health.SILENT, reason="too_long_silent")
    if history.new_in_a_day is not None and history.new_in_a_day < healthy.min_a_day:
        return State(health=Health.SILENT, reason="below_range")
    return None

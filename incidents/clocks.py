"""The promises of an incident (S0-40, S0-43, S3-09): when each begins and when it is due. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.settings import GradeSettings

FACTS_WITHIN = timedelta(minutes=30)  # S3-09
BRIEF_WITHIN = timedelta(hours=1)
WINDOWS = (timedelta(hours=12), timedelta(hours=24))  # S0-40

@dataclass(frozen=True, kw_only=True)
class NewClock:
    kind: str
    starts_at: datetime
    due_at: datetime
    role: str


KINDS = ("facts", "brief", "first_statement", "window_12h", "window_24h")


def start(*, appeared: datetime, known: datetime, times: GradeSettings) -> tuple[NewClock, ...]:
    """Facts and brief count from detection; the first statement and the spread windows from first appearance."""
    rows = (
        ("facts", known, known + FACTS_WITHIN, "facts_owner"),
        ("brief", known, known + BRIEF_WITHIN, "coordinator"),
        ("first_statement", appeared, appeared + times.first_response, "spokesperson"),
        ("window_12h", appeared, appeared + WINDOWS[0], "crisis_manager"),
        ("window_24h", appeared, appeared + WINDOWS[1], "crisis_manager"),
    )
    return tuple(NewClock(kind=kind, starts_at=starts, due_at=due, role=role) for kind, starts, due, role in rows)

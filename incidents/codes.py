"""The enumerations: every code that is stored or told. Words for them are in the locale files."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Precision(StrEnum):
    """How exactly a publication time is known."""

    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"
    UNKNOWN = "unknown"


class Grade(IntEnum):
    """蓝黄橙红, in rising order. 0 is no incident."""

    NONE = 0
    BLUE = 1
    YELLOW = 2
    ORANGE = 3
    RED = 4

    @property
    def code(self) -> str:
        return self.name.lower()


class Stage(StrEnum):
    """预 prevent, 疏 channel, 堵 contain (S0-18)."""

    PREVENT = "prevent"
    CHANNEL = "channel"
    CONTAIN = "contain"


class Health(StrEnum):
    """What a source can be seen to do."""

    NEW = "new"
    FINE = "fine"
    SILENT = "silent"
    CHANGED = "changed"
    BLOCKED = "blocked"
    AUTH_REQUIRED = "auth_required"
    UNREACHABLE = "unreachable"

    @property
    def blind(self) -> bool:
        return self not in (Health.NEW, Health.FINE)


class Sentiment(StrEnum):
    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class Reason(StrEnum):
    """Why an alert speaks now."""

    FIRST = "first"
    EVIDENCE = "new_evidence"
    RAISED = "raised"
    LOWERED = "lowered"
    FORECAST = "forecast_crossed"
    REPEAT = "repeat"
    STEP = "escalation_step"
    ACK_EXPIRED = "acknowledgement_expired"
    CLOCK = "clock_breached"
    BLIND = "source_blind"
    RESOLVED = "resolved"
    DEAD_LETTER = "dead_letter"
    DRIFT = "forecast_drift"
    STANDSTILL = "standstill"


class OutboxState(StrEnum):
    PENDING = "pending"
    LEASED = "leased"
    SENT = "sent"
    UNCONFIRMED = "unconfirmed"
    DEAD = "dead"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

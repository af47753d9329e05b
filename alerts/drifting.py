"""The forecast's intervals no longer hold: told once, as 蓝, to those who keep the monitor. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from incidents.lifecycle import Telling
from incidents.model import Grade, Reason

GRADE = Grade.BLUE  # nobody is woken: the forecasts are corrected daily, and the grades do not rest on them alone


def told_of(drift: Sequence[Mapping[str, Any]], since: datetime, telling: Telling, now: datetime) -> Iterator[dict[str, Any]]:
    """Alerts to add to the outbox (arguments of ``OutboxStore.add`` but for ``world``). ``drift`` holds interval,
    nominal, covered and count; the key is since × receiver: one drift is told once, however often it is looked at."""
    body = {"at": now.isoformat(), "since": since.isoformat(), "drift": [dict(one) for one in drift]}
    for receiver in telling.to(telling.keepers, GRADE):
        key = hashlib.sha256(f"drift|{since.isoformat()}|{receiver.person}|{receiver.channel}".encode()).hexdigest()[:40]
        yield dict(incident_id=None, grade=GRADE, reason=Reason.DRIFT, receiver=receiver, body=body, due_at=now, key=key)

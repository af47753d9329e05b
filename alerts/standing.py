"""The monitor itself stands still: told by those of its processes that still run. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from incidents import now as clock
from incidents.lifecycle import Telling
from incidents.model import Grade, Reason
from incidents.store.standing import Standstill

GRADE = Grade.ORANGE  # rings at night: whatever happens now, nobody is told of it


def told_of(found: Sequence[Standstill], telling: Telling, now: datetime) -> Iterator[dict[str, Any]]:
    """Alerts to add to the outbox (arguments of ``OutboxStore.add`` but for ``world``); none for a role that stands still
    because nobody sends. The key is role × what waits longest × receiver: one standstill is told once."""
    for one in found:
        if one.role == "tell":
            continue
        since = now - clock.to_world(one.age)
        body = {"at": now.isoformat(), "since": since.isoformat(), "role": one.role, "waiting": one.waiting}
        for receiver in telling.to(telling.keepers, GRADE):
            key = f"standstill|{one.role}|{one.mark}|{receiver.person}|{receiver.channel}"
            yield dict(incident_id=None, grade=GRADE, reason=Reason.STANDSTILL, receiver=receiver, body=body, due_at=now,
                       key=hashlib.sha256(key.encode()).hexdigest()[:40])

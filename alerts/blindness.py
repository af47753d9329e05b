"""A source that is blind is told to those who can mend it: what we do not see looks like calm. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from incidents.lifecycle import Telling
from incidents.model import Grade, Reason
from incidents.store.sources import SourceState

GRADE = Grade.YELLOW  # told at once by day, in the morning by night: no incident is known, but one could hide
PATIENCE = timedelta(minutes=5)  # world: a hiccup that heals by itself is nobody's task


def told_of(sources: Sequence[SourceState], telling: Telling, now: datetime) -> Iterator[dict[str, Any]]:
    """Alerts to add to the outbox (arguments of ``OutboxStore.add`` but for ``world``).

    The key is source × since × receiver: telling it at every look is telling it once.
    """
    for source in sources:
        since = source.health_since
        if not source.health.blind or since is None or now - since < PATIENCE:
            continue
        body = {"at": now.isoformat(), "source": source.name, "source_id": source.id, "health": source.health.value,
                "since": since.isoformat(), "detail": source.health_reason[:120]}
        for receiver in telling.to(telling.keepers, GRADE):
            key = f"blind|{source.id}|{since.isoformat()}|{receiver.person}|{receiver.channel}"
            yield dict(incident_id=None, grade=GRADE, reason=Reason.BLIND, receiver=receiver, body=body, due_at=now,
                       key=hashlib.sha256(key.encode()).hexdigest()[:40])

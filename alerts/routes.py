"""Where an alert goes when its way is blocked, and when it need not go at all. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from alerts.escalation import telling
from incidents.model import Incident, OutboxRow, Reason, Receiver
from incidents.settings import Settings
from incidents.store.outbox import Told

# Reasons that ask somebody to take an incident over: once somebody has, they have nothing to say.
RINGS = frozenset({Reason.FIRST, Reason.RAISED, Reason.FORECAST, Reason.STEP, Reason.ACK_EXPIRED})
ALWAYS = frozenset({Reason.RESOLVED, Reason.BLIND, Reason.DEAD_LETTER, Reason.DRIFT, Reason.STANDSTILL})


def stale(row: OutboxRow, incident: Incident | None, settings: Settings, now: datetime) -> str | None:
    """Why an alert has nothing to say any more, or None. What replaced it is in the outbox, or on its way there."""
    if incident is None or row.reason in ALWAYS:
        return None
    if not incident.is_open:
        return "the incident is closed"
    if row.grade != incident.grade and row.reason is not Reason.CLOCK:  # a promise stays broken at any grade
        return f"the grade is {incident.grade.code} now"
    if row.reason in RINGS and incident.acked_at is not None and incident.acked_at >= row.due_at:
        return f"{incident.acked_by} has taken it over"
    if row.reason is Reason.REPEAT and now - row.due_at >= settings.grades.of(row.grade.code).repeat:
        return "the next repeat is due: it says the same, newer"
    return None


def next_channel(row: OutboxRow, told: Sequence[Told], settings: Settings) -> Receiver | None:
    """The person's next channel on which this alert is not told already. Only forwards, so that the ladder ends."""
    person = next((one for one in settings.people if one.login == row.receiver.person), None)
    if person is None:
        return None
    known = list(dict.fromkeys(person.channels))
    at = known.index(row.receiver.channel) if row.receiver.channel in known else -1
    for channel in known[at + 1 :]:
        if not any(_sibling(one, row, channel) for one in told):
            return Receiver(person=person.login, channel=channel, mobile=person.mobile)
    return None


def _sibling(one: Told, row: OutboxRow, channel: str) -> bool:
    """The same alert to the same person on ``channel``, made by the same decision."""
    same = (one.person, one.channel, one.reason, one.grade, one.due_at)
    return same == (row.receiver.person, channel, row.reason, row.grade, row.due_at)


def dead_letter(row: OutboxRow, answer: str, handed_to: str | None, settings: Settings, now: datetime) -> Iterator[dict[str, Any]]:
    """An alert about an alert that will not arrive, to those who mend channels, on a channel that is not the dead one.

    Arguments of ``OutboxStore.add`` but for ``world``. A dead letter about a dead letter is not told again.
    """
    if row.reason is Reason.DEAD_LETTER:
        return
    who = telling(settings)
    body = {"at": now.isoformat(), "person": row.receiver.person, "channel": row.receiver.channel, "answer": answer[:200], "handed_to": handed_to,
            "brand": row.body.get("brand"), "title": row.body.get("title") or row.body.get("source")}
    for login in who.keepers:
        receiver = next((one for one in who.receivers[login] if one.channel != row.receiver.channel), None)
        if receiver is not None:
            key = hashlib.sha256(f"dead|{row.key}|{login}".encode()).hexdigest()[:40]
            yield dict(incident_id=None, grade=row.grade, reason=Reason.DEAD_LETTER, receiver=receiver, body=body, due_at=now, key=key)

"""The outbox: alerts that must be told, leased to a sender, ended by the provider's own answer.

pending → leased → sent | unconfirmed | dead | cancelled | expired. An expired lease may be taken over:
a duplicate at worst, never a loss. Token buckets (one for each robot) live here too, so that all senders share them.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Engine

from incidents import now as times
from incidents.errors import LeaseLost, LedgerBusy, LedgerFull
from incidents.model import Grade, OutboxRow, OutboxState, Reason, Receiver
from incidents.store import tables as t
from incidents.store.engine import reading, writing

REMINDERS = (Reason.REPEAT.value, Reason.CLOCK.value)  # of what somebody has been told before
RECORD_TRIES = 8  # each waits up to 15 s for the writer's place
RECORD_PAUSE = 0.5  # seconds


@dataclass(frozen=True, kw_only=True)
class Told:
    """One alert and what became of it, for pages and reports."""

    id: int
    incident_id: int | None
    grade: Grade
    reason: Reason
    person: str
    channel: str
    state: OutboxState
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    attempts: int
    answer: str | None
    sent_text: str | None
    rating: str | None


class OutboxStore:
    """Claim, settle, list."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, worker: str, *, world: datetime, machine: datetime, lasts: timedelta, limit: int = 20,
              not_channels: Sequence[str] = ()) -> list[OutboxRow]:
        """Lease what is due, 红 first, of a grade what is new before reminders; ``not_channels`` are banned or out of tokens just now."""
        o = t.outbox.c
        free = sa.and_(
            o.due_at <= world, sa.or_(o.not_before.is_(None), o.not_before <= machine), o.channel.not_in(not_channels),
            sa.or_(o.state == OutboxState.PENDING.value, sa.and_(o.state == OutboxState.LEASED.value, o.lease_until < machine)))
        with reading(self._engine) as c:
            if c.execute(sa.select(o.id).where(free).limit(1)).first() is None:
                return []
        with writing(self._engine, eager=True) as c:
            rows = c.execute(sa.select(t.outbox).where(free).order_by(o.grade.desc(), o.reason.in_(REMINDERS), o.due_at).limit(limit)).mappings().all()
            c.execute(sa.update(t.outbox).where(o.id.in_([r["id"] for r in rows]))
                      .values(state=OutboxState.LEASED.value, lease_by=worker, lease_until=machine + lasts, token=o.token + 1, attempts=o.attempts + 1))
        return [_row(r) for r in rows]

    def settle(self, row: OutboxRow, state: OutboxState, *, answer: str, text: str = "", world: datetime, machine: datetime) -> None:
        """Record the end of one alert.

        Raises:
            LeaseLost: another sender has taken the row over; what it records stands.
        """
        values: dict[str, Any] = dict(state=state.value, answer=answer[:1000], lease_by=None, lease_until=None)
        if state in (OutboxState.SENT, OutboxState.UNCONFIRMED):
            values |= dict(sent_at=world, sent_machine=machine, sent_text=text)
        self._end(row, values)

    def retry(self, row: OutboxRow, *, answer: str, not_before: datetime, counts: bool = True) -> None:
        """Put one alert back, not before a machine time. ``counts`` False gives the attempt back (no token, ban)."""
        attempts = t.outbox.c.attempts if counts else t.outbox.c.attempts - 1
        self._end(row, dict(state=OutboxState.PENDING.value, answer=answer[:1000], not_before=not_before, lease_by=None, lease_until=None, attempts=attempts))

    def give_back(self, rows: Sequence[OutboxRow]) -> None:
        """End the claim of alerts that were not begun. What another sender has taken over since is left to it."""
        if not rows:
            return
        o = t.outbox.c
        mine = sa.or_(*(sa.and_(o.id == row.id, o.token == row.token) for row in rows))
        with writing(self._engine, eager=True) as c:
            c.execute(sa.update(t.outbox).where(mine, o.state == OutboxState.LEASED.value)
                      .values(state=OutboxState.PENDING.value, lease_by=None, lease_until=None, attempts=o.attempts - 1))

    def _end(self, row: OutboxRow, values: Mapping[str, Any]) -> None:
        """What became of an alert is known to this process only: it is not given up because the ledger is busy or just full."""
        for left in reversed(range(RECORD_TRIES)):
            try:
                self._end_once(row, values)
            except (LedgerBusy, LedgerFull):
                if left == 0:
                    raise
                time.sleep(RECORD_PAUSE)
            else:
                return

    def _end_once(self, row: OutboxRow, values: Mapping[str, Any]) -> None:
        o = t.outbox.c
        with writing(self._engine, eager=True) as c:
            if c.execute(sa.update(t.outbox).where(o.id == row.id, o.token == row.token, o.state == OutboxState.LEASED.value).values(**values)).rowcount == 0:
                raise LeaseLost(f"Alert {row.id} was taken over or cancelled while it was being sent.")

    def hand_on(self, row: OutboxRow, receiver: Receiver, world: datetime) -> None:
        """The channel failed for good: the same alert to the same person on the next channel (once)."""
        self.add(incident_id=row.incident_id, grade=row.grade, reason=row.reason, receiver=receiver, body=row.body, due_at=world, world=world,
                 key=hashlib.sha256(f"{row.key}|{receiver.channel}".encode()).hexdigest()[:40])

    def add(self, *, incident_id: int | None, grade: Grade, reason: Reason, receiver: Receiver, body: Mapping[str, Any], due_at: datetime,
            world: datetime, key: str) -> None:
        """One alert outside an incident's change (source blind, dead letter). The same key twice is one alert."""
        with writing(self._engine) as c:
            c.execute(sqlite_insert(t.outbox).on_conflict_do_nothing(index_elements=["key"]).values(
                key=key, incident_id=incident_id, episode=0, grade=int(grade), reason=reason.value, step=0, ordinal=0, person=receiver.person,
                channel=receiver.channel, mobile=receiver.mobile, body=dict(body), created_at=world, due_at=due_at, saved_at=times.machine()))

    def take_token(self, channel: str, per_minute: int, machine: datetime) -> timedelta:
        """Take one token of the channel's bucket; returns zero, or how long to wait for the next.

        The bucket holds a quarter of ``per_minute`` and refills with the other three quarters: no window of
        one minute ever sees more than ``per_minute`` (providers count so, and ban).
        """
        holds, refill = max(1.0, per_minute / 4), max(1.0, per_minute * 3 / 4) / 60  # tokens; tokens a second
        b = t.buckets.c
        with writing(self._engine, eager=True) as c:
            row = c.execute(sa.select(t.buckets).where(b.channel == channel)).mappings().first()
            if row is None:
                c.execute(sa.insert(t.buckets).values(channel=channel, tokens=holds - 1.0, filled_at=machine))
                return timedelta(0)
            if row["banned_until"] is not None and row["banned_until"] > machine:
                return timedelta(seconds=(row["banned_until"] - machine).total_seconds())
            passed = max(0.0, (machine - row["filled_at"]).total_seconds())
            tokens = min(holds, row["tokens"] + passed * refill)
            if tokens < 1:
                return max(timedelta(milliseconds=1), timedelta(seconds=(1 - tokens) / refill))  # a wait rounded to zero would be a token for nothing
            c.execute(sa.update(t.buckets).where(b.channel == channel).values(tokens=tokens - 1, filled_at=machine))
        return timedelta(0)

    def ban(self, channel: str, until: datetime) -> None:
        """The provider banned the robot: nobody uses it before ``until`` (machine)."""
        b = t.buckets.c
        with writing(self._engine) as c:
            if c.execute(sa.update(t.buckets).where(b.channel == channel).values(banned_until=until)).rowcount == 0:
                c.execute(sa.insert(t.buckets).values(channel=channel, tokens=0.0, filled_at=times.machine(), banned_until=until))

    def of_incident(self, incident_id: int, limit: int = 200) -> list[Told]:
        return self._told(t.outbox.c.incident_id == incident_id, limit)

    def newest(self, limit: int = 100) -> list[Told]:
        return self._told(sa.true(), limit)

    def dead(self, limit: int = 100) -> list[Told]:
        return self._told(t.outbox.c.state == OutboxState.DEAD.value, limit)

    def _told(self, where: sa.ColumnElement[bool], limit: int) -> list[Told]:
        with reading(self._engine) as c:
            rows = c.execute(sa.select(t.outbox).where(where).order_by(t.outbox.c.id.desc()).limit(limit)).mappings().all()
        return [Told(id=r["id"], incident_id=r["incident_id"], grade=Grade(r["grade"]), reason=Reason(r["reason"]), person=r["person"], channel=r["channel"],
                     state=OutboxState(r["state"]), created_at=r["created_at"], due_at=r["due_at"], sent_at=r["sent_at"], attempts=r["attempts"],
                     answer=r["answer"], sent_text=r["sent_text"], rating=r["rating"]) for r in rows]

    def resend(self, outbox_id: int) -> None:
        """Give a dead letter another life."""
        o = t.outbox.c
        with writing(self._engine) as c:
            c.execute(sa.update(t.outbox).where(o.id == outbox_id, o.state == OutboxState.DEAD.value).values(state=OutboxState.PENDING.value, attempts=0, not_before=None))

    def rate(self, outbox_id: int, rating: str) -> None:
        """``right`` or ``wrong: reason``, a person's word on one alert."""
        with writing(self._engine) as c:
            c.execute(sa.update(t.outbox).where(t.outbox.c.id == outbox_id).values(rating=rating[:300]))


def _row(r: Mapping[Any, Any]) -> OutboxRow:
    return OutboxRow(id=r["id"], key=r["key"], incident_id=r["incident_id"], grade=Grade(r["grade"]), reason=Reason(r["reason"]),
                     receiver=Receiver(person=r["person"], channel=r["channel"], mobile=r["mobile"]), body=r["body"], due_at=r["due_at"],
                     saved_at=r["saved_at"], attempts=r["attempts"] + 1, token=r["token"] + 1, taken_over=r["state"] == OutboxState.LEASED.value)

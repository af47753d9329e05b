"""From the outbox to the providers: claim → still wanted? → quiet? → token → render → send → settle by the provider's answer.

Each channel is a lane with a thread of its own, so that a provider that hangs delays nobody else. A lane claims a
few alerts at a time and gives back what it could not begin within a second, so its lease (three times the channel's
time-out) always covers the send that is on its way; a lane that dies leaves a lease that runs out, and the alert is
told again: a duplicate at worst, never a loss.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta

from alerts import channels, routes
from alerts.channels import Answer, Channel, Outcome
from alerts.post import masked
from alerts.quiet import hush
from alerts.templates import render
from incidents import now
from incidents.errors import DeliveryError, DeliveryRefused, LeaseLost, SettingsError
from incidents.model import Grade, Incident, OutboxRow, OutboxState, Task
from incidents.settings import ChannelSettings, Settings
from incidents.store.ledger import Ledger

log = logging.getLogger(__name__)

PATIENCE = 0.2  # seconds a tick waits for its lanes: quick sends are counted at once, a hanging one holds nobody
TOGETHER = 4  # alerts of one claim: in a burst each claim waits for the writer's place, and a lane that claimed singly told five a second
IN_HAND = 1.0  # seconds after a claim in which the next send is begun; later 红 may have come, and the lease grows short
LANE_LIMIT = 50  # alerts in one run of a lane, so that a tick sees what moved
BASE = timedelta(seconds=1)
CAPS = {Grade.RED: timedelta(seconds=30), Grade.ORANGE: timedelta(minutes=2)}
CAP = timedelta(minutes=10)
NEXT_CHANNEL_AFTER = {Grade.RED: 3, Grade.ORANGE: 4}  # failed tries, then the person's next channel is tried as well
NEXT_CHANNEL = 6
GIVE_UP = timedelta(hours=24)  # machine: after it a provider that never answers is a dead letter
LONG = timedelta(seconds=60)  # a wait that a person at the other end would feel
MAY_BE = "it may have been told all the same: its sender went away with it in hand"
HOUR = timedelta(hours=1)  # a held alert is looked at again at least this often


@dataclass
class Lane:
    """One channel's queue and thread. ``own`` None is the lane of channels that left the settings."""

    name: str
    own: ChannelSettings | None
    running: Future[int] | None = None
    rests_until: float = 0.0  # monotonic; only spares the ledger some looks, the truth is in its bucket
    channel: Channel | None = None

    @property
    def timeout(self) -> timedelta:
        return self.own.timeout if self.own else timedelta(seconds=10)


class Deliverer:
    """Sends what is due. Any number of them, in threads, processes or machines, may share one ledger."""

    def __init__(self, ledger: Ledger, settings: Settings, worker: str, *, connect: Callable[[ChannelSettings, Settings], Channel] = channels.connect,
                 jitter: Callable[[float, float], float] = random.uniform) -> None:
        self._ledger, self._settings, self._worker = ledger, settings, worker
        self._connect, self._jitter = connect, jitter
        self._lanes = [*(Lane(name=own.id, own=own) for own in settings.channels), Lane(name="", own=None)]
        self._pool = ThreadPoolExecutor(max_workers=len(self._lanes), thread_name_prefix="lane")

    def tick(self) -> int:
        """Let every idle lane work; returns how many alerts moved in the lanes that finished."""
        for lane in self._lanes:
            if lane.running is None and lane.rests_until <= now.monotonic():
                lane.running = self._pool.submit(self._work, lane)
        wait([lane.running for lane in self._lanes if lane.running], timeout=PATIENCE)
        return self._collect()

    def close(self) -> None:
        """Wait for the sends that are on their way."""
        self._pool.shutdown(wait=True)

    def _collect(self) -> int:
        """What the finished lanes moved. The first fault of ours is raised after all were looked at."""
        moved, fault = 0, None
        for lane in self._lanes:
            if lane.running is not None and lane.running.done():
                done, lane.running = lane.running, None
                fault = fault or done.exception()
                moved += done.result() if done.exception() is None else 0
        if fault is not None:
            raise fault
        return moved

    def _work(self, lane: Lane) -> int:
        """Take what is due for this lane, a few at a time, 红 first."""
        others = [other.name for other in self._lanes if other is not lane and other.own]
        moved = 0
        while moved < LANE_LIMIT:
            claimed = now.monotonic()
            rows = self._ledger.outbox.claim(self._worker, world=now.world(), machine=now.machine(), lasts=3 * lane.timeout, limit=TOGETHER, not_channels=others)
            done, goes_on = self._deliver_all(lane, rows, claimed + IN_HAND)
            moved += done
            if not goes_on:
                break
        return moved

    def _deliver_all(self, lane: Lane, rows: Sequence[OutboxRow], until: float) -> tuple[int, bool]:
        """Those of one claim. Returns how many moved, and whether the lane goes on."""
        goes_on = bool(rows)
        for number, row in enumerate(rows):
            if not goes_on or (number and now.monotonic() > until):
                self._ledger.outbox.give_back(rows[number:])
                return number, goes_on
            goes_on = self._deliver_one(lane, row)
        return len(rows), goes_on

    def _deliver_one(self, lane: Lane, row: OutboxRow) -> bool:
        try:
            return self._deliver(lane, row)
        except LeaseLost as error:
            log.warning("%s", error)
            return True

    def _deliver(self, lane: Lane, row: OutboxRow) -> bool:
        """One alert, one step further. False: this lane rests a while."""
        incident = None if row.incident_id is None else self._ledger.incidents.one(row.incident_id)
        if why := routes.stale(row, incident, self._settings, now.world()):
            self._settle(row, OutboxState.EXPIRED, f"{why}; {MAY_BE}" if row.taken_over else why)
            return True
        if held := hush(row.grade, self._settings, now.world()):
            self._put_back(row, _look_again(held.until - now.world()), held.why)
            return True
        if lane.own is None or row.receiver.channel != lane.name:
            self._bury(row, f"the channel {row.receiver.channel} is not in the settings")
            return True
        return self._send(lane, lane.own, row, incident)

    def _send(self, lane: Lane, own: ChannelSettings, row: OutboxRow, incident: Incident | None) -> bool:
        answer, said = self._channel_of(lane, own), ""
        if not isinstance(answer, Answer):
            if waits := self._no_token(answer, own):
                return self._wait(lane, row, waits, "waiting for its turn: the provider allows only so many a minute")
            answer, said = self._ask(answer, row, incident)
        return self._record(lane, row, answer, said)

    def _channel_of(self, lane: Lane, own: ChannelSettings) -> Channel | Answer:
        """The lane's channel; a channel that cannot be set up refuses everything, with the sentence that says why."""
        if lane.channel is None:
            try:
                lane.channel = self._connect(own, self._settings)
            except SettingsError as error:
                return Answer(outcome=Outcome.REFUSED, said=str(error))
        return lane.channel

    def _no_token(self, channel: Channel, own: ChannelSettings) -> timedelta:
        if not channel.limited:
            return timedelta(0)
        return self._ledger.outbox.take_token(own.id, own.rate_per_minute, now.machine())

    def _ask(self, channel: Channel, row: OutboxRow, incident: Incident | None) -> tuple[Answer, str]:
        """Send, and once more without other people's words where those were refused. Returns (answer, what was said)."""
        first_task = self._first_task(incident)
        for quoted in (True, False):
            try:
                message = render(row, incident, self._settings, now.world(), first_task=first_task, quoted=quoted)
                answer = channel.send(message)
            except Exception as error:  # noqa: BLE001 - around one send, by design
                return _unanswered(row, error), ""
            if answer.outcome is not Outcome.CONTENT:
                return answer, message.markdown
        return Answer(outcome=Outcome.REFUSED, said=answer.said), ""

    def _first_task(self, incident: Incident | None) -> Task | None:
        if incident is None:
            return None
        return min((task for task in self._ledger.incidents.tasks(incident) if task.done_at is None and task.due_at), key=_due, default=None)

    def _record(self, lane: Lane, row: OutboxRow, answer: Answer, said: str) -> bool:
        """What the provider's own word means for the outbox. Nothing else makes an alert sent."""
        match answer.outcome:
            case Outcome.ACCEPTED | Outcome.UNCONFIRMED:
                state = OutboxState.SENT if answer.outcome is Outcome.ACCEPTED else OutboxState.UNCONFIRMED
                self._settle(row, state, answer.said, said)
            case Outcome.BANNED:
                rests = answer.wait or CAP
                self._ledger.outbox.ban(row.receiver.channel, now.machine() + rests)
                return self._wait(lane, row, rests, answer.said)
            case Outcome.LATER if now.machine() - row.saved_at < GIVE_UP:
                self._retry(row, answer)
            case _:
                self._bury(row, answer.said)
        return True

    def _retry(self, row: OutboxRow, answer: Answer) -> None:
        """Full-jitter back-off (AWS, “Exponential Backoff And Jitter”), never before the provider's Retry-After."""
        cap = CAPS.get(row.grade, CAP)
        most = min(cap.total_seconds(), BASE.total_seconds() * 2 ** min(row.attempts - 1, 20))
        pause = max(timedelta(seconds=self._jitter(0, most)), answer.wait or timedelta(0))
        if row.attempts >= NEXT_CHANNEL_AFTER.get(row.grade, NEXT_CHANNEL):
            self._hand_on(row)
        self._ledger.outbox.retry(row, answer=answer.said, not_before=now.machine() + pause)
        log.info("alert=%s channel=%s put back for %.1f s after try %s: %s", row.id, row.receiver.channel, pause.total_seconds(), row.attempts, answer.said)

    def _bury(self, row: OutboxRow, said: str) -> None:
        """Refused for good: the next channel takes over, those who mend channels are told, then the letter is dead.

        In this order, because each of the first two may run twice, and the last ends the lease.
        """
        handed = self._hand_on(row)
        for alert in routes.dead_letter(row, said, handed, self._settings, now.world()):
            self._ledger.outbox.add(world=now.world(), **alert)
        self._settle(row, OutboxState.DEAD, said)

    def _hand_on(self, row: OutboxRow) -> str | None:
        told = () if row.incident_id is None else self._ledger.outbox.of_incident(row.incident_id)
        receiver = routes.next_channel(row, told, self._settings)
        if receiver is None:
            return None
        self._ledger.outbox.hand_on(row, receiver, now.world())
        return receiver.channel

    def _put_back(self, row: OutboxRow, pause: timedelta, why: str) -> None:
        """Not a failed try: the attempt is given back."""
        self._ledger.outbox.retry(row, answer=why, not_before=now.machine() + pause, counts=False)

    def _wait(self, lane: Lane, row: OutboxRow, pause: timedelta, why: str) -> bool:
        """The provider wants no more for now: the lane rests. 橙 and 红 take the next channel if it takes long."""
        if pause > LONG and row.grade >= Grade.ORANGE:
            self._hand_on(row)
        self._put_back(row, pause, why)
        lane.rests_until = now.monotonic() + min(pause.total_seconds(), 60.0)
        return False

    def _settle(self, row: OutboxRow, state: OutboxState, answer: str, said: str = "") -> None:
        world, machine = now.world(), now.machine()
        self._ledger.outbox.settle(row, state, answer=answer, text=said, world=world, machine=machine)
        log.info("alert=%s %s grade=%s reason=%s channel=%s person=%s due=%s saved=%s ended=%s after=%.3fs tries=%s: %s", row.id, state.value, row.grade.code,
                 row.reason.value, row.receiver.channel, row.receiver.person, row.due_at.isoformat(), row.saved_at.isoformat(), machine.isoformat(),
                 (machine - row.saved_at).total_seconds(), row.attempts, answer)


def _due(task: Task) -> float:
    return task.due_at.timestamp() if task.due_at else 0.0


def _look_again(span: timedelta) -> timedelta:
    """Machine time until a world span has passed; at most an hour (a standing world never gets there)."""
    return min(now.to_machine(min(span, HOUR)), HOUR)


def _unanswered(row: OutboxRow, error: Exception) -> Answer:
    """No answer came. Whether it arrived is not known, so it is told again; only a forbidden address is final."""
    said = masked(f"{type(error).__name__}: {error}")
    if isinstance(error, DeliveryRefused):
        return Answer(outcome=Outcome.REFUSED, said=said)
    if not isinstance(error, DeliveryError):
        log.error("alert=%s: a fault of ours while sending: %s", row.id, said)
    return Answer(outcome=Outcome.LATER, said=said)



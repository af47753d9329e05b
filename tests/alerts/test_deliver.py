"""Delivery over a real ledger: what the provider said, what the outbox says, and what happens in between."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alerts import deliver
from alerts.channels import Answer, Channel, Message, Outcome
from alerts.deliver import Deliverer
from alerts.escalation import telling
from incidents import lifecycle, now
from incidents.model import Grade, OutboxState, Reason, Receiver
from incidents.settings import ChannelSettings, Settings
from incidents.store import tables as t
from incidents.store.ledger import Ledger
from tests.alerts.builders import (
    BRIEF,
    HOUR,
    MINUTE,
    OK,
    PEOPLE,
    T0,
    TAKEN,
    incident_in,
    ledger_of,
    provider,
    says,
    settings_in,
    until,
)

LATER = T0 + MINUTE


def add(ledger: Ledger, key: str, *, person: str = "lin", channel: str = "ding", grade: Grade = Grade.ORANGE, **changes: Any) -> None:
    values: dict[str, Any] = dict(incident_id=None, grade=grade, reason=Reason.FIRST, receiver=Receiver(person=person, channel=channel, mobile=None), body=BRIEF, due_at=T0, world=T0, key=key)
    ledger.outbox.add(**{**values, **changes})


def states(ledger: Ledger) -> list[tuple[str, str, str]]:
    o = t.outbox.c
    with ledger.engine.connect() as c:
        return [tuple(row) for row in c.execute(sa.select(o.reason, o.channel, o.state).order_by(o.id))]


def waiting(ledger: Ledger) -> int:
    o = t.outbox.c
    with ledger.engine.connect() as c:
        return int(c.execute(sa.select(sa.func.count()).where(o.state.in_(("pending", "leased")))).scalar_one())


def eager(*_: float) -> float:
    return 0.0


def deliver_all(ledger: Ledger, settings: Settings, at: Any = LATER, seconds: float = 8.0, **more: Any) -> None:
    with now.frozen(at):
        one = Deliverer(ledger, settings, "t", **{"jitter": eager, **more})
        until(lambda: waiting(ledger) == 0, one.tick, seconds)
        one.close()


def run_out(ledger: Ledger) -> None:
    """All leases are over, as after a kill and some patience."""
    with ledger.engine.begin() as c:
        c.execute(sa.update(t.outbox).values(lease_until=sa.case((t.outbox.c.lease_until.isnot(None), 0), else_=None), not_before=None))


def test_an_incident_is_told_and_recorded_with_the_providers_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with provider(OK) as ding, provider(TAKEN) as hook, caplog.at_level(logging.INFO):
        settings = settings_in(tmp_path, ding.url, hook.url)
        ledger = ledger_of(settings)
        incident = incident_in(ledger, settings)
        deliver_all(ledger, settings)
        told = {one.channel: one for one in ledger.outbox.of_incident(incident.id)}
        assert {name: (one.state, one.answer) for name, one in told.items()} == {"ding": (OutboxState.SENT, "HTTP 200 errcode 0 ok"), "hook": (OutboxState.SENT, "HTTP 204")}
        assert "雾岛茶" in str(told["ding"].sent_text) and len(ding.calls) == len(hook.calls) == 1
    (line,) = [one for one in caplog.messages if "channel=ding" in one]
    for name in ("grade=orange", "due=", "saved=", "ended=", "after=", "tries=1"):
        assert name in line


def test_two_hundred_with_an_error_code_is_not_sent(tmp_path: Path) -> None:
    with provider(says(-1, "busy"), OK) as ding:
        settings = settings_in(tmp_path, ding.url)
        ledger = ledger_of(settings)
        add(ledger, "a")
        deliver_all(ledger, settings)
        assert len(ding.accepted) == 1 and ledger.outbox.newest()[0].attempts == 2


def test_a_refusal_for_good_goes_to_the_next_channel_and_is_an_alert_itself(tmp_path: Path) -> None:
    people = [{**PEOPLE[0], "roles": ["duty"]}, {"login": "adm", "name": "管家", "roles": ["admin"], "channels": ["ding", "hook"]}]
    with provider(says(310000, "sign not match")) as ding, provider(TAKEN) as hook:
        settings = settings_in(tmp_path, ding.url, hook.url, people=people)
        ledger = ledger_of(settings)
        add(ledger, "a", grade=Grade.YELLOW)
        deliver_all(ledger, settings)
        assert states(ledger) == [("first", "ding", "dead"), ("first", "hook", "sent"), ("dead_letter", "hook", "sent")]
        letter = hook.accepted[-1].json()
        assert letter["reason"] == "dead_letter" and "310000" in letter["brief"]["answer"] and letter["person"] == "adm" and letter["brief"]["handed_to"] == "hook"


def test_a_channel_that_rings_already_is_not_rung_twice(tmp_path: Path) -> None:
    with provider(says(310000)) as ding, provider(TAKEN) as hook:
        settings = settings_in(tmp_path, ding.url, hook.url, people=[{**PEOPLE[0], "roles": ["duty"]}])
        ledger = ledger_of(settings)
        incident_in(ledger, settings)  # 橙: on both channels at once
        deliver_all(ledger, settings)
        assert Counter(call.json()["reason"] for call in hook.accepted) == {"first": 1, "dead_letter": 1}


def test_refused_words_are_left_out_once(tmp_path: Path) -> None:
    with provider(says(430104, "content"), OK) as ding:
        settings = settings_in(tmp_path, ding.url)
        ledger = ledger_of(settings)
        add(ledger, "a")
        deliver_all(ledger, settings)
        first, second = (call.body.decode() for call in ding.calls)
        assert "虫子" in first and "虫子" not in second and states(ledger) == [("first", "ding", "sent")]
    with provider(says(430104)) as ding, provider(TAKEN) as hook:
        settings = settings_in(tmp_path / "b", ding.url, hook.url)
        ledger = ledger_of(settings)
        add(ledger, "a", person="shen")
        deliver_all(ledger, settings)
        assert len(ding.calls) == 2 and ("first", "ding", "dead") in states(ledger)


def test_after_a_ban_nobody_uses_the_robot_and_orange_takes_the_next_channel(tmp_path: Path) -> None:
    with provider(says(130101, "too fast")) as ding, provider(TAKEN) as hook:
        settings = settings_in(tmp_path, ding.url, hook.url)
        ledger = ledger_of(settings)
        for key in "abc":
            add(ledger, key)
        with now.frozen(LATER):
            one = Deliverer(ledger, settings, "t")
            until(lambda: len(hook.accepted) == 1, one.tick)
            Deliverer(ledger, settings, "u").tick()  # another machine: the ban is in the ledger
            one.close()
        assert len(ding.calls) == 1 and ledger.outbox.newest(10)[-1].attempts == 0
        assert ledger.outbox.take_token("ding", 1000, now.machine()) > timedelta(minutes=9)


def test_the_bucket_keeps_any_minute_within_what_the_provider_allows(tmp_path: Path) -> None:
    with provider(OK) as ding:
        channels = [{"id": "ding", "kind": "dingtalk", "url": ding.url, "rate_per_minute": 20}, {"id": "hook", "kind": "console"}]
        settings = settings_in(tmp_path, channels=channels)
        ledger = ledger_of(settings)
        for n in range(30):
            add(ledger, f"{n}", grade=Grade.RED if n == 29 else Grade.ORANGE)
        with now.frozen(LATER):
            one = Deliverer(ledger, settings, "t")
            until(lambda: len(ding.accepted) >= 5, one.tick)
            one.tick()
            one.close()
        assert len(ding.accepted) == 5 and "■红" in ding.calls[0].body.decode()  # 5 at once, 15 in the minute after; 红 first


def test_what_a_slow_provider_leaves_no_time_for_is_given_back_so_that_red_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "IN_HAND", 0.0)  # one second in the product
    with provider(OK) as ding, now.frozen(LATER):
        settings = settings_in(tmp_path, channels=[{"id": "ding", "kind": "dingtalk", "url": ding.url, "rate_per_minute": 6000}, {"id": "hook", "kind": "console"}])
        ledger = ledger_of(settings)
        for key in "abc":
            add(ledger, key, grade=Grade.YELLOW)
        one = Deliverer(ledger, settings, "t")
        add_red = iter([lambda: add(ledger, "red", grade=Grade.RED)])
        monkeypatch.setattr(ledger.outbox, "settle", lambda *a, **k: (type(ledger.outbox).settle(ledger.outbox, *a, **k), next(add_red, lambda: None)()))
        until(lambda: waiting(ledger) == 0, one.tick)
        one.close()
        assert ["■红" in call.body.decode() for call in ding.calls] == [False, True, False, False]
        assert {told.attempts for told in ledger.outbox.newest(10)} == {1}


def test_who_was_taken_over_gives_nothing_back(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    ledger = ledger_of(settings)
    add(ledger, "a")
    first = ledger.outbox.claim("t", world=LATER, machine=LATER, lasts=MINUTE)
    run_out(ledger)
    second = ledger.outbox.claim("u", world=LATER, machine=LATER, lasts=MINUTE)
    ledger.outbox.give_back(first)
    assert states(ledger) == [("first", "ding", "leased")]
    ledger.outbox.give_back(second)
    assert states(ledger) == [("first", "ding", "pending")]


def test_a_provider_that_hangs_delays_no_other(tmp_path: Path) -> None:
    with provider("hang") as ding, provider(TAKEN) as hook:
        settings = settings_in(tmp_path, ding.url, hook.url)
        ledger = ledger_of(settings)
        add(ledger, "slow")
        add(ledger, "quick", channel="hook")
        began = now.monotonic()
        with now.frozen(LATER):
            one = Deliverer(ledger, settings, "t")
            until(lambda: len(hook.accepted) == 1, one.tick)
            assert now.monotonic() - began < 0.9  # the hanging one needs 1 s to time out
            one.close()


def test_a_message_that_arrived_without_an_answer_is_told_again(tmp_path: Path) -> None:
    with provider("swallow", OK) as ding:
        settings = settings_in(tmp_path, ding.url)
        ledger = ledger_of(settings)
        add(ledger, "a")
        deliver_all(ledger, settings)
        assert len(ding.accepted) == 2 and states(ledger) == [("first", "ding", "sent")]


def test_back_off_is_full_jitter_with_a_cap_by_grade(tmp_path: Path) -> None:
    asked: dict[Grade, list[float]] = {}
    for grade in (Grade.RED, Grade.ORANGE, Grade.YELLOW):
        most: list[float] = asked.setdefault(grade, [])

        def jitter(low: float, high: float, most: list[float] = most) -> float:
            most.append(high)
            return 0.0

        with provider(*[(503, {}, b"")] * 12, TAKEN) as hook:
            settings = settings_in(tmp_path / grade.code, hook=hook.url)
            ledger = ledger_of(settings)
            add(ledger, "a", channel="hook", grade=grade)
            deliver_all(ledger, settings, jitter=jitter)
    assert asked[Grade.RED][:6] == [1, 2, 4, 8, 16, 30] and asked[Grade.ORANGE][-1] == 120 and asked[Grade.YELLOW][-1] == 600


def test_retry_after_is_obeyed_in_machine_time(tmp_path: Path) -> None:
    with provider((503, {"Retry-After": "600"}, b"")) as hook:
        settings = settings_in(tmp_path, hook=hook.url)
        ledger = ledger_of(settings)
        add(ledger, "a", channel="hook")
        with now.frozen(LATER):
            one = Deliverer(ledger, settings, "t", jitter=eager)
            one.tick()
            one.tick()
            one.close()
        with ledger.engine.connect() as c:
            not_before = c.execute(sa.select(t.outbox.c.not_before)).scalar_one()
        assert len(hook.calls) == 1 and not_before - now.machine() > timedelta(minutes=9)


def test_yellow_waits_for_the_morning_and_keeps_its_tries(tmp_path: Path) -> None:
    with provider(OK) as ding:
        settings = settings_in(tmp_path, ding.url)
        ledger = ledger_of(settings)
        add(ledger, "a", grade=Grade.YELLOW)
        with now.frozen(T0 + 13 * HOUR):  # 23:00
            one = Deliverer(ledger, settings, "t")
            one.tick()
            one.close()
        assert ding.calls == [] and ledger.outbox.newest()[0].attempts == 0 and ledger.outbox.newest()[0].answer == "quiet_hours"
        run_out(ledger)
        deliver_all(ledger, settings, T0 + 23 * HOUR)
        assert len(ding.accepted) == 1


@pytest.mark.parametrize("change", ["closed", "raised", "taken"])
def test_what_has_nothing_to_say_any_more_expires(tmp_path: Path, change: str) -> None:
    with provider(OK) as ding:
        settings = settings_in(tmp_path, ding.url, people=[{**PEOPLE[0], "roles": ["duty"], "channels": ["ding"]}])
        ledger = ledger_of(settings)
        incident = incident_in(ledger, settings)
        with ledger.engine.begin() as c:  # it was on its way (leased) when things changed, so it was not cancelled
            c.execute(sa.update(t.outbox).values(state="leased", lease_until=T0))
            values = {"closed": dict(closed_at=LATER), "raised": dict(grade=4), "taken": dict(acked_by="lin", acked_at=LATER)}[change]
            c.execute(sa.update(t.incidents).where(t.incidents.c.id == incident.id).values(**values))
        deliver_all(ledger, settings)
        assert states(ledger) == [("first", "ding", "expired")] and ding.calls == []
        assert str(ledger.outbox.of_incident(incident.id)[0].answer).endswith(deliver.MAY_BE)  # whoever had it in hand may have sent it


def test_an_old_repeat_gives_way_to_the_next(tmp_path: Path) -> None:
    with provider(OK) as ding:
        settings = settings_in(tmp_path, ding.url)
        ledger = ledger_of(settings)
        incident = incident_in(ledger, settings)
        with ledger.engine.begin() as c:
            c.execute(sa.delete(t.outbox))
        add(ledger, "old", incident_id=incident.id, reason=Reason.REPEAT, due_at=T0)
        add(ledger, "new", incident_id=incident.id, reason=Reason.REPEAT, due_at=T0 + 30 * MINUTE)
        deliver_all(ledger, settings, T0 + 31 * MINUTE)
        assert [state for *_, state in states(ledger)] == ["expired", "sent"]
        assert deliver.MAY_BE not in str(ledger.outbox.of_incident(incident.id)[-1].answer)


def test_a_channel_that_left_the_settings_does_not_swallow_alerts(tmp_path: Path) -> None:
    with provider(OK) as ding:
        settings = settings_in(tmp_path, ding.url)
        ledger = ledger_of(settings)
        add(ledger, "a", channel="gone")
        deliver_all(ledger, settings)
        assert states(ledger)[:2] == [("first", "gone", "dead"), ("first", "ding", "sent")]


def test_a_fault_of_ours_around_one_send_is_tried_again(tmp_path: Path) -> None:
    sent: list[Message] = []

    class Shaky:
        limited = False

        def send(self, message: Message) -> Answer:
            sent.append(message)
            if len(sent) == 1:
                raise ZeroDivisionError
            return Answer(outcome=Outcome.ACCEPTED, said="ok")

    settings = settings_in(tmp_path)
    ledger = ledger_of(settings)
    add(ledger, "a")
    deliver_all(ledger, settings, connect=lambda *_: Shaky())
    assert len(sent) == 2 and states(ledger) == [("first", "ding", "sent")]


def test_two_deliverers_share_one_outbox_without_telling_twice(tmp_path: Path) -> None:
    with provider(OK) as ding, provider(TAKEN) as hook:
        settings = settings_in(tmp_path, ding.url, hook.url)
        ledger, other = ledger_of(settings), ledger_of(settings)
        for n in range(24):
            add(ledger, f"{n}", channel="ding" if n % 2 else "hook", body={**BRIEF, "title": f"第{n}件"})
        with now.frozen(LATER):
            pair = Deliverer(ledger, settings, "a"), Deliverer(other, settings, "b")
            until(lambda: waiting(ledger) == 0, lambda: [one.tick() for one in pair], 20)
            for one in pair:
                one.close()
        assert len(ding.accepted) == 12 and Counter(call.headers["idempotency-key"] for call in hook.accepted) == {f"{n}": 1 for n in range(0, 24, 2)}


class Crash(Exception):
    """A kill, as far as one process can play it."""


class Killer:
    """Counts every store and sender call; the n-th raises, before or after it has done its work."""

    def __init__(self, at: int, after: bool) -> None:
        self.at, self.after, self.calls = at, after, 0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **values: Any) -> Any:
            self.calls += 1
            hit = self.calls == self.at
            if hit and not self.after:
                raise Crash
            found = call(*args, **values)
            if hit:
                raise Crash
            return found

        return counted


STORE_CALLS = ("claim", "settle", "retry", "hand_on", "add", "take_token", "ban", "of_incident")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_crash_point_sweep(tmp_path: Path, after: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Crash at the n-th call of store or sender, n = 1, 2, … until a run passes untouched: nothing lost, nothing claimed."""
    ledger = ledger_of(settings_in(tmp_path))
    untouched, at = False, 0
    while not untouched:
        at += 1
        killer = Killer(at, after)
        with provider(says(-1), says(310000), OK) as ding, provider(TAKEN) as hook:
            settings = settings_in(tmp_path, ding.url, hook.url)
            _three_alerts(ledger)
            with monkeypatch.context() as patch:
                for name in STORE_CALLS:
                    patch.setattr(ledger.outbox, name, killer.around(getattr(ledger.outbox, name)))
                _tell_until_it_dies(ledger, settings, killer)
            run_out(ledger)
            deliver_all(ledger, settings)
            with ledger.engine.connect() as c:
                ended = c.execute(sa.select(t.outbox.c.key, t.outbox.c.channel, t.outbox.c.state)).all()
            assert {"a", "b", "c"} <= {key for key, *_ in ended} and all(state in ("sent", "dead", "expired") for *_, state in ended), at  # LOST_A = 0
            hooked = {call.headers["idempotency-key"] for call in hook.accepted}
            assert {key for key, channel, state in ended if channel == "hook" and state == "sent"} <= hooked, at  # SENT_MISSING = 0
            assert len([1 for _, channel, state in ended if channel == "ding" and state == "sent"]) <= len(ding.accepted), at
        untouched = killer.calls < at
    assert at > 8  # the sweep met the calls it is about


def _three_alerts(ledger: Ledger) -> None:
    """The outbox as it begins at every point."""
    with ledger.engine.begin() as c:
        c.execute(sa.delete(t.outbox))
        c.execute(sa.delete(t.buckets))
    for key, channel in (("a", "ding"), ("b", "ding"), ("c", "hook")):
        add(ledger, key, channel=channel)


def _tell_until_it_dies(ledger: Ledger, settings: Settings, killer: Killer) -> None:
    def connect(own: ChannelSettings, all_of: Settings) -> Channel:
        from alerts import channels

        made = channels.connect(own, all_of)
        made.send = killer.around(made.send)  # type: ignore[method-assign]
        return made

    one = Deliverer(ledger, settings, "dies", connect=connect, jitter=eager)
    with now.frozen(LATER):
        try:
            until(lambda: waiting(ledger) == 0 or killer.calls >= killer.at, one.tick)
        except Crash:
            pass
        finally:
            one.close()


def test_walking_the_chain_again_after_an_expired_acknowledgement_rings_again(tmp_path: Path) -> None:
    """The second walk's steps are new alerts: a key of the first walk must not swallow them."""
    settings = settings_in(tmp_path)
    ledger, who = ledger_of(settings), telling(settings)
    incident = incident_in(ledger, settings)

    def goes(at: Any, change: lifecycle.Change | None) -> None:
        assert change is not None
        ledger.incidents.apply(change, at)

    def current() -> Any:
        return ledger.incidents.one(incident.id)

    goes(T0 + 15 * MINUTE, lifecycle.advance(current(), who, T0 + 15 * MINUTE))
    goes(T0 + 16 * MINUTE, lifecycle.acknowledge(current(), "shen", Grade.ORANGE, who, T0 + 16 * MINUTE))
    over = T0 + 3 * HOUR
    goes(over, lifecycle.advance(current(), who, over))
    goes(over + 15 * MINUTE, lifecycle.advance(current(), who, over + 15 * MINUTE))
    steps = [one for one in ledger.outbox.of_incident(incident.id) if one.reason is Reason.STEP and one.person == "shen"]
    assert len(steps) == 2

"""What a ledger must do, whoever keeps it. Nothing here knows of SQL: only the ledger's own words.

Another implementation passes when a class derived from ``LedgerContract`` gives it as its ``openings`` fixture
(see ``test_ledger_sqlite.py``): a function that opens the same ledger again, as another process would.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

import pytest

from incidents import lifecycle
from incidents.errors import Conflict, LeaseLost, Refused
from incidents.model import Author, Follow, Grade, Health, OutboxState, Reason, Receiver
from incidents.settings import Settings
from incidents.store.door import Plan
from incidents.store.fetches import FetchJob, Outcome
from incidents.store.ledger import Ledger
from tests.incidents.builders import (
    HOUR,
    MINUTE,
    T0,
    counts,
    judge_all,
    mention,
    save,
    score,
    telling,
    verdict,
)

SECOND, LEASES = timedelta(seconds=1), 2 * MINUTE
LATE = T0 + 2 * MINUTE  # after a lease of one minute
LIN = Receiver(person="lin", channel="ding")
LINE = lifecycle.NewTask(line="facts", pillar="speed", title="事实清单", role="duty", due_at=T0 + HOUR, due_words="", evidence_kind="list", evidence_hint="", help="", seed="S3-09")


class Openings(Protocol):
    """Opens one and the same ledger, each time as a new process would."""

    settings: Settings

    def __call__(self) -> Ledger: ...


def follow(ledger: Ledger, grade: Grade, at=T0) -> int:  # type: ignore[no-untyped-def]
    """Decide on the first story, as the pipeline does; returns its incident."""
    (stirred,) = ledger.stories.claim_stirred("w", world=at, machine=at, lasts=MINUTE)
    change = lifecycle.follow(story=stirred.story, verdict=verdict(grade), incident=ledger.incidents.of_story(stirred.story.id), brief={"at": at.isoformat()},
                              playbook="general", tasks=(LINE,), telling=telling(), now=at)
    ledger.incidents.decide(stirred, None, change, at, None)
    incident = ledger.incidents.of_story(stirred.story.id)
    assert incident is not None
    return incident.id


def opened(ledger: Ledger) -> int:
    save(ledger, mention("1"), snapshots=(counts(mention("1"), T0, reposts=5),))
    judge_all(ledger)
    return follow(ledger, Grade.ORANGE)


def alert(ledger: Ledger, key: str = "k", grade: Grade = Grade.RED, due=T0) -> None:  # type: ignore[no-untyped-def]
    ledger.outbox.add(incident_id=None, grade=grade, reason=Reason.BLIND, receiver=LIN, body={}, due_at=due, world=T0, key=key)


def at_once(*works: Callable[[], object]) -> None:
    """All of them in threads of their own; the first error is raised."""
    faults: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


class LedgerContract:
    """Every promise of the ledger, one test each."""

    @pytest.fixture
    def openings(self) -> Openings:
        raise NotImplementedError("give the implementation's openings")

    @pytest.fixture
    def ledger(self, openings: Openings) -> Ledger:
        ledger = openings()
        ledger.sources.sync(openings.settings.sources, T0)
        ledger.people.sync(openings.settings.people)
        return ledger

    # -- opening ---------------------------------------------------------------------------------------------

    def test_what_was_committed_is_there_for_another_process(self, ledger: Ledger, openings: Openings) -> None:
        save(ledger, mention("1"))
        assert set(openings().door.known([mention("1").key])) == {mention("1").key}

    def test_pseudonyms_are_the_same_for_every_process_and_hide_the_account(self, ledger: Ledger, openings: Openings) -> None:
        assert openings().door.secret == ledger.door.secret and len(ledger.door.secret) == 32

    # -- door ------------------------------------------------------------------------------------------------

    def test_saving_twice_stores_once(self, ledger: Ledger) -> None:
        first, again = save(ledger, mention("1")), save(ledger, mention("1"))
        assert (first.stored, again.stored, again.seen_again) == (1, 0, 1)

    def test_a_page_is_kept_whole_or_not_at_all(self, ledger: Ledger) -> None:
        (job,) = ledger.fetches.lease("a", world=T0, machine=T0, lasts=MINUTE)
        ledger.fetches.lease("b", world=T0, machine=LATE, lasts=MINUTE)
        with pytest.raises(LeaseLost):
            save(ledger, mention("1"), mention("2"), job=job, outcome=Outcome(code="ok", next_due=T0 + HOUR))
        assert ledger.door.known([mention("1").key, mention("2").key]) == {} and ledger.index.waiting() == 0

    def test_the_newest_observation_wins_in_any_order(self, ledger: Ledger) -> None:
        one = mention("1")
        for minutes, seen in ((30, 50), (10, 3), (20, 9), (30, 50)):
            save(ledger, one, snapshots=(counts(one, T0 + minutes * MINUTE, reposts=seen),))
        assert [s.reposts for s in ledger.stories.snapshots(1)] == [3, 9, 50]
        assert ledger.index.claim()[0].counts["reposts"] == 50

    def test_two_doors_at_once_lose_nothing(self, ledger: Ledger, openings: Openings) -> None:
        others = [openings() for _ in range(3)]
        at_once(*(lambda one=one, i=i: save(one, *(mention(str(n)) for n in range(i * 10, i * 10 + 20))) for i, one in enumerate(others)))  # type: ignore[misc]
        assert len(ledger.door.known([mention(str(n)).key for n in range(40)])) == 40

    def test_planning_an_address_twice_makes_one_job(self, ledger: Ledger) -> None:
        plan = Plan(follow=Follow(url="http://m.example/t", kind="thread"), due_at=T0 + HOUR)
        for _ in range(2):
            save(ledger, follow=(plan,))
        assert [job.url for job in ledger.fetches.lease("a", world=T0 + HOUR, machine=T0, lasts=MINUTE)].count("http://m.example/t") == 1

    def test_authors_are_pseudonyms_with_bands(self, ledger: Ledger) -> None:
        save(ledger, mention("1", author=Author(native_id="uid-77", name="小满", followers=1500)))
        judge_all(ledger)
        look = ledger.stories.look_at(1, T0)
        assert look is not None and look.largest["followers"] == 1024 and "uid-77" not in str(look.largest)

    # -- fetch jobs ------------------------------------------------------------------------------------------

    def job(self, ledger: Ledger) -> FetchJob:
        (job,) = ledger.fetches.lease("a", world=T0, machine=T0, lasts=MINUTE)
        return job

    def test_a_job_has_one_holder_until_its_lease_runs_out(self, ledger: Ledger, openings: Openings) -> None:
        job = self.job(ledger)
        assert openings().fetches.lease("b", world=T0, machine=T0, lasts=MINUTE) == []
        (again,) = openings().fetches.lease("b", world=T0, machine=LATE, lasts=MINUTE)
        assert (again.id, again.token > job.token) == (job.id, True)
        with pytest.raises(LeaseLost):
            ledger.fetches.finish(job, Outcome(code="ok", next_due=T0 + HOUR), T0)

    def test_renewing_keeps_and_putting_off_gives_back(self, ledger: Ledger) -> None:
        job = self.job(ledger)
        ledger.fetches.renew([job], machine=LATE, lasts=MINUTE)
        assert ledger.fetches.lease("b", world=T0, machine=LATE, lasts=MINUTE) == []
        ledger.fetches.put_off([job], T0 + HOUR)
        assert ledger.fetches.lease("b", world=T0, machine=LATE, lasts=MINUTE) == []
        assert len(ledger.fetches.lease("b", world=T0 + HOUR, machine=LATE, lasts=MINUTE)) == 1

    def test_a_finished_job_waits_for_its_next_time(self, ledger: Ledger) -> None:
        ledger.fetches.finish(self.job(ledger), Outcome(code="ok", next_due=T0 + HOUR), T0)
        assert ledger.fetches.next_due() == T0 + HOUR
        assert ledger.fetches.lease("a", world=T0, machine=LATE, lasts=MINUTE) == []

    # -- work ------------------------------------------------------------------------------------------------

    def test_work_is_claimed_once_and_again_after_its_lease(self, ledger: Ledger, openings: Openings) -> None:
        save(ledger, *(mention(str(n)) for n in range(9)))
        claimed: list[int] = []
        others = [openings() for _ in range(3)]
        at_once(*(lambda one=one: claimed.extend(w.mention_id for w in one.work.claim("judge", "w", machine=T0, lasts=MINUTE, limit=3)) for one in others))  # type: ignore[misc]
        assert sorted(claimed) == list(range(1, 10))
        assert ledger.work.claim("judge", "x", machine=T0, lasts=MINUTE) == []
        assert len(ledger.work.claim("judge", "x", machine=LATE, lasts=MINUTE)) == 9

    def test_scores_saved_twice_hand_on_once(self, ledger: Ledger) -> None:
        save(ledger, mention("1"))
        ledger.work.claim("judge", "w", machine=T0, lasts=MINUTE)
        for _ in range(2):
            ledger.work.save_scores([score(1)], T0)
        assert ledger.work.waiting() == {"place": 1}

    def test_one_poisonous_text_sets_no_others_aside(self, ledger: Ledger) -> None:
        save(ledger, *(mention(str(n)) for n in range(5)))
        for turn in range(40):  # whoever holds mention 3 dies
            held = ledger.work.claim("judge", "w", machine=T0 + turn * LEASES, lasts=MINUTE)
            if held and all(one.mention_id != 3 for one in held):
                ledger.work.save_scores([score(one.mention_id) for one in held], T0)
        assert ledger.work.waiting() == {"place": 4, "quarantined": 1}

    # -- stories and incidents -------------------------------------------------------------------------------

    def test_placing_twice_changes_nothing(self, ledger: Ledger) -> None:
        save(ledger, mention("1"))
        ledger.work.claim("judge", "w", machine=T0, lasts=MINUTE)
        ledger.work.save_scores([score(1)], T0)
        waiting = ledger.work.claim("place", "w", machine=T0, lasts=MINUTE)
        assert [ledger.stories.place(waiting, T0) for _ in range(2)] == [1, 0]

    def test_what_stirs_a_story_while_it_is_decided_is_looked_at_again(self, ledger: Ledger) -> None:
        one = mention("1")
        save(ledger, one)
        judge_all(ledger)
        (stirred,) = ledger.stories.claim_stirred("w", world=T0, machine=T0, lasts=MINUTE)
        save(ledger, one, snapshots=(counts(one, T0 + MINUTE, reposts=9),))
        ledger.incidents.decide(stirred, None, None, T0, None)
        assert len(ledger.stories.claim_stirred("w", world=T0, machine=T0, lasts=MINUTE)) == 1

    def test_who_slept_through_the_lease_decides_nothing(self, ledger: Ledger, openings: Openings) -> None:
        save(ledger, mention("1"))
        judge_all(ledger)
        (slept,) = ledger.stories.claim_stirred("a", world=T0, machine=T0, lasts=MINUTE)
        number = follow(openings(), Grade.ORANGE, LATE)
        change = lifecycle.follow(story=slept.story, verdict=verdict(), incident=None, brief={"at": T0.isoformat()}, playbook="general", tasks=(), telling=telling(), now=LATE)
        with pytest.raises(Conflict):
            ledger.incidents.decide(slept, None, change, LATE, None)
        assert [one.id for one in ledger.incidents.open()] == [number] and len(ledger.outbox.newest()) == 1

    def test_a_change_decided_on_an_old_version_is_refused_whole(self, ledger: Ledger) -> None:
        incident = ledger.incidents.one(opened(ledger))
        assert incident is not None
        first = lifecycle.acknowledge(incident, "lin", incident.grade, telling(), T0)
        ledger.incidents.apply(first, T0)
        events = len(ledger.incidents.events(incident.id))
        with pytest.raises(Conflict):
            ledger.incidents.apply(lifecycle.acknowledge(incident, "shen", incident.grade, telling(), T0), T0)
        assert len(ledger.incidents.events(incident.id)) == events

    def test_the_timeline_says_what_was_known_when(self, ledger: Ledger) -> None:
        number = opened(ledger)
        incident = ledger.incidents.one(number)
        assert incident is not None
        ledger.incidents.apply(lifecycle.acknowledge(incident, "lin", incident.grade, telling(), T0 + HOUR), T0 + HOUR)
        assert [e.kind for e in ledger.incidents.events(number)] == ["acknowledged", "opened", "appeared"]
        assert [e.kind for e in ledger.incidents.events(number, known_by=T0 + MINUTE)] == ["opened", "appeared"]

    def test_a_line_is_ticked_once_with_evidence(self, ledger: Ledger) -> None:
        incident = ledger.incidents.one(opened(ledger))
        assert incident is not None
        (task,) = ledger.incidents.tasks(incident)
        with pytest.raises(Refused):
            ledger.incidents.finish_task(task.id, task.version, person="lin", evidence=None, waived=None, world=T0)
        ledger.incidents.finish_task(task.id, task.version, person="lin", evidence={"text": "见附件"}, waived=None, world=T0)
        with pytest.raises(Conflict):
            ledger.incidents.finish_task(task.id, task.version, person="shen", evidence={"text": "也见"}, waived=None, world=T0)

    # -- outbox ----------------------------------------------------------------------------------------------

    def test_one_key_is_one_alert(self, ledger: Ledger) -> None:
        for _ in range(2):
            alert(ledger)
        assert len(ledger.outbox.newest()) == 1

    def test_red_goes_first_and_nothing_before_its_time(self, ledger: Ledger) -> None:
        for number, grade in enumerate((Grade.BLUE, Grade.RED, Grade.YELLOW)):
            alert(ledger, f"k{number}", grade)
        alert(ledger, "later", Grade.RED, T0 + HOUR)
        assert [row.grade for row in ledger.outbox.claim("t", world=T0, machine=T0, lasts=MINUTE)] == [Grade.RED, Grade.YELLOW, Grade.BLUE]

    def test_each_alert_has_one_sender_and_a_stale_one_records_nothing(self, ledger: Ledger, openings: Openings) -> None:
        alert(ledger)
        (stale,) = ledger.outbox.claim("a", world=T0, machine=T0, lasts=MINUTE)
        other = openings()
        assert other.outbox.claim("b", world=T0, machine=T0, lasts=MINUTE) == []
        (taken,) = other.outbox.claim("b", world=T0, machine=LATE, lasts=MINUTE)
        other.outbox.settle(taken, OutboxState.SENT, answer="ok", world=LATE, machine=LATE)
        with pytest.raises(LeaseLost):
            ledger.outbox.settle(stale, OutboxState.DEAD, answer="late", world=LATE, machine=LATE)
        assert ledger.outbox.newest()[0].state == OutboxState.SENT

    def test_a_retry_waits_and_counts_or_not(self, ledger: Ledger) -> None:
        alert(ledger)
        for counted in (True, False):
            (row,) = ledger.outbox.claim("a", world=T0, machine=LATE, lasts=MINUTE)
            ledger.outbox.retry(row, answer="busy", not_before=LATE, counts=counted)
        (row,) = ledger.outbox.claim("a", world=T0, machine=LATE, lasts=MINUTE)
        assert row.attempts == 2
        ledger.outbox.retry(row, answer="busy", not_before=LATE + HOUR)
        assert ledger.outbox.claim("a", world=T0, machine=LATE, lasts=MINUTE) == []

    def test_a_channels_tokens_are_shared_by_all_senders(self, ledger: Ledger, openings: Openings) -> None:
        senders = [ledger, openings()]
        went = [s for s in range(200) if senders[s % 2].outbox.take_token("ding", 12, T0 + s * SECOND) == timedelta(0)]
        assert max(sum(start <= s < start + 60 for s in went) for start in range(140)) <= 12 <= len(went)
        ledger.outbox.ban("ding", T0 + HOUR)
        assert senders[1].outbox.take_token("ding", 4, T0 + MINUTE) > 30 * MINUTE

    # -- index queue -----------------------------------------------------------------------------------------

    def test_a_change_waits_for_the_archive_until_that_version_is_confirmed(self, ledger: Ledger) -> None:
        one = mention("1")
        save(ledger, one)
        old = ledger.index.claim()
        save(ledger, one, snapshots=(counts(one, T0, reposts=9),))
        ledger.index.confirm(old)
        assert [d.version > old[0].version for d in ledger.index.claim()] == [True]
        ledger.index.confirm(ledger.index.claim())
        assert ledger.index.waiting() == 0

    def test_a_refused_document_is_set_aside_and_comes_back_when_it_changes(self, ledger: Ledger) -> None:
        one = mention("1")
        save(ledger, one)
        for _ in range(5):
            ledger.index.refuse({1: "mapping"})
        assert ledger.index.claim() == [] and ledger.index.waiting() == 1
        save(ledger, one, snapshots=(counts(one, T0, reposts=9),))
        assert len(ledger.index.claim()) == 1

    def test_everything_is_all_mentions_each_once(self, ledger: Ledger) -> None:
        save(ledger, *(mention(str(n)) for n in range(25)))
        assert [d.mention_id for part in ledger.index.everything(step=10) for d in part] == list(range(1, 26))

    # -- sources, people, leases, clock ----------------------------------------------------------------------

    def test_a_sources_state_changes_when_it_changes(self, ledger: Ledger) -> None:
        assert ledger.sources.report("wb", Health.BLOCKED, "403", T0) == Health.NEW
        assert ledger.sources.report("wb", Health.BLOCKED, "403", T0 + HOUR) == Health.BLOCKED
        (source,) = ledger.sources.all()
        assert (source.health, source.health_since) == (Health.BLOCKED, T0)

    def test_requests_are_counted_for_each_day(self, ledger: Ledger) -> None:
        assert [ledger.sources.spend("wb", 5, day) for day in ("2026-11-20", "2026-11-20", "2026-11-21")] == [5, 10, 5]

    def test_who_leaves_the_settings_cannot_come_in(self, ledger: Ledger, openings: Openings) -> None:
        secret = ledger.people.begin_session("lin", T0)
        assert ledger.people.in_session(secret, T0) is not None
        ledger.people.sync([person for person in openings.settings.people if person.login != "lin"])
        assert ledger.people.in_session(secret, T0) is None and ledger.people.one("lin") is None

    def test_a_log_in_link_works_once(self, ledger: Ledger) -> None:
        secret = ledger.people.make_link("lin", T0)
        used = [ledger.people.use_link(secret, T0) for _ in range(2)]
        assert used[0] is not None and used[1] is None

    def test_only_one_leads_and_the_next_has_a_higher_token(self, ledger: Ledger, openings: Openings) -> None:
        assert ledger.lead("timetable", "a", T0, MINUTE) == 1
        other = openings()
        assert other.lead("timetable", "b", T0, MINUTE) is None
        assert other.lead("timetable", "b", LATE, MINUTE) == 2 and ledger.lead("timetable", "a", LATE, MINUTE) is None

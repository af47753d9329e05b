from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import sqlalchemy as sa

from incidents import lifecycle
from incidents.errors import Conflict, Refused
from incidents.model import Grade, OutboxState, Reason
from incidents.store import tables as t
from tests.incidents.builders import (
    HOUR,
    MINUTE,
    T0,
    counts,
    judge_all,
    ledger_in,
    mention,
    save,
    telling,
    verdict,
)

BRIEF = {"at": T0.isoformat(), "title": "雾岛茶喝出虫子"}
LINE = lifecycle.NewTask(line="facts", pillar="speed", title="30 分钟事实清单", role="facts_owner", due_at=T0 + 30 * MINUTE, due_words="", evidence_kind="list", evidence_hint="", help="", seed="S3-09")


def opened(tmp_path: Path, grade: Grade = Grade.ORANGE):  # type: ignore[no-untyped-def]
    ledger, one = ledger_in(tmp_path), mention()
    save(ledger, one, snapshots=(counts(one, T0, reposts=5),))
    judge_all(ledger)
    follow(ledger, grade, T0)
    return ledger, ledger.incidents.of_story(1)


def follow(ledger, grade: Grade, at) -> None:  # type: ignore[no-untyped-def]
    stirred = ledger.stories.look_at(1, at)
    change = lifecycle.follow(story=stirred.story, verdict=verdict(grade), incident=ledger.incidents.of_story(1), brief={**BRIEF, "at": at.isoformat()},
                              playbook="food_safety", tasks=(LINE,), telling=telling(), now=at)
    ledger.incidents.decide(stirred, None, change, at, None)


def told(ledger) -> list[tuple[str, str, str]]:  # type: ignore[no-untyped-def]
    with ledger.engine.connect() as c:
        return [tuple(r) for r in c.execute(sa.select(t.outbox.c.reason, t.outbox.c.person, t.outbox.c.state).order_by(t.outbox.c.id))]


def test_opening_starts_clocks_tasks_timeline_and_one_alert(tmp_path: Path) -> None:
    ledger, incident = opened(tmp_path)
    assert incident.number == "2026-1120-01" and incident.grade == Grade.ORANGE
    assert {c.kind: c.due_at - T0 for c in ledger.incidents.clocks(incident)} == {"facts": 30 * MINUTE, "brief": HOUR, "first_statement": 4 * HOUR, "window_12h": 12 * HOUR, "window_24h": 24 * HOUR}
    assert [e.kind for e in ledger.incidents.events(incident.id)] == ["opened", "appeared"]
    assert told(ledger) == [("first", "lin", "pending")]


def test_deciding_twice_tells_once(tmp_path: Path) -> None:
    ledger, _incident = opened(tmp_path)
    follow(ledger, Grade.ORANGE, T0)
    assert told(ledger) == [("first", "lin", "pending")] and len(ledger.incidents.open()) == 1


def test_nobody_acknowledges_and_it_climbs(tmp_path: Path) -> None:
    ledger, _incident = opened(tmp_path)
    later = T0 + 15 * MINUTE
    assert ledger.incidents.overdue(T0 + 14 * MINUTE) == []
    (late,) = ledger.incidents.overdue(later)
    change = lifecycle.advance(late, telling(), later)
    ledger.incidents.apply(change, later)
    with pytest.raises(Conflict):  # a second scheduler decided on the same state
        ledger.incidents.apply(change, later)
    assert told(ledger)[-1] == (Reason.STEP.value, "shen", "pending")


def test_acknowledging_cancels_what_was_pending_and_stops_the_climb(tmp_path: Path) -> None:
    ledger, incident = opened(tmp_path)
    ledger.incidents.apply(lifecycle.acknowledge(incident, "lin", Grade.ORANGE, telling(), T0 + MINUTE), T0 + MINUTE)
    assert told(ledger) == [("first", "lin", OutboxState.CANCELLED.value)]
    assert ledger.incidents.overdue(T0 + HOUR) == []
    assert ledger.incidents.one(incident.id).owner == "lin"


def test_a_raise_voids_the_acknowledgement_and_rings_again(tmp_path: Path) -> None:
    ledger, incident = opened(tmp_path, Grade.YELLOW)
    ledger.incidents.apply(lifecycle.acknowledge(incident, "lin", Grade.YELLOW, telling(), T0), T0)
    follow(ledger, Grade.RED, T0 + MINUTE)
    now = ledger.incidents.one(incident.id)
    assert now.acked_by is None and now.grade == Grade.RED and told(ledger)[-1] == ("raised", "lin", "pending")


def test_who_saw_another_grade_must_look_again(tmp_path: Path) -> None:
    _, incident = opened(tmp_path)
    with pytest.raises(Conflict):
        lifecycle.acknowledge(incident, "lin", Grade.YELLOW, telling(), T0)


def test_an_acknowledgement_runs_out_and_the_chain_begins_again(tmp_path: Path) -> None:
    ledger, incident = opened(tmp_path)
    ledger.incidents.apply(lifecycle.acknowledge(incident, "lin", Grade.ORANGE, telling(), T0), T0)
    end = T0 + 2 * HOUR
    (late,) = ledger.incidents.overdue(end)
    ledger.incidents.apply(lifecycle.advance(late, telling(), end), end)
    assert told(ledger)[-1] == ("acknowledgement_expired", "lin", "pending")
    assert ledger.incidents.one(incident.id).next_step_at == end + 15 * MINUTE


def test_lowering_waits_for_its_hold_time(tmp_path: Path) -> None:
    ledger, incident = opened(tmp_path)
    for minutes in (1, 30, 62):
        follow(ledger, Grade.YELLOW, T0 + minutes * MINUTE)
    assert ledger.incidents.one(incident.id).grade == Grade.YELLOW
    assert next(e.kind for e in ledger.incidents.events(incident.id)) == "lowered"


def test_red_is_lowered_by_a_person_only(tmp_path: Path) -> None:
    ledger, incident = opened(tmp_path, Grade.RED)
    for hours in (1, 5, 9):
        follow(ledger, Grade.BLUE, T0 + hours * HOUR)
    assert ledger.incidents.one(incident.id).grade == Grade.RED


def test_a_broken_clock_is_one_event_and_one_alert(tmp_path: Path) -> None:
    ledger, _incident = opened(tmp_path)
    at = T0 + 31 * MINUTE
    for _ in range(2):
        for found, late in ledger.incidents.late_clocks(at):
            ledger.incidents.apply(lifecycle.breach(found, late, telling(), at), at)
    assert [r for r in told(ledger) if r[0] == "clock_breached"] == [("clock_breached", "lin", "pending")]


def test_a_clock_that_was_past_at_the_opening_is_recorded_and_not_told(tmp_path: Path) -> None:
    ledger, one = ledger_in(tmp_path), mention(published=T0 - 30 * HOUR)
    save(ledger, one, snapshots=(counts(one, T0, reposts=5),))
    judge_all(ledger)
    follow(ledger, Grade.ORANGE, T0)
    for found, late in ledger.incidents.late_clocks(T0 + MINUTE):
        ledger.incidents.apply(lifecycle.breach(found, late, telling(), T0 + MINUTE), T0 + MINUTE)
    broken = [c.kind for c in ledger.incidents.clocks(ledger.incidents.of_story(1)) if c.breached_at]
    assert broken == ["first_statement", "window_12h", "window_24h"] and [r[0] for r in told(ledger)] == ["first"]


def test_ticking_the_facts_line_keeps_the_facts_clock(tmp_path: Path) -> None:
    ledger, incident = opened(tmp_path)
    (task,) = ledger.incidents.tasks(incident)
    with pytest.raises(Refused):
        ledger.incidents.finish_task(task.id, task.version, person="lin", evidence={"text": " "}, waived=None, world=T0)
    ledger.incidents.finish_task(task.id, task.version, person="lin", evidence={"text": "清单 11 行"}, waived=None, world=T0 + MINUTE)
    assert next(c for c in ledger.incidents.clocks(incident) if c.kind == "facts").met_at == T0 + MINUTE
    with pytest.raises(Conflict):  # the second editor's page is old
        ledger.incidents.finish_task(task.id, task.version, person="shen", evidence={"text": "也做了"}, waived=None, world=T0 + MINUTE)


def test_closing_needs_the_list_done_and_a_root_cause(tmp_path: Path) -> None:
    ledger, incident = opened(tmp_path)
    tasks = ledger.incidents.tasks(incident)
    with pytest.raises(Refused):
        lifecycle.close(incident, tasks, "原料验收没有留样", "lin", telling(), T0)
    with pytest.raises(Refused):
        lifecycle.close(incident, [], " ", "lin", telling(), T0)
    ledger.incidents.apply(lifecycle.close(incident, [], "原料验收没有留样", "lin", telling(), T0 + HOUR), T0 + HOUR)
    assert ledger.incidents.open() == []


def test_flaring_up_again_within_72_hours_is_the_next_episode(tmp_path: Path) -> None:
    ledger, incident = opened(tmp_path)
    ledger.incidents.apply(lifecycle.close(incident, [], "原料验收没有留样", "lin", telling(), T0 + HOUR), T0 + HOUR)
    follow(ledger, Grade.YELLOW, T0 + 20 * HOUR)
    again = ledger.incidents.one(incident.id)
    assert (again.episode, again.grade, again.is_open) == (2, Grade.YELLOW, True)
    assert len(ledger.incidents.tasks(again)) == 1


def test_the_timeline_shows_what_was_known_then_and_alteration_shows(tmp_path: Path) -> None:
    ledger, incident = opened(tmp_path)
    follow(ledger, Grade.RED, T0 + HOUR)
    assert [e.kind for e in ledger.incidents.events(incident.id, known_by=T0 + MINUTE)] == ["opened", "appeared"]
    digests = list(ledger.incidents.events(incident.id))
    assert len(digests) == 3


def test_a_branch_adds_its_lines_once(tmp_path: Path) -> None:
    ledger, incident = opened(tmp_path)
    line = dataclasses.replace(LINE, line="threat-1", title="来电来函逐字记录")
    for _ in range(2):
        ledger.incidents.apply(lifecycle.branch(ledger.incidents.one(incident.id), "threat", "以曝光相要挟", (line,), "lin", T0), T0)
    assert [task.line for task in ledger.incidents.tasks(incident)] == ["facts", "threat-1"]

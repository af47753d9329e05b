"""Role × action, enforced where the write is, whatever a page shows."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from dashboard import actions, reads
from dashboard.desk import Desk
from incidents import checklist
from incidents.errors import Conflict, Refused
from incidents.model import Grade, Person, Task
from tests.dashboard import world

ROLES = ("viewer", "auditor", "analyst", "duty", "coordinator", "lead", "pr_head", "vp", "crisis_manager", "spokesperson", "legal", "facts_owner", "approver", "admin")
LOOK_ONLY = {"viewer", "auditor"}
ALLOWED = {
    "acknowledge": set(ROLES) - LOOK_ONLY - {"analyst"}, "tick": set(ROLES) - LOOK_ONLY - {"analyst"}, "undo": set(ROLES) - LOOK_ONLY - {"analyst"},
    "waive": {"coordinator", "lead", "pr_head", "vp", "crisis_manager", "approver", "admin"}, "close": {"coordinator", "lead", "pr_head", "vp", "crisis_manager", "approver", "admin"},
    "publish": set(ROLES) - LOOK_ONLY - {"analyst"}, "label": set(ROLES) - LOOK_ONLY,
    "branch": set(ROLES) - LOOK_ONLY - {"analyst"}, "keep_search": set(ROLES) - LOOK_ONLY, "delete_search": set(ROLES) - LOOK_ONLY,
    "rate": set(ROLES) - LOOK_ONLY, "resend": {"coordinator", "lead", "pr_head", "vp", "crisis_manager", "approver", "admin"},
}
BRAKES = "2026-1122-01"


def someone(*roles: str) -> Person:
    return Person(id=1, login="lin", name="林叙", roles=roles, mobile=None, channels=(), active=True)


def a_task(place: Desk, *, done: bool = False) -> Task:
    incident = place.ledger.incidents.by_number(BRAKES)
    assert incident is not None
    return next(task for task in place.ledger.incidents.tasks(incident) if (task.done_at is not None) is done)


def attempts(place: Desk, person: Person) -> dict[str, Callable[[], object]]:
    sent = next(one.id for one in place.ledger.outbox.newest() if one.sent_at)
    return {
        "acknowledge": lambda: actions.acknowledge(person, "2026-1122-02", Grade.YELLOW, world.NOON),
        "tick": lambda: actions.tick(person, a_task(place), "回执 1", world.NOON), "undo": lambda: actions.undo(person, a_task(place, done=True), world.NOON),
        "waive": lambda: actions.waive(person, a_task(place), "当事人不愿再联系", world.NOON), "close": lambda: actions.close(person, BRAKES, 0, "根因", world.NOON),
        "label": lambda: actions.label(person, place.ledger.labels.draw("lanye", world.NOON), "sentiment", "negative", world.NOON),
        "branch": lambda: actions.choose_branch(person, BRAKES, "threat", world.NOON),
        "publish": lambda: actions.publish(person, BRAKES, world.NOON, "https://weibo.example/s/1", "说明", world.NOON),
        "keep_search": lambda: actions.keep_search(person, "刹车", "刹车", {}, world.NOON), "delete_search": lambda: actions.delete_search(person, 1),
        "rate": lambda: actions.rate(person, sent, None), "resend": lambda: actions.resend(person, sent),
    }


def test_every_action_of_the_module_is_in_the_matrix() -> None:
    assert set(actions.MAY) == set(ALLOWED)


@pytest.mark.parametrize(("role", "action"), list(itertools.product(ROLES, ALLOWED)))
def test_the_matrix(role: str, action: str) -> None:
    assert actions.may(someone(role), action) is (role in ALLOWED[action])


def test_who_may_not_is_refused_by_the_write_itself_and_noted(place: Desk) -> None:
    for action, write in attempts(place, someone("viewer")).items():
        with pytest.raises(Refused):
            write()
        with place.ledger.engine.connect() as c:
            assert c.exec_driver_sql("SELECT count(*) FROM audit WHERE what = 'refused' AND \"values\" LIKE ?", (f"%{action}%",)).scalar_one() == 1


def test_choosing_a_branch_adds_its_lines_once_and_says_so(place: Desk) -> None:
    food = place.ledger.incidents.open()[0]
    with place.ledger.engine.begin() as c:
        c.exec_driver_sql("UPDATE incidents SET playbook = 'food_safety' WHERE id = ?", (food.id,))
    before = len(place.ledger.incidents.tasks(food))
    for _ in range(2):
        actions.choose_branch(someone("duty"), food.number, "threat", world.NOON)
    after = place.ledger.incidents.tasks(food)
    assert len(after) - before == len(checklist.load("food_safety").branch("threat").lines)
    assert place.ledger.incidents.events(food.id)[0].kind == "branch_chosen"


def test_acknowledging_needs_the_grade_that_was_seen(place: Desk) -> None:
    with pytest.raises(Conflict):
        actions.acknowledge(someone("duty"), "2026-1122-02", Grade.BLUE, world.NOON)
    assert actions.acknowledge(someone("duty"), "2026-1122-02", Grade.YELLOW, world.NOON).acked_by == "lin"


def test_a_line_that_was_changed_meanwhile_is_a_conflict(place: Desk) -> None:
    seen = a_task(place)
    actions.tick(someone("duty"), seen, "回执 1", world.NOON)
    with pytest.raises(Conflict):
        actions.tick(someone("duty"), seen, "回执 2", world.NOON)
    assert [proof["text"] for proof in next(task for task in place.ledger.incidents.tasks(place.ledger.incidents.open()[0]) if task.id == seen.id).evidence] == ["回执 1"]


def test_neither_empty_evidence_nor_an_empty_reason_will_do(place: Desk) -> None:
    for write in (lambda: actions.tick(someone("duty"), a_task(place), " \n", world.NOON), lambda: actions.waive(someone("lead"), a_task(place), " 无", world.NOON),
                  lambda: actions.rate(someone("duty"), 1, " ")):
        with pytest.raises(Refused):
            write()


def test_an_incident_with_open_lines_is_not_closed(place: Desk) -> None:
    incident = place.ledger.incidents.by_number(BRAKES)
    assert incident is not None
    with pytest.raises(Refused):
        actions.close(someone("lead"), BRAKES, incident.version, "制动助力批次缺陷", world.NOON)
    for task in place.ledger.incidents.tasks(incident):
        if task.done_at is None:
            actions.waive(someone("lead"), task, "并入主机厂召回处理", world.NOON)
    actions.close(someone("lead"), BRAKES, incident.version, "制动助力批次缺陷", world.NOON)
    closed = reads.incident(BRAKES)
    assert closed is not None and not closed.is_open


def test_a_saved_search_is_deleted_by_who_keeps_it_or_by_a_head(place: Desk) -> None:
    number = actions.keep_search(someone("analyst"), "刹车", "刹车 NEAR/10 失灵", {"brand": "lanye"}, world.NOON)
    other = Person(id=2, login="gu", name="顾南乔", roles=("analyst",), mobile=None, channels=(), active=True)
    with pytest.raises(Refused):
        actions.delete_search(other, number)
    assert [one.name for one in reads.saved_searches()] == ["刹车"]
    actions.delete_search(Person(id=3, login="shen", name="沈禾", roles=("pr_head",), mobile=None, channels=(), active=True), number)
    assert reads.saved_searches() == ()

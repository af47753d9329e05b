"""All writes of the pages: who may do what is decided here, and nowhere else.

Each function takes the person, the version that the person saw, and the world's time. A refusal is
``Refused`` (a rule), a ``Conflict`` means that somebody was faster: the page shows what is there now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from dashboard import desk, reads
from incidents import checklist, lifecycle, now, published
from incidents.errors import Conflict, Refused
from incidents.lifecycle import Telling
from incidents.model import Grade, Incident, Person, Receiver, Task
from incidents.store.labels import ToLabel

DUTY = frozenset({"duty", "coordinator", "lead", "pr_head", "vp", "crisis_manager", "spokesperson", "legal", "facts_owner", "approver", "admin"})
HEADS = frozenset({"coordinator", "lead", "pr_head", "vp", "crisis_manager", "approver", "admin"})

# action → roles that may. Viewers and auditors look only.
MAY: Final[Mapping[str, frozenset[str]]] = {
    "acknowledge": DUTY,
    "tick": DUTY,
    "undo": DUTY,
    "waive": HEADS,
    "close": HEADS,
    "branch": DUTY,
    "rate": DUTY | {"analyst"},
    "resend": HEADS,
    "publish": DUTY,
    "keep_search": DUTY | {"analyst"},
    "delete_search": DUTY | {"analyst"},
    "label": DUTY | {"analyst"},
}


def may(person: Person, action: str) -> bool:
    """What a person sets aside for themselves (``prefer``) everybody may."""
    return action not in MAY or not MAY[action].isdisjoint(person.roles)


def _check(person: Person, action: str) -> None:
    """Raises Refused for a role that may not; the attempt goes into the audit."""
    if may(person, action):
        return
    desk.here().ledger.people.note(person.login, "refused", {"action": action}, now.machine())
    raise Refused(f"Your role does not allow this ({action}); ask a coordinator.")


def acknowledge(person: Person, number: str, seen: Grade, world: datetime) -> Incident:
    """Take the incident over, at the grade that the person saw. Twice by the same person at the same grade is once.

    Raises:
        Refused: the role may not, there is no such incident, or it is closed.
        Conflict: the grade has changed since, or somebody else wrote at the same moment (tried three times).
    """
    _check(person, "acknowledge")
    for attempt in range(3):
        incident = _incident(number)
        if incident.acked_by == person.login and incident.acked_grade == seen == incident.grade:
            return incident
        change = lifecycle.acknowledge(incident, person.login, seen, _telling(incident), world)
        try:
            desk.here().ledger.incidents.apply(change, world)
            break
        except Conflict:  # the brief was refreshed between read and write; the grade is looked at again
            if attempt == 2:
                raise
    reads.forget()
    return _incident(number)


def tick(person: Person, task: Task, evidence: str, world: datetime) -> None:
    """Do a line of the checklist: the evidence says what proves it.

    Raises:
        Refused: no evidence, or the role may not.
        Conflict: the line is not as ``task.version`` says.
    """
    _check(person, "tick")
    _once(lambda: desk.here().ledger.incidents.finish_task(task.id, task.version, person=person.login, evidence={"text": evidence.strip()[:2_000]}, waived=None, world=world))


def waive(person: Person, task: Task, why: str, world: datetime) -> None:
    """Leave a line undone with one's name under the reason."""
    _check(person, "waive")
    if len(why.strip()) < 4:
        raise Refused("A waiver needs a reason that somebody can read later.")
    _once(lambda: desk.here().ledger.incidents.finish_task(task.id, task.version, person=person.login, evidence=None, waived=why.strip()[:500], world=world))


def undo(person: Person, task: Task, world: datetime) -> None:
    _check(person, "undo")
    _once(lambda: desk.here().ledger.incidents.undo_task(task.id, task.version, person=person.login, world=world))


def close(person: Person, number: str, version: int, root_cause: str, world: datetime) -> None:
    """End an incident. Refused while lines are open or the root cause is missing."""
    _check(person, "close")
    incident = _incident(number)
    if incident.version != version:
        raise Conflict("The incident has changed since this page was opened.")
    open_tasks = [task for task in desk.here().ledger.incidents.tasks(incident) if task.done_at is None]
    change = lifecycle.close(incident, open_tasks, root_cause, person.login, _telling(incident), world)
    _once(lambda: _apply(change, world))


def choose_branch(person: Person, number: str, branch_id: str, world: datetime) -> None:
    """Add the lines of a branch of the playbook; choosing it again adds nothing."""
    _check(person, "branch")
    incident = _incident(number)
    playbook = checklist.load(incident.playbook)
    tasks = checklist.branch(playbook, branch_id, appeared=incident.first_appeared, known=incident.opened_at, graded=incident.graded_at, chosen=world)
    change = lifecycle.branch(incident, branch_id, playbook.branch(branch_id).title, tasks, person.login, world)
    _once(lambda: _apply(change, world))


def publish(person: Person, number: str, at: datetime, link: str, title: str, world: datetime) -> None:
    """A statement is out: when the public could first read it, and where. It goes on the timeline and into the audit.

    Raises:
        Refused: the role may not, the time cannot be, or the link is no web address.
    """
    _check(person, "publish")
    incident = _incident(number)
    known = [event.values.get("link") for event in desk.here().ledger.incidents.events(incident.id) if event.kind == published.KIND and event.happened_at == at]
    if link.strip() in known:
        return  # the button was pressed twice
    _once(lambda: _apply(published.publish(incident, person.login, at, link, title, world), world))
    desk.here().ledger.people.note(person.login, published.KIND, {"incident": number, "link": link.strip(), "at": at.isoformat()}, now.machine())


def rate(person: Person, outbox_id: int, why_wrong: str | None) -> None:
    """A person's word on one alert: right, or wrong with a reason."""
    _check(person, "rate")
    if why_wrong is not None and len(why_wrong.strip()) < 2:
        raise Refused("Say in a few words what is wrong: that is what makes the next one better.")
    rating = "right" if why_wrong is None else f"wrong: {why_wrong.strip()}"
    _once(lambda: desk.here().ledger.outbox.rate(outbox_id, rating))


def resend(person: Person, outbox_id: int) -> None:
    """Give a dead letter another life."""
    _check(person, "resend")
    _once(lambda: desk.here().ledger.outbox.resend(outbox_id))


def keep_search(person: Person, name: str, query: str, narrowed: Mapping[str, str], world: datetime) -> int:
    """Keep a search for the whole team.

    Raises:
        Refused: the role may not, the name is empty or taken, or too many are kept.
    """
    _check(person, "keep_search")
    try:
        return desk.here().ledger.searches.keep(name, query, narrowed, by=person.login, world=world, machine=now.machine())
    finally:
        reads.forget()


def label(person: Person, one: ToLabel, field: str, value: str, world: datetime) -> None:
    """Say what a mention is; append-only, with who and when. Refused for a role that may not."""
    _check(person, "label")
    try:
        desk.here().ledger.labels.keep(one, field, value, by=person.login, world=world)
    finally:
        reads.forget()


def delete_search(person: Person, search_id: int) -> None:
    """Delete one's own saved search; a head may delete anybody's. Gone already is done."""
    _check(person, "delete_search")
    found = desk.here().ledger.searches.one(search_id)
    if found is not None and found.made_by != person.login and HEADS.isdisjoint(person.roles):
        desk.here().ledger.people.note(person.login, "refused", {"action": "delete_search", "name": found.name}, now.machine())
        raise Refused("Somebody else keeps this search; ask them, or a coordinator.")
    _once(lambda: desk.here().ledger.searches.delete(search_id, by=person.login, machine=now.machine()))


def prefer(person: Person, name: str, value: str) -> None:
    """What a person sets aside for themselves; every role may."""
    desk.here().ledger.people.prefer(person.login, name, value)
    reads.forget()


def _once(write: Callable[[], object]) -> None:
    """Write, then forget what was read: also after a Conflict, so that the page shows what is there now."""
    try:
        write()
    finally:
        reads.forget()


def _incident(number: str) -> Incident:
    incident = desk.here().ledger.incidents.by_number(number)
    if incident is None:
        raise Refused(f"There is no incident {number}.")
    return incident


def _telling(incident: Incident) -> Telling:
    """The times of the settings, and the people of the chain that was copied when the incident opened."""
    settings = desk.here().settings
    receivers = {one.login: tuple(Receiver(person=one.login, channel=channel, mobile=one.mobile) for channel in one.channels) for one in settings.people}
    return Telling(grades=settings.grades, chains=dict.fromkeys(Grade, incident.chain), receivers=receivers)


def _apply(change: lifecycle.Change, world: datetime) -> None:
    desk.here().ledger.incidents.apply(change, world)

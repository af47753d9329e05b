"""Who is told at which step, and on what: roles of the settings resolved to people who can be reached. Pure.

A role that nobody holds falls to the coordinator, then to an admin, then to anybody who can be reached:
an alert without a receiver would be a loss. ``check`` says aloud what is missing before it matters.
"""

from __future__ import annotations

from collections.abc import Iterator

from alerts.channels import kinds
from incidents.errors import SettingsError
from incidents.i18n import words
from incidents.lifecycle import Telling
from incidents.model import Grade, Receiver, Step
from incidents.settings import GRADES, ChannelSettings, PersonSettings, Settings, StepSettings

INSTEAD = ("coordinator", "admin")
KEEPERS = ("admin", "coordinator")
ADDRESSLESS = ("console",)  # kinds of channel that need no url


def telling(settings: Settings) -> Telling:
    """Chains by grade and receivers by login, as the lifecycle wants them."""
    return Telling(
        grades=settings.grades,
        chains={grade: _chain(settings, grade) for grade in Grade if grade != Grade.NONE},
        receivers={person.login: _receivers(person) for person in settings.people},
        keepers=tuple(person.login for person in _reachable(settings) if set(person.roles) & set(KEEPERS)) or _anybody(settings),
    )


def people_of(settings: Settings, role: str) -> tuple[str, ...]:
    """Logins that a step for ``role`` reaches; empty only where nobody has a channel."""
    for wanted in (role, *INSTEAD):
        if found := tuple(person.login for person in _reachable(settings) if wanted in person.roles):
            return found
    return _anybody(settings)


def check(settings: Settings) -> list[str]:
    """What would keep an alert from reaching anybody, each with the way out. Empty when all is well."""
    return [*_nobody(settings), *(fault for channel in settings.channels for fault in _faults(settings, channel))]


def weak_points(settings: Settings) -> list[str]:
    """What works but may not ring: a role filled by somebody else, one channel only, no mobile number for 橙 and 红."""
    return [*_stand_ins(settings), *_silent_phones(settings)]


def _chain(settings: Settings, grade: Grade) -> tuple[Step, ...]:
    return tuple(_step(settings, step) for step in settings.grades.of(grade.code).chain)


def _step(settings: Settings, step: StepSettings) -> Step:
    people = tuple(dict.fromkeys(login for role in step.roles for login in people_of(settings, role)))
    return Step(after=step.after, people=people, label=" ".join(step.roles))


def _receivers(person: PersonSettings) -> tuple[Receiver, ...]:
    return tuple(Receiver(person=person.login, channel=channel, mobile=person.mobile) for channel in dict.fromkeys(person.channels))


def _reachable(settings: Settings) -> tuple[PersonSettings, ...]:
    return tuple(person for person in settings.people if person.channels)


def _anybody(settings: Settings) -> tuple[str, ...]:
    return tuple(person.login for person in _reachable(settings))[:1]


def _nobody(settings: Settings) -> Iterator[str]:
    if not settings.channels:
        yield words("duty.no_channel")
    elif not settings.people:
        yield words("duty.nobody_named")
    elif not _reachable(settings):
        yield words("duty.nobody_reachable")


def _faults(settings: Settings, channel: ChannelSettings) -> Iterator[str]:
    if channel.kind not in kinds():
        yield words("duty.channel_kind", channel=channel.id, kind=channel.kind, known=", ".join(kinds()))
    elif channel.url is None and channel.kind not in ADDRESSLESS:
        yield words("duty.channel_url", channel=channel.id, kind=channel.kind)
    for value in (channel.url, channel.secret):
        try:
            settings.secret(value)
        except SettingsError as error:
            yield words("duty.channel_secret", channel=channel.id, fault=error)


def _stand_ins(settings: Settings) -> Iterator[str]:
    held = {role for person in _reachable(settings) for role in person.roles}
    for code in GRADES:
        for role in dict.fromkeys(role for step in settings.grades.of(code).chain for role in step.roles):
            if role not in held and (instead := people_of(settings, role)):
                yield words("duty.stand_in", grade=words(f"grade.{code}"), role=role, people=", ".join(instead))


def _silent_phones(settings: Settings) -> Iterator[str]:
    reached = {login for code in ("orange", "red") for step in settings.grades.of(code).chain for role in step.roles for login in people_of(settings, role)}
    for person in _reachable(settings):
        if person.login in reached and len(set(person.channels)) < 2:
            yield words("duty.one_channel", person=person.login)
        if person.login in reached and not person.mobile:
            yield words("duty.no_mobile", person=person.login)

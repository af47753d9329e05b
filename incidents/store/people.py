"""People, their passwords, sessions and one-time log-in links. All times here are machine time.

Passwords: argon2id (RFC 9106, the library's defaults), at least 12 characters. Only digests of session
and link secrets are kept, so that a copy of the ledger logs nobody in.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy.engine import Engine

from incidents.errors import Refused
from incidents.model import Person
from incidents.settings import PersonSettings
from incidents.store import tables as t
from incidents.store.engine import reading, writing

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=8)
LINK_LASTS = timedelta(hours=24)
LOCK_AFTER, LOCK_FOR = 5, timedelta(minutes=5)
COMMON = frozenset({"123456789012", "password1234", "passw0rd1234", "qwertyuiop12", "woaini521314", "1qaz2wsx3edc", "administrator", "aaaaaaaaaaaa", "111111111111", "000000000000"})


class PeopleStore:
    """Who may come in, and who is in."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._hasher = PasswordHasher()

    def sync(self, people: Sequence[PersonSettings]) -> None:
        """Make the ledger's people those of the settings; who is no longer named can no longer come in."""
        p = t.people.c
        with writing(self._engine) as c:
            c.execute(sa.update(t.people).values(active=False))
            for person in people:
                values: dict[str, Any] = dict(name=person.name, roles=list(person.roles), mobile=person.mobile, channels=list(person.channels), active=True)
                if c.execute(sa.update(t.people).where(p.login == person.login).values(**values)).rowcount == 0:
                    c.execute(sa.insert(t.people).values(login=person.login, **values))
            gone = sa.select(p.login).where(~p.active)
            c.execute(sa.delete(t.sessions).where(t.sessions.c.login.in_(gone)))

    def all(self) -> list[Person]:
        with reading(self._engine) as c:
            return [_person(r) for r in c.execute(sa.select(t.people).where(t.people.c.active).order_by(t.people.c.id)).mappings()]

    def one(self, login: str) -> Person | None:
        with reading(self._engine) as c:
            row = c.execute(sa.select(t.people).where(t.people.c.login == login, t.people.c.active)).mappings().first()
        return None if row is None else _person(row)

    def set_password(self, login: str, password: str) -> None:
        """Raises Refused for a short or common password or an unknown person."""
        check_strength(password)
        with writing(self._engine) as c:
            if c.execute(sa.update(t.people).where(t.people.c.login == login).values(password=self._hasher.hash(password), failures=0, locked_until=None)).rowcount == 0:
                raise Refused(f"There is no person {login!r} in the settings.")
            c.execute(sa.delete(t.sessions).where(t.sessions.c.login == login))

    def check_password(self, login: str, password: str, machine: datetime) -> bool:
        """True for the right password. Five wrong ones lock the account for five minutes."""
        p = t.people.c
        with reading(self._engine) as c:
            row = c.execute(sa.select(t.people).where(p.login == login, p.active)).mappings().first()
        if row is None or row["password"] is None:
            self._hasher.hash(password[:100])  # the same work, so that timing does not tell who exists
            return False
        if row["locked_until"] is not None and row["locked_until"] > machine:
            return False
        right = self._verify(row["password"], password)
        failures = 0 if right else row["failures"] + 1
        locked = machine + LOCK_FOR if failures >= LOCK_AFTER else None
        with writing(self._engine) as c:
            c.execute(sa.update(t.people).where(p.login == login).values(failures=0 if locked else failures, locked_until=locked))
        return right

    def _verify(self, digest: str, password: str) -> bool:
        try:
            return self._hasher.verify(digest, password)
        except (VerifyMismatchError, InvalidHashError):
            return False

    def begin_session(self, login: str, machine: datetime) -> str:
        """A new session's secret, for the cookie."""
        secret = secrets.token_urlsafe(32)
        with writing(self._engine) as c:
            c.execute(sa.insert(t.sessions).values(digest=_digest(secret), login=login, created_at=machine, seen_at=machine, expires_at=machine + ABSOLUTE))
        return secret

    def in_session(self, secret: str | None, machine: datetime) -> Person | None:
        """Who holds this session, if it is still good; being seen keeps it from idling out."""
        if not secret:
            return None
        s, p = t.sessions.c, t.people.c
        with reading(self._engine) as c:
            row = c.execute(sa.select(t.people, s.seen_at).join(t.sessions, s.login == p.login).where(
                s.digest == _digest(secret), s.revoked_at.is_(None), s.expires_at > machine, s.seen_at > machine - IDLE, p.active)).mappings().first()
        if row is None:
            return None
        if machine - row["seen_at"] > timedelta(minutes=1):  # not a write for each rerun
            with writing(self._engine) as c:
                c.execute(sa.update(t.sessions).where(s.digest == _digest(secret)).values(seen_at=machine))
        return _person(row)

    def end_session(self, secret: str, machine: datetime) -> None:
        with writing(self._engine) as c:
            c.execute(sa.update(t.sessions).where(t.sessions.c.digest == _digest(secret)).values(revoked_at=machine))

    def make_link(self, login: str, machine: datetime) -> str:
        """The secret of a log-in link that works once, within 24 h."""
        secret = secrets.token_urlsafe(24)
        with writing(self._engine) as c:
            c.execute(sa.insert(t.login_links).values(digest=_digest(secret), login=login, expires_at=machine + LINK_LASTS))
        return secret

    def use_link(self, secret: str, machine: datetime) -> Person | None:
        """Who the link is for; the second use finds nobody."""
        k = t.login_links.c
        with writing(self._engine) as c:
            login = c.execute(sa.select(k.login).where(k.digest == _digest(secret), k.used_at.is_(None), k.expires_at > machine)).scalar()
            if login is None:
                return None
            c.execute(sa.update(t.login_links).where(k.digest == _digest(secret)).values(used_at=machine))
        return self.one(login)

    def preference(self, login: str, name: str) -> str | None:
        f = t.preferences.c
        with reading(self._engine) as c:
            return c.execute(sa.select(f.value).where(f.login == login, f.name == name)).scalar()

    def prefer(self, login: str, name: str, value: str) -> None:
        f = t.preferences.c
        with writing(self._engine) as c:
            if c.execute(sa.update(t.preferences).where(f.login == login, f.name == name).values(value=value)).rowcount == 0:
                c.execute(sa.insert(t.preferences).values(login=login, name=name, value=value))

    def note(self, who: str, what: str, values: Mapping[str, Any], at: datetime) -> None:
        """One line of the audit: who did what (log-ins, refusals, settings)."""
        with writing(self._engine) as c:
            c.execute(sa.insert(t.audit).values(at=at, who=who, what=what, values=dict(values)))


def check_strength(password: str) -> None:
    """Raises Refused for a password that is too short or on every list."""
    if len(password) < 12:
        raise Refused("A password needs at least 12 characters.")
    if password.lower() in COMMON or len(set(password)) < 5:
        raise Refused("This password is on every list of leaked ones: choose another.")


def _person(r: Mapping[Any, Any]) -> Person:
    return Person(id=r["id"], login=r["login"], name=r["name"], roles=tuple(r["roles"]), mobile=r["mobile"], channels=tuple(r["channels"]), active=r["active"])


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

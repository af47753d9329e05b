"""Playbooks: which lines the response checklist of an incident has, and by when each is due.

A playbook is one TOML file in ``incidents/playbooks/``; its name is the file's. It is checked when it is
read: an unknown key, a line that proves what another proves, or a missing clock line is an error that
says where. Lines are grouped by the 5S (S0-30); due times count from first appearance, from detection
or from the grading, as the line says.
"""

from __future__ import annotations

import difflib
import logging
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from incidents.errors import YujingError
from incidents.lifecycle import NewTask

log = logging.getLogger(__name__)

DEFAULT = "general"
PILLARS = ("shoulder", "sincerity", "speed", "system", "standard")
CLOCK_LINES = ("facts", "brief", "first_statement")  # ticking one of these keeps the clock of that name
FIRST_STATEMENT_WITHIN = timedelta(hours=4)  # S0-43 with the trade's 黄金4小时

Pillar = Literal["shoulder", "sincerity", "speed", "system", "standard"]
Base = Literal["appeared", "known", "graded", "chosen"]
Kind = Literal["person", "capture", "photo", "contact", "list", "decision", "opinion", "statement", "link", "receipt", "verification"]


class PlaybookError(YujingError):
    """A playbook is missing or its file cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line: who does what by when, and what proves it.

    ``base`` None means that the time counts from something that has not happened yet; ``due_words`` says what.
    """

    line: str
    pillar: str
    title: str
    role: str
    base: str | None
    within: timedelta | None
    due_words: str
    evidence_kind: str
    evidence_hint: str
    help: str
    seed: str
    repeats: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class Branch:
    """Further lines for what may turn out to be so; a person chooses it. ``when`` says by what it is known."""

    id: str
    title: str
    when: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class Law:
    """A text that lines refer to: which version, and on which day its articles were compared with the public text."""

    title: str
    version: str
    articles: str
    checked: date | None


@dataclass(frozen=True, kw_only=True)
class Playbook:
    name: str
    title: str
    issues: tuple[str, ...]
    reviewed: date
    lines: tuple[Line, ...]
    branches: tuple[Branch, ...]
    laws: tuple[Law, ...]

    def branch(self, branch_id: str) -> Branch:
        """Raises PlaybookError when there is no such branch."""
        for one in self.branches:
            if one.id == branch_id:
                return one
        raise PlaybookError(f"The playbook {self.name!r} has no branch {branch_id!r}{_meant(branch_id, [b.id for b in self.branches])}.")

    def every_line(self) -> tuple[Line, ...]:
        return (*self.lines, *(line for one in self.branches for line in one.lines))


# -- the file ------------------------------------------------------------------------------------------------


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class _LineTable(_Table):
    line: str = Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")
    pillar: Pillar
    title: str = Field(min_length=4, max_length=80)
    role: str = Field(pattern=r"^[a-z][a-z_]+$")
    base: Base | None = None
    minutes: int | None = Field(None, ge=1, le=60 * 24 * 90)
    due_words: str = ""
    repeats: int | None = Field(None, ge=15)
    evidence_kind: Kind
    evidence_hint: str = Field(min_length=4)
    help: str = Field(min_length=10)
    seed: str = Field(pattern=r"^S[0-4]-\d\d \S")

    @model_validator(mode="after")
    def _has_a_due_time(self) -> Self:
        if (self.base is None) != (self.minutes is None):
            raise ValueError("base and minutes belong together: give both, or neither and due_words")
        if self.base is None and not self.due_words:
            raise ValueError("the line is never due: give base and minutes, or due_words")
        if self.repeats is not None and not self.due_words:
            raise ValueError("a line that repeats says so to its reader: give due_words too")
        return self

    def line_of(self) -> Line:
        return Line(
            line=self.line, pillar=self.pillar, title=self.title, role=self.role, base=self.base, within=_minutes(self.minutes),
            due_words=self.due_words, evidence_kind=self.evidence_kind, evidence_hint=self.evidence_hint, help=self.help, seed=self.seed,
            repeats=_minutes(self.repeats))


class _BranchTable(_Table):
    id: str = Field(pattern=r"^[a-z][a-z_]+$")
    title: str = Field(min_length=2)
    when: str = Field(min_length=6)
    lines: tuple[_LineTable, ...] = Field(min_length=1)

    def branch_of(self) -> Branch:
        return Branch(id=self.id, title=self.title, when=self.when, lines=tuple(line.line_of() for line in self.lines))


class _LawTable(_Table):
    title: str
    version: str
    articles: str
    checked: date | None = None


class _File(_Table):
    title: str = Field(min_length=2)
    issues: tuple[str, ...] = ()
    reviewed: date
    line: tuple[_LineTable, ...] = Field(min_length=1)
    branch: tuple[_BranchTable, ...] = ()
    law: tuple[_LawTable, ...] = ()

    @model_validator(mode="after")
    def _lines_agree(self) -> Self:
        every = (*self.line, *(line for one in self.branch for line in one.lines))
        _refuse_twins("line", (line.line for line in every))
        _refuse_twins("evidence_hint", (line.evidence_hint for line in every))
        _refuse_twins("branch", (one.id for one in self.branch))
        _refuse_missing("line", CLOCK_LINES, {line.line for line in self.line})
        _refuse_missing("pillar", PILLARS, {line.pillar for line in self.line})
        _refuse_late_statement(self.line)
        if any(line.base == "chosen" for line in self.line):
            raise ValueError('base "chosen" is for the lines of a branch only')
        return self


def _minutes(count: int | None) -> timedelta | None:
    return None if count is None else timedelta(minutes=count)


def _refuse_twins(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{what} {value!r} is there twice; no two lines may be or prove the same")
        seen.add(value)


def _refuse_missing(what: str, wanted: Iterable[str], there: set[str]) -> None:
    for name in wanted:
        if name not in there:
            raise ValueError(f"there is no line whose {what} is {name!r}")


def _refuse_late_statement(lines: Iterable[_LineTable]) -> None:
    first = next(line for line in lines if line.line == "first_statement")
    within = _minutes(first.minutes)
    if first.base != "appeared" or within is None or within > FIRST_STATEMENT_WITHIN:
        raise ValueError("first_statement must be due within 240 minutes of first appearance")


# -- reading -------------------------------------------------------------------------------------------------


def names() -> tuple[str, ...]:
    """The playbooks that are there."""
    return tuple(sorted(file.name.removesuffix(".toml") for file in files(__package__).joinpath("playbooks").iterdir() if file.name.endswith(".toml")))


@lru_cache(maxsize=64)
def load(name: str) -> Playbook:
    """Read and check the playbook ``name``.

    Raises:
        PlaybookError: there is none of that name, or its file cannot be used; says where and what was meant.
    """
    if name not in names():
        raise PlaybookError(f"There is no playbook {name!r}{_meant(name, names())}.")
    text = files(__package__).joinpath("playbooks", f"{name}.toml").read_text(encoding="utf-8")
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlaybookError(f"The playbook {name!r} is not valid TOML: {error}.") from error
    return parse(name, raw)


def parse(name: str, raw: Mapping[str, Any]) -> Playbook:
    """Check ``raw``, the content of a playbook file. Raises PlaybookError."""
    try:
        file = _File.model_validate(raw)
    except ValidationError as error:
        faults = "\n".join(f"  {_explain(problem['loc'], problem['type'], problem['msg'])}" for problem in error.errors())
        raise PlaybookError(f"The playbook {name!r} cannot be used:\n{faults}") from error
    return Playbook(
        name=name, title=file.title, issues=file.issues, reviewed=file.reviewed, lines=tuple(line.line_of() for line in file.line),
        branches=tuple(one.branch_of() for one in file.branch), laws=tuple(Law(**law.model_dump()) for law in file.law))


def _explain(place: tuple[int | str, ...], kind: str, said: str) -> str:
    where = ".".join(str(part) for part in place) or "the file"
    if kind != "extra_forbidden":
        return f"{where}: {said.removeprefix('Value error, ')}"
    known: dict[str, type[BaseModel]] = {"line": _LineTable, "lines": _LineTable, "branch": _BranchTable, "law": _LawTable}
    table = next((known[part] for part in reversed(place[:-1]) if isinstance(part, str) and part in known), _File)
    return f"{where}: unknown key{_meant(str(place[-1]), list(table.model_fields))}"


def _meant(word: str, known: Iterable[str]) -> str:
    there = sorted(known)
    close = difflib.get_close_matches(word, there, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(there) or 'none'}"


# -- choosing and starting -----------------------------------------------------------------------------------


def choose(issue: str | None, wanted: str | None) -> str:
    """The playbook's name: the brand's own wish, else the one that declares the issue, else ``general``.

    A wish that is not there must not stop an incident from being opened: it is logged, and passed over.
    """
    if wanted is not None:
        if wanted in names():
            return wanted
        log.warning("There is no playbook %r%s; the incident's issue decides.", wanted, _meant(wanted, names()))
    return next((name for name in names() if issue is not None and issue in load(name).issues), DEFAULT)


def start(playbook: Playbook, appeared: datetime, known: datetime, graded: datetime) -> tuple[NewTask, ...]:
    """The tasks of a new incident, soonest first; those that wait for a later event come last."""
    return _tasks(playbook.lines, {"appeared": appeared, "known": known, "graded": graded})


def branch(playbook: Playbook, branch_id: str, *, appeared: datetime, known: datetime, graded: datetime, chosen: datetime) -> tuple[NewTask, ...]:
    """The tasks that a branch adds when somebody chooses it at ``chosen``.

    Raises:
        PlaybookError: the playbook has no such branch.
    """
    bases = {"appeared": appeared, "known": known, "graded": graded, "chosen": chosen}
    return _tasks(playbook.branch(branch_id).lines, bases)


def _tasks(lines: Iterable[Line], bases: Mapping[str, datetime]) -> tuple[NewTask, ...]:
    tasks = [_task(line, bases) for line in lines]
    dated = sorted((task for task in tasks if task.due_at is not None), key=lambda task: task.due_at or datetime.max)
    return (*dated, *(task for task in tasks if task.due_at is None))


def _task(line: Line, bases: Mapping[str, datetime]) -> NewTask:
    due = bases[line.base] + line.within if line.base is not None and line.within is not None else None
    return NewTask(
        line=line.line, pillar=line.pillar, title=line.title, role=line.role, due_at=due, due_words=line.due_words,
        evidence_kind=line.evidence_kind, evidence_hint=line.evidence_hint, help=line.help, seed=line.seed)

"""The nouns (see docs/glossary.md). Frozen values; nothing here does input or output.

Times are aware UTC. Counts of ``None`` are *unknown*, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from incidents.codes import *  # noqa: F403 - one place to import nouns from
from incidents.codes import Grade, Health, Precision, Reason, Sentiment, Stage

METRICS = ("reposts", "comments", "likes", "views")


@dataclass(frozen=True, kw_only=True)
class Author:
    """Who spoke. ``native_id`` never reaches the ledger: the door keeps a keyed HMAC and bands."""

    native_id: str
    name: str = ""
    followers: int | None = None
    friends: int | None = None
    posts: int | None = None
    verified: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Mention:
    """One post, article or comment, as a spider read it.

    ``native_id`` is unique within ``platform`` and ``site`` (a Discuz! pid is only unique on its forum).
    ``root`` is the native id of the thread's first post or of the reposted original.
    ``revisit`` is the address at which this mention's counts can be read again, with its kind.
    """

    source: str
    platform: str
    site: str
    native_id: str
    kind: str
    url: str
    text: str
    title: str = ""
    quote: str = ""
    author: Author | None = None
    published: datetime | None = None
    precision: Precision = Precision.UNKNOWN
    root: str | None = None
    revisit: str | None = None
    flags: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        return f"{self.platform}:{self.site}:{self.native_id}"

    @property
    def root_key(self) -> str | None:
        return f"{self.platform}:{self.site}:{self.root}" if self.root and self.root != self.native_id else None


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Engagement of one mention at one moment. ``floors`` names the metrics that are only lower bounds."""

    key: str
    at: datetime
    reposts: int | None = None
    comments: int | None = None
    likes: int | None = None
    views: int | None = None
    floors: frozenset[str] = frozenset()

    def counts(self) -> dict[str, int | None]:
        return {name: getattr(self, name) for name in METRICS}


@dataclass(frozen=True, kw_only=True)
class Follow:
    """An address to read next: ``kind`` is list, thread, article, revisit, longtext."""

    url: str
    kind: str
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class ParseWarning:
    """Something a parser could not read; it lost one field, not the page."""

    code: str
    text: str


@dataclass(frozen=True, kw_only=True)
class ParseResult:
    """What one page said. ``health`` is set when the page itself is a sign (log-in page, block page)."""

    mentions: tuple[Mention, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    follow: tuple[Follow, ...] = ()
    warnings: tuple[ParseWarning, ...] = ()
    health: Health | None = None
    next_page: str | None = None


@dataclass(frozen=True, kw_only=True)
class Span:
    """A marked stretch of a text, in code points, half-open. ``name`` is a code of the glossary or a term."""

    name: str
    field: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Score:
    """What the models said of one mention towards one brand. Probabilities are calibrated and sum to 1."""

    mention_id: int
    brand: str
    model: str
    negative: float
    neutral: float
    positive: float
    alarm: bool
    relevance: float | None = None
    aspect_sentiment: str | None = None
    issue: str | None = None
    issue_p: float | None = None
    nature: str | None = None
    noise: str | None = None
    hostile: float | None = None
    signals: tuple[Span, ...] = ()
    abstains: str | None = None
    why: tuple[Span, ...] = ()  # what decided issue, nature, noise and hostility; each named by what it is the reason for

    @property
    def sentiment(self) -> Sentiment:
        best = max(self.negative, self.neutral, self.positive)
        if best == self.negative:
            return Sentiment.NEGATIVE
        return Sentiment.NEUTRAL if best == self.neutral else Sentiment.POSITIVE

    def signal_names(self) -> frozenset[str]:
        return frozenset(span.name for span in self.signals)


@dataclass(frozen=True, kw_only=True)
class Horizon:
    """Quantiles of the total of a metric at one horizon, never decreasing, and P(total ≥ threshold)."""

    q: Mapping[str, float]  # "05" "10" "25" "50" "75" "90" "95"
    p_over: Mapping[int, float]


@dataclass(frozen=True, kw_only=True)
class PathPoint:
    at: datetime
    q10: float
    q50: float
    q90: float
    q25: float | None = None
    q75: float | None = None


@dataclass(frozen=True, kw_only=True)
class ForecastReason:
    """A code of the locale file (``forecast.reason.CODE``) with its values."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What the next 12 h and 24 h after first appearance may bring, or why nothing can be said.

    ``observed`` is the newest count used; a horizon that has passed is None.
    """

    metric: str
    platform: str
    first_seen: datetime
    made_at: datetime
    observed: int | None
    h12: Horizon | None
    h24: Horizon | None
    path: tuple[PathPoint, ...]
    crosses_at: Mapping[int, datetime | None]
    cold: bool
    reasons: tuple[ForecastReason, ...]
    abstains: str | None
    model: str


@dataclass(frozen=True, kw_only=True)
class Story:
    """Mentions that tell the same thing about one brand, with what the rules need to know of it."""

    id: int
    brand: str
    lead_id: int
    title: str
    first_appeared: datetime
    first_known: datetime
    mentions: int
    negatives: int
    authors: int
    platforms: tuple[str, ...]
    sources: tuple[str, ...]
    tiers: tuple[str, ...]
    signals: Mapping[str, int]  # signal name → number of relevant mentions that carry it
    issue: str | None
    observed: Mapping[str, int]  # metric → largest newest count of one member
    growth_1h: int | None  # interactions added in the last hour over all members; None = not known
    largest_id: int  # member with the largest newest count: its forecast is the story's
    stirred_version: int


@dataclass(frozen=True, kw_only=True)
class GradeReason:
    """A named reason of a grade; words in the locale file under ``grade.reason.CODE``."""

    code: str
    grade: Grade
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the policy says of a story now. ``holds_back`` says why it is not graded higher."""

    grade: Grade
    reasons: tuple[GradeReason, ...]
    holds_back: tuple[GradeReason, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of an escalation chain: after ``after`` without acknowledgement, these people are told."""

    after: timedelta
    people: tuple[str, ...]  # logins, already resolved from roles
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """One person on one channel."""

    person: str
    channel: str
    mobile: str | None = None


@dataclass(frozen=True, kw_only=True)
class Incident:
    """A story somebody must answer for."""

    id: int
    number: str  # 1122-01: month, day, running number of that day
    story_id: int
    brand: str
    title: str
    grade: Grade
    stage: Stage
    episode: int
    opened_at: datetime
    first_appeared: datetime
    closed_at: datetime | None
    reasons: tuple[GradeReason, ...]
    holds_back: tuple[GradeReason, ...]
    playbook: str
    owner: str | None
    acked_by: str | None
    acked_at: datetime | None
    acked_grade: Grade | None
    ack_until: datetime | None
    chain: tuple[Step, ...]
    step: int
    next_step_at: datetime | None
    chain_from: datetime  # when step 0 was told; the others count from here
    round: int
    first_told_at: datetime | None
    next_repeat_at: datetime | None
    graded_at: datetime
    lower_since: datetime | None
    brief: Mapping[str, Any]  # what an alert says of it, as of the last decision (incidents/brief.py)
    version: int

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A promise: start, owner, due time, and whether it was kept."""

    id: int
    incident_id: int
    kind: str  # facts brief first_statement window_12h window_24h
    starts_at: datetime
    due_at: datetime
    role: str
    met_at: datetime | None
    breached_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Event:
    """One fact or change of an incident: when it happened, and when we knew."""

    id: int
    incident_id: int
    happened_at: datetime
    known_at: datetime
    kind: str
    by: str
    values: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Task:
    """One line of the 5S checklist."""

    id: int
    incident_id: int
    line: str
    pillar: str  # shoulder sincerity speed system standard
    title: str
    role: str
    due_at: datetime | None  # None: counts from something that has not happened yet; due_words says what
    due_words: str
    evidence_kind: str
    evidence_hint: str
    help: str
    seed: str
    evidence: tuple[Mapping[str, Any], ...]
    done_at: datetime | None
    done_by: str | None
    waived: str | None
    version: int


@dataclass(frozen=True, kw_only=True)
class OutboxRow:
    """One alert to one receiver on one channel, leased to a sender."""

    id: int
    key: str
    incident_id: int | None
    grade: Grade
    reason: Reason
    receiver: Receiver
    body: Mapping[str, Any]
    due_at: datetime
    saved_at: datetime
    attempts: int
    token: int
    taken_over: bool = False  # its last sender went away with it in hand: whether it was told is not known


@dataclass(frozen=True, kw_only=True)
class Person:
    id: int
    login: str
    name: str
    roles: tuple[str, ...]
    mobile: str | None
    channels: tuple[str, ...]
    active: bool

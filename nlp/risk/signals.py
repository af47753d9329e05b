"""Everything the rules find in a title and a text: one call for the judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from incidents.model import Span
from incidents.text import Normal, normalise
from nlp.risk.context import facts
from nlp.risk.kinds import Issue, hostile, issue, nature, noise
from nlp.risk.lexicon import LONGEST, Hit, lexicon
from nlp.risk.small import small
from nlp.sentiment.clean import CHAIN, LINK, NAME, readable

TOLD = ("harm", "escalation", "crowd")  # groups that are signals; the others only decide kinds
STATED = ("harm", "escalation", "issue", "noise")  # groups that count only when said as a fact
MOST_READ = 800  # characters for the small model, links included
MOST_SPANS = 12  # of one name in one field: a long article names the media forty times


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Hits of title and text with their terms, the signals with offsets into the strings as given, and both
    strings normalised, without links and names."""

    hits: tuple[tuple[Hit, str], ...]
    signals: tuple[Span, ...]
    text: str

    @property
    def harm(self) -> bool:
        return any(hit.group == "harm" for hit, _ in self.hits)

    @property
    def alerting(self) -> bool:
        """Something that keeps a text a complaint, however calm it sounds."""
        return any(hit.group == "harm" or (hit.group, hit.name) in ALERTING for hit, _ in self.hits)


ALERTING = frozenset(
    {("crowd", "pile_on")}
    | {("escalation", name) for name in ("exposure_threat", "joint_action", "repeat", "rejects_remedy", "fraud")}
)


@dataclass(frozen=True, kw_only=True)
class Kinds:
    """What the hits and the probability of a negative text say together."""

    issue: Issue | None
    nature: str | None
    noise: str | None
    hostile: float


def find(title: str, text: str) -> Findings:
    """Read title and text with all rules. Never raises; only the first 20 000 characters of each are read."""
    hits: list[tuple[Hit, str]] = []
    signals: list[Span] = []
    forms: list[str] = []
    for field, value in (("title", title), ("text", text)):
        form = normalise(readable(value[:LONGEST]))
        found = _stated(form.text)
        forms.append(form.text)
        hits.extend((hit, form.text[hit.start : hit.end]) for hit in found)
        signals.extend(_spans(field, form, found))
    return Findings(hits=tuple(hits), signals=tuple(signals), text=_bare(*forms))


def _bare(title: str, text: str) -> str:
    both = text if not title or text.startswith(title) else f"{title}，{text}"
    return NAME.sub("@", CHAIN.sub(" ", LINK.sub(" ", both[:MOST_READ]))).strip()


def kinds(findings: Findings, negative: float) -> Kinds:
    """Issue, nature, noise and hostility, given P(negative)."""
    issues, natures = small().read(findings.text, findings.hits, negative)
    named = issue(issues, negative, findings.alerting)
    return Kinds(
        issue=named,
        nature=nature(natures, findings.harm),
        noise=noise(findings.hits, negative),
        hostile=hostile(findings.hits),
    )


def _stated(text: str) -> list[Hit]:
    rules = lexicon()
    found = rules.hits(text)
    doubtful = [hit for hit in found if hit.group in STATED]
    sure = [hit for hit in found if hit.group not in STATED]
    return sorted([*facts(text, doubtful, rules.context), *sure], key=lambda hit: (hit.start, hit.end, hit.name))


def _spans(field: str, form: Normal, hits: Sequence[Hit]) -> list[Span]:
    spans: list[Span] = []
    for hit in hits:
        if hit.group in TOLD and sum(span.name == hit.name for span in spans) < MOST_SPANS:
            spans.append(Span(name=hit.name, field=field, start=form.origin[hit.start], end=form.origin[hit.end - 1] + 1))
    return spans

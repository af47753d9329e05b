"""Everything the rules find in a title and a text: one call for the judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from incidents.model import Span
from incidents.text import Normal, normalise
from nlp.risk.context import facts
from nlp.risk.kinds import Issue, hostile, issue, nature, noise
from nlp.risk.lexicon import LONGEST, Hit, lexicon
from nlp.risk.small import Vector, small
from nlp.sentiment.clean import CHAIN, LINK, NAME, readable

TOLD = ("harm", "escalation", "crowd")  # groups that are signals; the others only decide kinds
STATED = ("harm", "escalation", "issue", "noise")  # groups that count only when said as a fact
MOST_READ = 800  # characters for the small model, links included
BARE = ((LINK, " "), (CHAIN, " "), (NAME, "@"))  # what the small model does not read, in this order
MOST_SPANS = 12  # of one name in one field: a long article names the media forty times


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Hits of title and text with their terms, their places in the strings as given (``marks``, each with its group;
    ``signals``, those that are told), both strings normalised one by one (``forms``) and together, without links and names."""

    hits: tuple[tuple[Hit, str], ...]
    marks: tuple[tuple[str, Span], ...]
    signals: tuple[Span, ...]
    forms: tuple[tuple[str, Normal], ...]
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
    shares: tuple[Vector, Vector] | None = field(default=None, compare=False, repr=False)  # of all issues, of all natures


def find(title: str, text: str) -> Findings:
    """Read title and text with all rules. Never raises; only the first 20 000 characters of each are read."""
    hits: list[tuple[Hit, str]] = []
    marks: list[tuple[str, Span]] = []
    forms: list[tuple[str, Normal]] = []
    for name, value in (("title", title), ("text", text)):
        form = normalise(readable(value[:LONGEST]))
        found = _stated(form.text)
        forms.append((name, form))
        hits.extend((hit, form.text[hit.start : hit.end]) for hit in found)
        marks.extend(_marks(name, form, found))
    signals = tuple(span for group, span in marks if group in TOLD)
    return Findings(hits=tuple(hits), marks=tuple(marks), signals=signals, forms=tuple(forms), text=_bare(forms[0][1].text, forms[1][1].text))


def _bare(title: str, text: str) -> str:
    both = text if once(title, text) else f"{title}，{text}"
    for pattern, place in BARE:
        both = pattern.sub(place, both[:MOST_READ])
    return both.strip()


def once(title: str, text: str) -> bool:
    """Whether the text alone says what both say."""
    return not title or text.startswith(title)


def kinds(findings: Findings, negative: float) -> Kinds:
    """Issue, nature, noise and hostility, given P(negative)."""
    issues, natures = small().read(findings.text, findings.hits, negative)
    named = issue(issues, negative, findings.alerting)
    return Kinds(
        issue=named,
        nature=nature(natures, findings.harm),
        noise=noise(findings.hits, negative),
        hostile=hostile(findings.hits),
        shares=(issues, natures),
    )


def _stated(text: str) -> list[Hit]:
    rules = lexicon()
    found = rules.hits(text)
    doubtful = [hit for hit in found if hit.group in STATED]
    sure = [hit for hit in found if hit.group not in STATED]
    return sorted([*facts(text, doubtful, rules.context), *sure], key=lambda hit: (hit.start, hit.end, hit.name))


def _marks(field: str, form: Normal, hits: Sequence[Hit]) -> list[tuple[str, Span]]:
    marks: list[tuple[str, Span]] = []
    counts: Counter[tuple[str, str]] = Counter()
    for hit in hits:
        counts[hit.group, hit.name] += 1
        if counts[hit.group, hit.name] <= MOST_SPANS:
            marks.append((hit.group, Span(name=hit.name, field=field, start=form.origin[hit.start], end=form.origin[hit.end - 1] + 1)))
    return marks

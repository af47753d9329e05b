"""Issue class, nature, noise and hostility of a text, from its hits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nlp.risk.lexicon import Hit, lexicon
from nlp.risk.small import ISSUE_CLASSES, NATURE_CLASSES, NONE, Vector

CALM = 0.065  # P(negative) of the floor model below which a text without a signal is praise: no open case is below 0.069
LEAST = 0.05  # share below which no signal makes an issue of it: of the cases none has so little, of 180 real posts three wrong ones had
UNCERTAIN = 0.6  # what speaks for no class; one hit alone then gives p = 0.62


@dataclass(frozen=True, kw_only=True)
class Issue:
    """A class of the glossary; ``p`` is how often such an answer is right on cases that the model did not see."""

    name: str
    p: float


def by_rules(hits: Sequence[tuple[Hit, str]]) -> Issue | None:
    """The class with most weight among the hits (each with its term): what the small model is taught with.

    Further terms of a class count half as much each: ten words for one defect are one defect. ``p`` is the share
    of the weight, not a tested frequency.
    """
    terms: dict[str, set[str]] = defaultdict(set)
    for hit, term in hits:
        if hit.group == "issue":
            terms[hit.name].add(term)
    if not terms:
        return None
    points = {name: lexicon().weight(name) * (2 - 2 ** (1 - len(found))) for name, found in terms.items()}
    best = max(points, key=lambda name: (points[name], name))
    return Issue(name=best, p=round(points[best] / (sum(points.values()) + UNCERTAIN), 3))


def issue(shares: Vector, negative: float, alerting: bool) -> Issue | None:
    """The likeliest class, given the small model's shares of ISSUE_CLASSES; None when no class is likelier.

    Where a signal stands the text is a complaint, and praise is none (P(negative) below CALM).
    """
    best = int(shares[:-1].argmax())
    if shares[best] < LEAST or (not alerting and (shares[-1] >= shares[best] or negative < CALM)):
        return None
    return Issue(name=ISSUE_CLASSES[best], p=round(float(shares[best]), 3))


def nature(shares: Vector, harm: bool) -> str | None:
    """valid, help, question or venting (S1-06: 有效投诉; 沟通性: 求助, 咨询, 发泄); None for what is neither.

    A complaint is valid when somebody could check it: a stated harm always is.
    """
    best = int(shares.argmax())
    if harm and NATURE_CLASSES[best] in ("venting", NONE):
        return "valid"
    return None if best == len(NATURE_CLASSES) - 1 else NATURE_CLASSES[best]


def noise(hits: Sequence[tuple[Hit, str]], negative: float) -> str | None:
    """advert, lottery or recruitment: two different cues, and no harm and no clear complaint beside them."""
    if negative >= 0.8 or any(hit.group == "harm" for hit, _ in hits):
        return None
    cues: dict[str, set[str]] = defaultdict(set)
    for hit, term in hits:
        if hit.group == "noise":
            cues[hit.name].add(term)
    enough = {name: len(found) for name, found in cues.items() if len(found) > 1}
    return max(enough, key=lambda name: (enough[name], name)) if enough else None


def hostile(hits: Iterable[tuple[Hit, str]]) -> float:
    """0 to 1: each strong term of abuse leaves 40 % of the distance to 1, each mild one 75 %."""
    peace = 1.0
    for name in {(hit.name, term) for hit, term in hits if hit.group == "hostile"}:
        peace *= 0.4 if name[0] == "strong" else 0.75
    return round(1 - peace, 3)

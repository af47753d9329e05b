"""Issue class, nature, noise and hostility of a text, from its hits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nlp.risk.lexicon import Hit, lexicon

UNCERTAIN = 0.6  # what speaks for no class; one hit alone then gives p = 0.62
LIKELY_NEGATIVE = 0.35  # below this P(negative), and without a signal, a text is no complaint
NEGATIVE = 0.5
CHECKABLE = frozenset({"accident", "food_safety", "data_leak"})  # such a thing happened or it did not


@dataclass(frozen=True, kw_only=True)
class Issue:
    """A class of the glossary; ``p`` is the share of the rules' weight that it got, not a tested frequency."""

    name: str
    p: float


def issue(hits: Sequence[tuple[Hit, str]], negative: float, alerting: bool) -> Issue | None:
    """The class with most weight among a complaint's hits (each with its term), or None when it is none.

    Further terms of a class count half as much each: ten words for one defect are one defect.
    """
    if negative < LIKELY_NEGATIVE and not alerting:
        return None
    terms: dict[str, set[str]] = defaultdict(set)
    for hit, term in hits:
        if hit.group == "issue":
            terms[hit.name].add(term)
    if not terms:
        return None
    points = {name: lexicon().weight(name) * (2 - 2 ** (1 - len(found))) for name, found in terms.items()}
    best = max(points, key=lambda name: (points[name], name))
    return Issue(name=best, p=round(points[best] / (sum(points.values()) + UNCERTAIN), 3))


def nature(hits: Sequence[tuple[Hit, str]], negative: float, named: Issue | None) -> str | None:
    """valid, help, question or venting (S1-06: 有效投诉; 沟通性: 求助, 咨询, 发泄); None for what is neither.

    A complaint is valid when somebody could check it: harm, a demand, or facts with an issue.
    """
    groups = {(hit.group, hit.name) for hit, _ in hits}
    stated = len({term for hit, term in hits if (hit.group, hit.name) == ("nature", "fact")})
    grave = any(group in ("harm", "escalation") and name not in ("media", "regulator") for group, name in groups)
    concrete = named is not None and (stated > 0 or named.name in CHECKABLE)
    if negative >= NEGATIVE and (grave or concrete or stated > 2):
        return "valid"
    if ("nature", "help") in groups:
        return "help"
    if negative >= NEGATIVE and ("nature", "venting") in groups:
        return "venting"
    if ("nature", "question") in groups:
        return "question"
    return "venting" if negative >= NEGATIVE else None


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

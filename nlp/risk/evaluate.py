"""How good the judgement beside sentiment is, on the cases of nlp/cases: ``python -m nlp.risk.evaluate``.

Precision and recall with Wilson intervals, for the open half (on which the rules were made) and for the sealed one.
``yujing evaluate`` prints the same beside the sentiment, and what needs the shared labelled set.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TextIO

from incidents.model import Score
from incidents.shares import Share
from nlp.judge import Asked, Judge
from nlp.risk.cases import Case, cases
from nlp.risk.lexicon import lexicon

ABOUT = 0.5  # relevance from which a mention counts
HOSTILE = 0.25  # one mild word of abuse
HARM = frozenset(rule.name for rule in lexicon().rules if rule.group == "harm")
BINS = (0.0, 0.5, 0.65, 0.8, 1.01)
ESCALATION = frozenset(rule.name for rule in lexicon().rules if rule.group == "escalation")
Said = tuple[str, str]  # what a case says, what the judge says
Sets = tuple[frozenset[str], frozenset[str]]  # the same, of several names


@dataclass(frozen=True, kw_only=True)
class Line:
    """One class of one field on one half: how many that are said are right, how many that are there are said."""

    field: str
    name: str
    sealed: bool
    precision: Share
    recall: Share


@dataclass(frozen=True, kw_only=True)
class Belief:
    """Issues said with a probability within [low, high): its mean, and how many were right."""

    sealed: bool
    low: float
    high: float
    mean: float
    right: Share


def figures(judge: Judge) -> list[Line]:
    """Everything that is measured, field by field; "all" is accuracy (precision and recall are the same then), and of
    escalation, where a text may carry several signals or none, all signals together."""
    found = [line for field, saying in FIELDS.items() for sealed in (False, True) for line in _lines(field, sealed, saying(judge, sealed))]
    return [*found, *(line for sealed in (False, True) for line in _of_sets("escalation", sealed, _escalation(judge, _half("escalation", sealed))))]


def read_figures(judge: Judge, texts: Iterable[str]) -> list[Line]:
    """Escalation on texts of the shared labelled set that a person read (nlp/cases/escalation_read.txt holds their digests, not them)."""
    labels = {case.text: case.labels[0] for case in cases("escalation_read")}
    found = sorted({digest: text for text in texts if (digest := hashlib.sha256(text.encode()).hexdigest()[:16]) in labels}.items())
    halves = [[Case(labels=(labels[digest],), text=text) for digest, text in found if int(digest, 16) % 2 == sealed] for sealed in (False, True)]
    if not found:
        return []
    return [line for sealed, half in enumerate(halves) for line in _of_sets("escalation, read", bool(sealed), _escalation(judge, half))]


def beliefs(judge: Judge) -> list[Belief]:
    """Whether ``issue.p`` says how often the class is right."""
    found: dict[tuple[bool, float, float], list[tuple[float, bool]]] = defaultdict(list)
    for sealed in (False, True):
        half = _half("issue", sealed)
        for case, score in zip(half, _scores(judge, half, lambda _: ""), strict=True):
            if score.issue_p is not None:
                low, high = next((a, b) for a, b in pairwise(BINS) if a <= score.issue_p < b)
                found[sealed, low, high].append((score.issue_p, score.issue == case.labels[0]))
    return [
        Belief(sealed=sealed, low=low, high=high, mean=sum(p for p, _ in pairs) / len(pairs), right=Share(hits=sum(hit for _, hit in pairs), count=len(pairs)))
        for (sealed, low, high), pairs in sorted(found.items())
    ]


def error(found: Iterable[Belief], *, sealed: bool) -> float:
    """The expected calibration error of ``issue.p`` in the bins of ``beliefs`` (Naeini et al. 2015)."""
    mine = [one for one in found if one.sealed == sealed]
    return sum(abs(one.mean - one.right.value) * one.right.count for one in mine) / max(1, sum(one.right.count for one in mine))


def wrong(judge: Judge, field: str) -> list[tuple[Said, str]]:
    """What is wrong on the open half; the sealed one is not shown to anybody who changes rules."""
    if field == "escalation":
        half = _half(field, sealed=False)
        return [((_joined(a), _joined(b)), case.text) for (a, b), case in zip(_escalation(judge, half), half, strict=True) if a != b]
    return [(said, text) for said, text in zip(FIELDS[field](judge, False), _half_of(field, sealed=False), strict=True) if said[0] != said[1]]


def _joined(names: frozenset[str]) -> str:
    return ",".join(sorted(names)) or "-"


def _half(name: str, sealed: bool) -> list[Case]:
    return [case for case in cases(name) if case.sealed == sealed]


def _scores(judge: Judge, half: Sequence[Case], brand: Callable[[Case], str]) -> list[Score]:
    return judge.score([
        Asked(mention_id=at, brand=brand(case), names=(brand(case),) if brand(case) else (), title="", text=case.text, domain=None)
        for at, case in enumerate(half)
    ])


def _issue(judge: Judge, sealed: bool) -> list[Said]:
    half = _half("issue", sealed)
    return [(case.labels[0], score.issue or "-") for case, score in zip(half, _scores(judge, half, lambda _: ""), strict=True)]


def _natures(sealed: bool) -> list[Case]:
    mixed = [Case(labels=case.labels[-1:], text=case.text) for name in ("nature", "issue") for case in _half(name, sealed)]
    return [case for case in mixed if case.labels[0] != "-"]


def _nature(judge: Judge, sealed: bool) -> list[Said]:
    half = _natures(sealed)
    return [(case.labels[0], score.nature or "-") for case, score in zip(half, _scores(judge, half, lambda _: ""), strict=True)]


def _harm(judge: Judge, sealed: bool) -> list[Said]:
    half = _half("harm", sealed)
    scores = _scores(judge, half, lambda _: "")
    return [("harm" if case.labels[0] != "-" else "-", "harm" if score.signal_names() & HARM else "-") for case, score in zip(half, scores, strict=True)]


def _harm_name(judge: Judge, sealed: bool) -> list[Said]:
    """Of texts that state a harm: is the labelled one among those found."""
    half = [case for case in _half("harm", sealed) if case.labels[0] != "-"]
    scores = _scores(judge, half, lambda _: "")
    return [(case.labels[0], case.labels[0] if case.labels[0] in score.signal_names() else "-") for case, score in zip(half, scores, strict=True)]


def _aspect(judge: Judge, sealed: bool) -> list[Said]:
    half = _half("aspect", sealed)
    return [(case.labels[1], score.aspect_sentiment or "-") for case, score in zip(half, _scores(judge, half, lambda case: case.labels[0]), strict=True)]


def _whole(judge: Judge, sealed: bool) -> list[Said]:
    """The sentiment of the whole text in place of the brand's own: what aspect is there to beat."""
    half = _half("aspect", sealed)
    return [(case.labels[1], score.sentiment.value) for case, score in zip(half, _scores(judge, half, lambda case: case.labels[0]), strict=True)]


def _relevance(judge: Judge, sealed: bool) -> list[Said]:
    half = _half("relevance", sealed)
    scores = _scores(judge, half, lambda case: case.labels[0])
    return [("about" if case.labels[1] == "1" else "-", "about" if (score.relevance or 0) >= ABOUT else "-") for case, score in zip(half, scores, strict=True)]


def _noise(judge: Judge, sealed: bool) -> list[Said]:
    half = _half("noise", sealed)
    return [(case.labels[0], score.noise or "-") for case, score in zip(half, _scores(judge, half, lambda _: ""), strict=True)]


def _hostile(judge: Judge, sealed: bool) -> list[Said]:
    half = _half("hostile", sealed)
    scores = _scores(judge, half, lambda _: "")
    return [("hostile" if case.labels[0] == "1" else "-", "hostile" if (score.hostile or 0) >= HOSTILE else "-") for case, score in zip(half, scores, strict=True)]


def _escalation(judge: Judge, half: Sequence[Case]) -> list[Sets]:
    scores = _scores(judge, half, lambda _: "")
    return [(frozenset(case.labels[0].split(",")) - {"-"}, score.signal_names() & ESCALATION) for case, score in zip(half, scores, strict=True)]


FIELDS: Mapping[str, Callable[[Judge, bool], list[Said]]] = {
    "issue": _issue,
    "nature": _nature,
    "harm": _harm,
    "harm name": _harm_name,
    "aspect": _aspect,
    "whole text": _whole,
    "relevance": _relevance,
    "noise": _noise,
    "hostile": _hostile,
}


def _half_of(field: str, *, sealed: bool) -> list[str]:
    if field == "nature":
        return [case.text for case in _natures(sealed)]
    half = _half({"harm name": "harm", "whole text": "aspect"}.get(field, field), sealed)
    return [case.text for case in half if field != "harm name" or case.labels[0] != "-"]


def _lines(field: str, sealed: bool, said: Sequence[Said]) -> Iterable[Line]:
    right = Share(hits=sum(a == b for a, b in said), count=len(said))
    yield Line(field=field, name="all", sealed=sealed, precision=right, recall=right)
    for name in sorted({a for a, _ in said} - {"-"}):
        both = sum(a == b == name for a, b in said)
        yield Line(field=field, name=name, sealed=sealed, precision=Share(hits=both, count=sum(b == name for _, b in said)),
                   recall=Share(hits=both, count=sum(a == name for a, _ in said)))


def _of_sets(field: str, sealed: bool, said: Sequence[Sets]) -> Iterable[Line]:
    """All names together, then each that is labelled."""
    for name in ("together", *sorted({name for labelled, _ in said for name in labelled})):
        pairs = [(a, b) if name == "together" else (a & {name}, b & {name}) for a, b in said]
        both = sum(len(a & b) for a, b in pairs)
        yield Line(field=field, name=name, sealed=sealed, precision=Share(hits=both, count=sum(len(b) for _, b in pairs)),
                   recall=Share(hits=both, count=sum(len(a) for a, _ in pairs)))


def table(found: Sequence[Line]) -> list[str]:
    """Figures as lines for a terminal, in per cent with their 95 % intervals."""
    shown = [f"{'field':18}{'class':18}{'half':8}{'precision':26}{'recall':26}"]
    for one in found:
        precision = "" if one.name == "all" else str(one.precision)
        shown.append(f"{one.field:18}{'accuracy' if one.name == 'all' else one.name:18}{_half_name(one.sealed):8}{precision:26}{one.recall}")
    return shown


def calibration(found: Sequence[Belief]) -> list[str]:
    """What ``issue.p`` said and how often it came true, with the expected calibration error of each half."""
    shown = ["issue.p: said and came true"]
    shown.extend(f"  {_half_name(one.sealed):8}{one.low:.2f}–{min(1.0, one.high):.2f}  said {100 * one.mean:4.1f}  right {one.right}" for one in found)
    return [*shown, *(f"  {_half_name(sealed):8}ECE {100 * error(found, sealed=sealed):.1f}" for sealed in (False, True))]


def lines(judge: Judge) -> list[str]:
    """All figures that need nothing but the repository."""
    return [*table(figures(judge)), *calibration(beliefs(judge))]


def _half_name(sealed: bool) -> str:
    return "sealed" if sealed else "open"


def run(model: str, out: TextIO, *, show: str | None = None) -> int:
    """Print the figures, or what is wrong in one field on the open half."""
    judge = Judge.ready(model)
    if show:
        out.writelines(f"{said[0]:12}{said[1]:12}{text}\n" for said, text in wrong(judge, show))
        return 0
    out.write("\n".join(lines(judge)) + "\n")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m nlp.risk.evaluate", description=__doc__)
    parser.add_argument("--model", default="floor", help="the sentiment model beside the rules")
    parser.add_argument("--wrong", choices=sorted([*FIELDS, "escalation"]), help="print what is wrong in this field on the open half")
    asked = parser.parse_args()
    return run(asked.model, sys.stdout, show=asked.wrong)


if __name__ == "__main__":
    sys.exit(main())

"""The cases written for this project: complete, split for good, and what must hold on the half that nobody looks at."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

import pytest

from incidents import now
from incidents.shares import Share
from nlp import evaluate
from nlp.evaluate_beside import under
from nlp.judge import Asked, Judge
from nlp.risk import evaluate as risk
from nlp.risk.cases import Case, cases
from nlp.risk.evaluate import (
    ESCALATION,
    FIELDS,
    HARM,
    Line,
    beliefs,
    error,
    figures,
    read_figures,
    run,
    wrong,
)
from nlp.risk.small import ISSUES, NATURES
from nlp.training.labelled import labelled_file, rows

JUDGE = Judge()
# Of the sealed half; reached in November 2026 and a little less, since a new floor model moves them.
FLOORS = json.loads(evaluate.FLOORS.read_text(encoding="utf-8"))["judgement"]


@pytest.fixture(scope="module")
def found() -> list[Line]:
    return figures(JUDGE)


@pytest.fixture(scope="module")
def sealed(found: list[Line]) -> dict[str, float]:
    return {line.field: line.recall.value for line in found if line.sealed and line.name == "all"}


def test_the_sealed_half_holds(found: list[Line]) -> None:
    measured = {line.field for line in found if line.recall.count}
    assert measured >= set(FLOORS) - {"escalation, read", "issue.p", "whole text"}
    assert under(found, error(beliefs(JUDGE), sealed=True), FLOORS) == []


def test_a_figure_below_its_floor_is_named() -> None:
    line = Line(field="escalation", name="together", sealed=True, precision=Share(hits=1, count=4), recall=Share(hits=3, count=4))
    assert under([line], 0.3, {"escalation": {"precision": 0.5, "recall": 0.5}, "issue.p": {"ece": 0.2}, "harm": {"accuracy": 1.0}}) == [
        "escalation precision is 0.2500, its floor 0.5000", "issue.p ece is 0.3000, its floor 0.2000"]


def test_escalation_in_real_texts_holds(shared: Path) -> None:
    labelled = labelled_file(shared)
    read = read_figures(JUDGE, (row.text for row in rows(labelled)))
    assert sum(line.recall.count for line in read if line.name == "together") > 120
    assert under(read, 0.0, FLOORS) == []


def test_signals_of_a_text_are_counted_apart() -> None:
    both = next(case for case in cases("escalation") if case.labels[0] == "compensation,apology")
    lines = {line.name: line for line in found_of(both)}
    assert {name: str(lines[name].recall)[-3:] for name in lines} == {"together": "2/2", "apology": "1/1", "compensation": "1/1"}


def test_the_brands_own_sentiment_beats_that_of_the_whole_text(sealed: dict[str, float]) -> None:
    assert sealed["aspect"] > sealed["whole text"] + 0.25


def test_a_likely_issue_is_right_more_often_than_an_unlikely_one() -> None:
    told = [one for one in beliefs(JUDGE) if one.sealed]
    assert told[-1].right.value > 0.85 > 0.7 > told[0].right.value


def test_the_sets_are_as_large_as_they_say_and_hold_nothing_twice() -> None:
    issues, harm, aspects = list(cases("issue")), list(cases("harm")), list(cases("aspect"))
    assert Counter(case.labels[0] for case in issues) == dict.fromkeys(ISSUES, 20)
    natures = Counter(case.labels[-1] for case in [*cases("nature"), *issues])
    assert min(natures[name] for name in NATURES) >= 35
    assert len(harm) >= 100 and {case.labels[0] for case in harm} == {*HARM, "-"}
    assert len(aspects) >= 149 and {case.labels[1] for case in aspects} == {"positive", "neutral", "negative"}
    assert set(Counter((case.labels[0], case.labels[1]) for case in cases("relevance")).values()) == {10}
    escalation = Counter((case.labels[1], case.labels[0] == "-") for case in cases("escalation"))
    assert escalation == {(name, calm): 11 for name in ESCALATION for calm in (True, False)}
    for name in ("issue", "nature", "harm", "aspect", "escalation"):
        texts = [case.text for case in cases(name)]
        assert len(set(texts)) == len(texts)


def found_of(case: Case) -> Iterable[Line]:
    return risk._of_sets("escalation", case.sealed, risk._escalation(JUDGE, [case]))


def test_a_case_stays_in_its_half() -> None:
    assert not Case(labels=(), text="送到医院人就没了，才二十三岁").sealed
    assert 0.4 < sum(case.sealed for case in cases("relevance")) / 340 < 0.6


def test_only_the_open_half_is_shown() -> None:
    shown = {text for field in (*FIELDS, "escalation") for _, text in wrong(JUDGE, field)}
    assert shown and not any(Case(labels=(), text=text).sealed for text in shown)


def test_a_share_has_wilsons_interval() -> None:
    low, high = Share(hits=45, count=50).interval
    assert (round(low, 3), round(high, 3)) == (0.786, 0.957)
    assert Share(hits=0, count=0).interval == (0.0, 1.0)


def test_the_command_prints_both_halves() -> None:
    out = StringIO()
    assert run("floor", out) == 0
    assert "sealed" in out.getvalue() and "issue.p: said and came true" in out.getvalue()


@pytest.mark.parametrize("piece", ["1", "一", "罚", "满1", "小米比华为", "1元", "人", "没", " ", "抽1个", "起火，", "比"])
def test_no_text_keeps_a_judge_long(piece: str) -> None:
    """A pattern whose time grows with the square of a run of digits would stop the loop for everybody."""
    text = piece * (20_000 // len(piece))
    began = now.cpu_seconds()
    JUDGE.score([Asked(mention_id=1, brand="小米", names=("小米",), title="", text=text, domain=None)])
    assert now.cpu_seconds() - began < 2

"""What decided a class is kept with the score and found again by the pages, where it stands in the text."""

from __future__ import annotations

from pathlib import Path

from tests.incidents.topics.cases import Part, place_all, read


def test_a_score_comes_back_from_the_ledger_with_its_reasons(tmp_path: Path) -> None:
    dev = read("dev")
    part = Part(cases=dev.cases[:24], names=dev.names)
    told = [(case.mention, one.score) for case, one in zip(part.cases, place_all(part, tmp_path), strict=True)]
    issues = [(mention, score) for mention, score in told if score.issue]
    assert len(issues) >= 5
    for mention, score in issues:
        words = [{"title": mention.title, "text": mention.text}[span.field][span.start : span.end] for span in score.why if span.name == score.issue]
        assert words and all(words)

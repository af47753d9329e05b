"""The figures, and the floors under the shipped model."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from nlp import evaluate, evaluate_beside
from nlp import evaluate_show as show
from nlp.evaluate import FLOORS, hard, measure, table, under
from nlp.evaluate_beside import working
from nlp.peers import Snow
from nlp.sentiment.choose import load
from nlp.sentiment.reading import Ask, Reading
from nlp.training.labelled import Row, labelled_file, rows


@dataclass(frozen=True)
class Says:
    """A model whose text is its answer: "n" negative, "0" neutral, "p" positive; 80 % sure."""

    name: str = "says@1"

    def read(self, asked: Sequence[Ask]) -> list[Reading]:
        shares = {"n": (0.8, 0.1, 0.1), "0": (0.15, 0.8, 0.05), "p": (0.1, 0.1, 0.8)}
        return [Reading(probabilities=shares[ask.text], alarm=ask.text == "n") for ask in asked]


def row(text: str, label: str, scheme: str = "three", domain: str = "weibo") -> Row:
    return Row(source="s", domain=domain, scheme=scheme, label=label, text=text, part="test")


def test_accuracy_recall_and_macro_f1() -> None:
    held_out = [row("n", "negative")] * 6 + [row("0", "negative")] * 2 + [row("n", "neutral")] * 2 + [row("p", "positive")] * 10
    result = measure(Says(), held_out)["weibo"]
    assert result.accuracy.value == pytest.approx(16 / 20)
    assert (result.recall.value, result.precision.value) == (pytest.approx(6 / 8), pytest.approx(6 / 8))
    assert result.macro_f1.value == pytest.approx((0.75 + 0 + 1) / 3)
    assert result.accuracy.low < 0.8 < result.accuracy.high
    assert result.ece == pytest.approx(0.0, abs=0.01)


def test_binary_rows_leave_neutral_out_and_partial_rows_ask_only_for_negative() -> None:
    binary = measure(Says(), [row("0", "negative", "binary", "review")] * 5)["review"]
    partial = measure(Says(), [row("0", "non-negative", "partial"), row("p", "non-negative", "partial"), row("n", "negative", "partial")])
    assert (binary.accuracy.value, binary.neutral) == (1.0, 1.0)
    assert partial["weibo/s"].accuracy.value == 1.0


def test_a_figure_below_its_floor_is_named() -> None:
    results = measure(Says(), [row("n", "negative"), row("n", "positive")] * 10)
    assert under(results, {"weibo": {"accuracy": 0.4, "ece": 0.5}}) == []
    assert under(results, {"weibo": {"accuracy": 0.6, "ece": 0.1}}) == [
        "weibo accuracy is 0.5000, its floor 0.6000", "weibo ece is 0.3000, its floor 0.1000",
    ]
    assert any("weibo/s" in line for line in table(results))


def test_hard_cases_are_counted_by_kind() -> None:
    class Negative(Says):
        def read(self, asked: Sequence[Ask]) -> list[Reading]:
            return [Reading(probabilities=(0.9, 0.1, 0.0), alarm=True) for _ in asked]

    lines = hard(Negative())
    assert lines[0] == "hard cases, sarcasm  68 of 68 right, alarm on 68"
    assert len(lines) == 5
    assert "0 of" in lines[-1]


def test_without_the_labelled_set_what_ships_is_measured_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("YUJING_SHARED", str(tmp_path))
    out = io.StringIO()
    assert evaluate.run(["floor"], out, out_folder=tmp_path / "out", also=[lambda model: [f"also of {model}"]]) == 0
    said = out.getvalue()
    assert all(part in said for part in ("YUJING_SHARED", "hard cases, sarcasm", "joint_action", "relevance", "issue.p", "ECE", "also of floor"))
    assert "escalation, read" not in said
    assert "weibo" not in said and "beside sentiment" in capsys.readouterr().err
    written = json.loads((tmp_path / "out" / "judgement.json").read_text(encoding="utf-8"))
    assert {row["field"] for row in written} >= {"issue", "nature", "harm", "aspect", "relevance", "noise", "hostile", "escalation", "issue.p"}


def test_how_the_command_works_is_measured_on_the_command_itself() -> None:
    line = working("floor", most=40)[0]
    assert re.search(r"first answer after \d+\.\d s, then \d+ lines/s by the clock; peak memory (\d+ MiB|not known here)", line)


def test_stories_are_printed_from_where_they_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "stories.py"
    script.write_text("import sys\nprint('part  rule', sys.argv[1:])\n", encoding="utf-8")
    monkeypatch.setattr(evaluate_beside, "STORIES", script)
    assert evaluate_beside.stories("floor")[1] == "part  rule ['--model', 'floor']"
    monkeypatch.setattr(evaluate_beside, "STORIES", tmp_path / "none.py")
    assert "not here" in evaluate_beside.stories("floor")[0]


def test_the_shipped_model_does_not_fall_below_its_floors(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "DRAWS", 2)
    held_out = [one for one in rows(labelled_file(shared)) if one.part == "test"]
    wanted = evaluate.floors("floor", FLOORS)
    assert set(wanted) >= {"weibo", "news", "forum", "review"}
    assert under(measure(load("floor"), held_out), wanted) == []


def test_confusion_and_models_side_by_side_are_tables() -> None:
    held_out = [row("n", "negative"), row("0", "negative"), row("p", "positive")]
    says = Says()
    down = show.confusion(held_out, says.read([Ask(text=one.text) for one in held_out]))
    beside = show.side_by_side({"says": measure(says, held_out), "other": measure(says, held_out)})
    assert down[1].split() == ["negative", "1", "1", "0"]
    assert beside[1].split() == ["weibo", "3", *["66.7", "/", "83.3"] * 2]


def test_the_reliability_plot_is_a_picture(tmp_path: Path) -> None:
    sure = np.linspace(0.4, 0.99, 200)
    show.reliability_plot({"weibo": (sure, sure > 0.6)}, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_speed_counts_texts_a_second() -> None:
    class Slow(Says):
        def read(self, asked: Sequence[Ask]) -> list[Reading]:
            sum(range(200_000 * len(asked)))  # some milliseconds a text
            return super().read(asked)

    texts = [Ask(text="n")] * 20
    assert show.speed(Slow(), texts).a_second < show.speed(Says(), texts).a_second
    assert len(show.speed(Says(), texts).slowest) == show.SLOWEST


def test_the_peer_reads_anything() -> None:
    readings = Snow().read([Ask(text="质量太差，退货"), Ask(text=""), Ask(text="很好，喜欢")])
    assert readings[0].probabilities[0] > 0.5 > readings[2].probabilities[0]

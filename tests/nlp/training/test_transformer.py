"""A training run: its loss, and going on after a stop, on a tiny BERT."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from nlp.training import partial  # noqa: E402
from nlp.training.labelled import Row  # noqa: E402
from nlp.training.mix import SHARES  # noqa: E402
from nlp.training.transformer import SMOOTHING, Plan, Run, is_right, pace, partial_loss  # noqa: E402

LETTERS = "好差太很了车店手机快慢"


def row(text: str, label: str, part: str = "train", scheme: str = "three", domain: str = "weibo") -> Row:
    return Row(source="s", domain=domain, scheme=scheme, label=label, text=text, part=part)


ROWS = [row(LETTERS[n % 11] * (1 + n % 5) + ("差" if n % 2 else "好"), "negative" if n % 2 else "positive") for n in range(200)]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS]), encoding="utf-8")
    start = tmp_path / "start"
    transformers.BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(start)
    torch.manual_seed(2)
    config = transformers.BertConfig(vocab_size=16, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    transformers.BertModel(config, add_pooling_layer=False).save_pretrained(start)
    return Plan(start=start, out=tmp_path / "out", rows=300, tokens=128, pieces=16, rate=1e-3, save_minutes=1e9, minutes=1e9, seed=7, frozen=True, mix=SHARES)


def test_the_loss_is_that_of_the_floor_but_for_smoothing() -> None:
    logits = np.array([[1.0, -2, 0.5], [0.3, 0.2, 0.1]], np.float32)
    allowed, targets = np.array([[1, 0, 1], [1, 1, 1]], np.float32), np.array([[1, 0, 0], [0, 1, 1]], np.float32)
    sharp, _ = partial.loss(logits, allowed, targets, np.full(2, 0.5, np.float32))
    shares, _ = partial.among(logits, allowed)
    flat = -np.mean([np.log(share[mask > 0]).mean() for share, mask in zip(shares, allowed, strict=True)])
    found = float(partial_loss(*(torch.from_numpy(values) for values in (logits, allowed, targets))))
    assert found == pytest.approx((1 - SMOOTHING) * sharp + SMOOTHING * flat, rel=1e-5)


def test_the_learning_rate_rises_and_falls() -> None:
    assert [round(pace(done), 2) for done in (0, 0.03, 0.06, 0.53, 1)] == [0, 0.5, 1, 0.5, 0]


def test_right_is_judged_among_what_was_asked() -> None:
    assert is_right(row("x", "negative", scheme="binary"), [1, 9, 0])
    assert not is_right(row("x", "non-negative", scheme="partial"), [2, 0, 0])
    assert is_right(row("x", "non-negative", scheme="partial"), [0.5, 0, 0])


def test_a_run_goes_on_where_it_was_stopped(plan: Plan) -> None:
    labelled = [*ROWS, row("太差了", "negative", "dev"), row("很好", "positive", "dev")]
    Run(replace(plan, minutes=0), labelled).go()
    run = Run(plan, labelled)
    run.go()
    again = Run(plan, labelled)
    lines = [json.loads(line) for line in (plan.out / "progress.jsonl").read_text().splitlines()]
    assert again.read == run.read >= plan.rows
    assert [line["read"] for line in lines] == [0, run.read]
    assert list(lines[1]["dev"]) == ["s"]


def test_frozen_embeddings_stay(plan: Plan) -> None:
    run = Run(plan, [*ROWS, row("好", "positive", "dev")])
    before = run.network.bert.embeddings.word_embeddings.weight.clone()
    run.go()
    assert torch.equal(run.network.bert.embeddings.word_embeddings.weight, before)

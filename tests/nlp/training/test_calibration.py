"""Temperatures and operating points."""

from __future__ import annotations

import numpy as np
import pytest

from nlp.training.calibration import Sample, neutral_shift, operating_point, temperature
from nlp.training.partial import among


def drawn(heat: float) -> Sample:
    """Labels drawn from softmax(logits / heat)."""
    rng = np.random.default_rng(5)
    logits = (3 * rng.normal(size=(6000, 3))).astype(np.float32)
    every = np.ones_like(logits)
    shares, _ = among(logits / np.float32(heat), every)
    labels = (rng.random((6000, 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    return Sample(logits=logits, allowed=every, targets=np.eye(3, dtype=np.float32)[labels])


@pytest.mark.parametrize("heat", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found(heat: float) -> None:
    assert temperature(drawn(heat)) == pytest.approx(heat, rel=0.1)


def test_the_neutral_share_is_what_was_wished() -> None:
    logits = np.random.default_rng(1).normal(size=(500, 3)).astype(np.float32)
    moved = logits + np.array([0, neutral_shift(logits, 0.08), 0], np.float32)
    assert among(moved, np.ones_like(moved))[0][:, 1].mean() == pytest.approx(0.08, abs=1e-3)


def test_the_weakest_source_decides_the_operating_point() -> None:
    rng = np.random.default_rng(2)
    scores = np.concatenate([rng.uniform(0.5, 1, 300), rng.uniform(0.2, 1, 300)])
    labels, sources = np.ones(600, bool), ["strong"] * 300 + ["weak"] * 300
    point = operating_point(scores, labels, sources, recall=0.9)
    for name in ("strong", "weak"):
        assert (scores[np.array(sources) == name] >= point).mean() >= 0.9


def test_a_source_with_few_negatives_decides_nothing() -> None:
    scores, sources = np.array([0.9] * 100 + [0.01] * 3), ["many"] * 100 + ["few"] * 3
    assert operating_point(scores, np.ones(103, bool), sources, recall=0.9) == pytest.approx(0.9)

"""Bias-corrected temperature scaling of a trained network."""

from __future__ import annotations

import numpy as np
import pytest

from nlp.training.partial import among

pytest.importorskip("torch")
pytest.importorskip("transformers")

from nlp.training.calibrate import fit


def test_heat_and_offsets_that_made_the_labels_are_found() -> None:
    rng = np.random.default_rng(8)
    logits = (2 * rng.normal(size=(8000, 3))).astype(np.float32)
    every, offsets = np.ones_like(logits), np.array([0.8, -0.5, -0.3])
    shares, _ = among((logits / 1.7 + offsets).astype(np.float32), every)
    labels = (rng.random((8000, 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    heat, found = fit(logits, every, np.eye(3, dtype=np.float32)[labels], np.ones(8000, np.float32))
    assert heat == pytest.approx(1.7, rel=0.1)
    assert found == pytest.approx(offsets, abs=0.1)


def test_few_rows_move_little() -> None:
    logits = np.zeros((3, 3), np.float32)
    _, found = fit(logits, np.ones_like(logits), np.eye(3, dtype=np.float32)[[0, 0, 0]], np.ones(3, np.float32))
    assert np.abs(found).max() < 0.6

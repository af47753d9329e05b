"""Partial labels: the loss, its gradient, and what a fit learns from them."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from nlp.training.partial import Fit, Group, Strength, among, loss


def f32(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_a_binary_row_says_nothing_of_neutral() -> None:
    allowed, targets = f32((1, 0, 1)), f32((1, 0, 0))
    low, _ = loss(f32((1, -9, 0)), allowed, targets, np.ones(1, np.float32))
    high, slope = loss(f32((1, 9, 0)), allowed, targets, np.ones(1, np.float32))
    assert low == pytest.approx(high)
    assert slope[0, 1] == 0


def test_non_negative_is_neutral_or_positive() -> None:
    value, _ = loss(f32((0, 0, 0)), f32((1, 1, 1)), f32((0, 1, 1)), np.ones(1, np.float32))
    assert value == pytest.approx(-np.log(2 / 3), rel=1e-5)


def test_the_gradient_is_that_of_the_loss() -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(4, 3)).astype(np.float32)
    allowed, targets = f32((1, 1, 1), (1, 0, 1), (1, 1, 1), (1, 1, 1)), f32((1, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0))
    weight = f32((1, 2, 0.5, 1))[0]
    _, slope = loss(logits, allowed, targets, weight)
    for at in np.ndindex(4, 3):
        step = np.zeros_like(logits)
        step[at] = 1e-2
        rise = loss(logits + step, allowed, targets, weight)[0] - loss(logits - step, allowed, targets, weight)[0]
        assert slope[at] == pytest.approx(rise / 2e-2, abs=2e-3)


def test_probabilities_are_among_the_allowed() -> None:
    shares, _ = among(f32((5, 1, 5)), f32((1, 0, 1)))
    assert shares[0] == pytest.approx([0.5, 0, 0.5])


def test_each_group_learns_its_own_meaning_over_a_shared_one() -> None:
    words = sp.csr_matrix(np.eye(2, dtype=np.float32).repeat(20, axis=0))
    every, bad, good = np.ones((40, 3), np.float32), f32((1, 0, 0)), f32((0, 0, 1))
    one = Group(features=words, allowed=every, targets=np.concatenate([bad.repeat(20, 0), good.repeat(20, 0)]), weight=np.ones(40, np.float32))
    other = Group(features=words, allowed=every, targets=np.concatenate([good.repeat(20, 0), good.repeat(20, 0)]), weight=np.ones(40, np.float32))
    weights, bias = Fit([one, other], Strength(shared=5, own=5, unknown=0.1, steps=60)).run()
    said = [(np.eye(2) @ w + b).argmax(axis=1).tolist() for w, b in zip(weights, bias, strict=True)]
    assert said == [[0, 2], [2, 2]]

"""A brand's own correction: learnt from labels, used only where it held on labels it had not seen."""

from __future__ import annotations

import numpy as np
import pytest

from nlp.judge import Asked, Judge
from nlp.local import ENOUGH, Labelled, corrected, learn
from nlp.sentiment.reading import CLASSES, Probabilities, normalised


def labels(count: int, shift: float, seed: int = 7) -> list[Labelled]:
    """What a model says whose log-odds of negative are ``shift`` too low, and what is true."""
    dice = np.random.default_rng(seed)
    made: list[Labelled] = []
    for _ in range(count):
        logits = dice.normal(0, 1.5, 3)
        true = np.exp(logits) / np.exp(logits).sum()
        said = np.exp(logits - [shift, 0, 0])
        made.append((normalised((said / said.sum()).tolist()), CLASSES[int(dice.choice(3, p=true))]))
    return made


def test_a_model_that_is_off_is_set_right() -> None:
    found = learn(labels(300, shift=2.0))
    assert found is not None and found.after < found.before and found.right_after > found.right_before
    assert found.offsets[0] - found.offsets[1] == pytest.approx(2.0, abs=0.8)
    fresh = labels(2000, shift=2.0, seed=8)
    hits = [sum(CLASSES[int(np.argmax(corrected(said, one)))] == value for said, value in fresh) for one in (None, found)]
    assert hits[1] > hits[0] + 100


def test_few_labels_teach_nothing() -> None:
    assert learn(labels(ENOUGH - 1, shift=2.0)) is None


@pytest.mark.parametrize("seed", range(6))
def test_a_correction_never_makes_unseen_labels_worse(seed: int) -> None:
    found = learn(labels(80, shift=0.0, seed=seed))
    assert found is None or (found.after < found.before and found.right_after >= found.right_before)


def test_without_a_correction_nothing_changes() -> None:
    said: Probabilities = (0.2, 0.5, 0.3)
    assert corrected(said, None) == said


def test_a_correction_acts_on_its_own_brand_only_and_takes_no_alarm_away() -> None:
    judge = Judge()
    asked = [Asked(mention_id=1, brand=brand, names=(), title="", text="还行吧，就那样，客服没人管", domain="weibo") for brand in ("ours", "theirs")]
    before = judge.score(asked)
    found = learn([(normalised([0.9, 0.05, 0.05]), "positive")] * 60)
    assert found is not None
    judge.correct({"ours": found})
    ours, theirs = judge.score(asked)
    assert theirs == before[1]
    assert ours.positive > before[0].positive
    assert ours.alarm == before[0].alarm

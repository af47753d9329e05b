"""The baselines that stand beside the forecast: each is fitted at one age on the same posts and crawls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from sklearn.linear_model import LogisticRegression

from nlp.forecast import ForecastInput
from nlp.forecast.features import AUTHOR, CLOCK, COUNTS, NAMES, TEXT, Curve, Reader
from nlp.forecast.seen import Seen, look
from nlp.forecast.spread import Floats

# SEISMIC's memory kernel (Zhao et al. 2015, KDD): constant for five minutes, then a power law.
SEISMIC_FLAT, SEISMIC_POWER = 300 / 3600, 0.242
PLAIN = {"num_leaves": 15, "learning_rate": 0.03, "min_data_in_leaf": 20, "verbose": -1, "num_threads": 1, "seed": 1}
ROUNDS = 350


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Posts at one age: what was crawled, the count then, and the total at 24 h."""

    names: tuple[str, ...]
    asked: tuple[ForecastInput, ...]
    rows: Floats
    counted: Floats
    total: Floats

    @property
    def grown(self) -> Floats:
        return np.asarray(np.log2(1 + self.total - self.counted))

    def columns(self, *names: str) -> Floats:
        return self.rows[:, [NAMES.index(name) for name in names]]


def sample(cascades: Sequence, reader: Reader, ages: Sequence[float], least: int = 10) -> Sample:
    """Every post of which ``least`` were counted at the last of ``ages`` (hours)."""
    kept = [one for one in cascades if one.count(ages[-1]) >= least]
    asked = tuple(one.seen(ages, (500,)) for one in kept)
    return Sample(
        names=tuple(one.id for one in kept), asked=asked, rows=np.array([reader.row(one, _seen(one)) for one in asked]),
        counted=np.array([one.count(ages[-1]) for one in kept], float), total=np.array([one.count(24.0) for one in kept], float),
    )


def _seen(asked: ForecastInput) -> Seen:
    seen = look(asked, asked.snapshots[-1].at)
    assert isinstance(seen, Seen)
    return seen


def growth(train: Sample, test: Sample) -> dict[str, Floats]:
    """Predicted log2(1 + increment to 24 h) of ``test`` by each baseline."""
    return {
        "mean": np.full(len(test.total), train.grown.mean()),
        "last count × constant": _times_constant(train, test),
        "Szabo–Huberman": _line(np.log2(1 + train.counted), train.grown)(np.log2(1 + test.counted)),
        "Hawkes, calibrated": _line(_remaining(train), train.grown)(_remaining(test)),
        "LightGBM, counts": _trees(train, test, COUNTS),
        "LightGBM, counts + author + clock": _trees(train, test, (*COUNTS, *AUTHOR, *CLOCK)),
        "LightGBM, + text": _trees(train, test, (*COUNTS, *AUTHOR, *CLOCK, *TEXT[:-1])),
    }


def chance(train: Sample, test: Sample, threshold: int = 500) -> dict[str, Floats]:
    """Score of P(total ≥ threshold): the bare count, a logistic on counts, and the plain trees' residuals."""
    over = train.total >= threshold
    logistic = LogisticRegression(max_iter=1000).fit(train.columns("count", "half", "pace"), over)
    return {
        "bare count": test.counted,
        "logistic on counts": logistic.predict_proba(test.columns("count", "half", "pace"))[:, 1],
        "LightGBM, + text": _over(train, test, threshold),
    }


def _times_constant(train: Sample, test: Sample) -> Floats:
    factor = np.median(train.total / train.counted)
    return np.log2(1 + (factor - 1) * test.counted)


def _line(x: Floats, y: Floats) -> Callable[[Floats], Floats]:
    slope, intercept = np.polyfit(x, y, 1)
    return lambda new: np.maximum(0, intercept + slope * new)


def _remaining(posts: Sample) -> Floats:
    """log2 of the kernel mass that the counted reposts still hold: what a Hawkes process says is to come, but
    for its branching number, which the calibration line supplies."""
    out = []
    for asked in posts.asked:
        curve = Curve.of(_seen(asked))
        grid = np.linspace(0, curve.age, 65)
        born = np.diff(np.interp(grid, curve.ages, curve.values))
        waited = curve.age - (grid[1:] + grid[:-1]) / 2
        left = (SEISMIC_FLAT / np.maximum(waited, SEISMIC_FLAT)) ** SEISMIC_POWER
        out.append(np.log2(1 + float(born @ left)))
    return np.array(out)


def _trees(train: Sample, test: Sample, names: Sequence[str]) -> Floats:
    model = lgb.train(PLAIN, lgb.Dataset(train.columns(*names), train.grown), ROUNDS)
    return np.maximum(0, model.predict(test.columns(*names)))


def _over(train: Sample, test: Sample, threshold: int) -> Floats:
    """Plain trees as a probability: their residuals on the newest fifth of the training posts, which trees
    grown on the rest had not seen, laid around the prediction."""
    names = (*COUNTS, *AUTHOR, *CLOCK, *TEXT[:-1])
    cut = len(train.total) * 4 // 5
    first, last = _part(train, slice(0, cut)), _part(train, slice(cut, None))
    missed = np.sort(last.grown - _trees(first, last, names))
    needed = np.log2(1 + np.maximum(0, threshold - test.counted)) - _trees(train, test, names)
    return 1 - np.searchsorted(missed, needed) / len(missed)


def _part(posts: Sample, which: slice) -> Sample:
    return Sample(names=posts.names[which], asked=posts.asked[which], rows=posts.rows[which], counted=posts.counted[which], total=posts.total[which])

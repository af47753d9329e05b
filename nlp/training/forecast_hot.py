"""Train the hot-list models: replay entries at their visits, ask whether they reached T and how much they grew.

Five steps, each told as it goes: wording of titles (scores from models that did not see the entry), questions, trees on
the oldest 7/8 whose answers on the newest 1/8 calibrate (what they grew, by level; a shift of the log odds for each
age, since ever fewer entries become large), and trees on everything, which are shipped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression, Ridge

from incidents.now import shanghai
from nlp.forecast.hot import BANDS, HORIZONS, YS, band, title_numbers
from nlp.forecast.listed import ASKED, GROUPS, GROWTH, KNOWN, Views, Visits, known, questions
from nlp.forecast.spread import Floats
from nlp.forecast.titles import BUCKETS, cleaned, grams, scores
from nlp.training.forecast_lists import Entry, flat
from nlp.training.forecast_szabo import fitted_shape

THRESHOLDS = {"hot_weibo": 20_000, "hot_zhihu": 500}
CATEGORIES = 30
FOLDS = 8  # of titles, in order of time; the newest is also what calibrates
HALF_LIFE = 720.0  # days; shorter ones made the order of entries worse
OLDEST_ASKED = 20.0  # hours
YOUNG, OLDER_KEPT = 3.6, 250_000  # visits up to this age all teach, of the later ones a sample
OTHER_THRESHOLDS = ((2.0, 0.7), (7.0, 0.3))  # doublings around the list's own threshold, share: they teach what 20 000 means
WAITED, TO_12H, ABSENT = 0.25, 0.15, 0.06  # shares of questions: asked some time after the newest visit, to 12 h, without a group
LEVELS = 30
LARGEST = 16.0  # log2 of growth
BOTH = {"learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 100, "feature_fraction": 0.5, "bagging_fraction": 0.7, "bagging_freq": 1,
        "lambda_l2": 5.0, "verbose": -1, "num_threads": 1, "seed": 0, "deterministic": True, "force_row_wise": True}
FALLING = [0] * len(KNOWN) + [1, -1, -1, -1, -1]  # more hours left → likelier; more needed → less likely
CHANCE = {**BOTH, "objective": "binary", "monotone_constraints": FALLING}
GROWN = {**BOTH, "objective": "l2", "monotone_constraints": FALLING[: len(GROWTH)]}
CHANCE_ROUNDS, GROWN_ROUNDS = 400, 150
Say = Callable[[str], None]
Whole = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Titles:
    """Categories and title wording, with the numbers of ``listed.TITLE`` for each training entry, made without itself."""

    categories: dict[str, int]
    weights: Floats
    bias: Floats
    numbers: Floats


@dataclass(frozen=True, kw_only=True)
class Questions:
    """Rows of ``ASKED``, whether the total reached the threshold, how much it grew, and what each row stands for."""

    rows: NDArray[np.float32]
    reached: NDArray[np.bool_]
    grown: Floats
    entry: Whole
    own: NDArray[np.bool_]  # asked for the list's own threshold
    horizon: Whole

    @property
    def ages(self) -> Floats:
        return np.asarray(self.rows[:, 0], dtype=np.float64)


def fit(name: str, entries: Sequence[Entry], seed: int = 0, say: Say = print) -> tuple[dict[str, Any], dict[str, str], dict[str, Any]]:
    """The table (JSON), the two boosters (LightGBM's text) and the arrays of one list."""
    visits = flat(entries)
    titles = learn_titles(entries, visits, THRESHOLDS[name], lambda line: say(f"{name}: {line}"))
    asked = ask(visits, titles.numbers, THRESHOLDS[name], np.random.default_rng(seed))
    say(f"{name}: {len(asked.rows)} questions about {len(entries)} entries, {asked.reached[asked.own].mean():.3f} reach the list's threshold")
    cut = round((1 - 1 / FOLDS) * len(entries))
    days = (visits.first_seen[-1] - visits.first_seen) / 86_400
    chance, growth = _boosters(name, asked, asked.entry < cut, days, say)
    shifts, (knots, below) = shift_odds(chance, asked, asked.entry >= cut), levels(growth, asked, asked.entry >= cut)
    say(f"{name}: log odds shifted by {np.round(shifts, 2).tolist()} for ages up to {BANDS.tolist()} h and beyond")
    chance, growth = _boosters(name, asked, np.ones(len(asked.rows), dtype=bool), days, say)
    table = {"features": list(ASKED), "categories": titles.categories, "bias": titles.bias.tolist(), "shifts": shifts.tolist(),
             "shape": shape(entries), "entries": len(entries)}
    arrays = {"wording": titles.weights.astype(np.float16), "knots": knots.astype(np.float32), "below": below.astype(np.float32)}
    return table, {"chance": chance.model_to_string(), "growth": growth.model_to_string()}, arrays


def learn_titles(entries: Sequence[Entry], visits: Visits, threshold: int, say: Say) -> Titles:
    """Weights for "reaches ``threshold``" and for growth, from entries that had not reached it at first sight."""
    cleaned_titles = [cleaned(one.title) for one in entries]
    rows, first, final = _sparse(cleaned_titles), visits.counts[visits.starts], visits.counts[visits.newest]
    small, large, grown = first < threshold, final >= threshold, np.minimum(np.log2(1 + final - first), LARGEST)
    fold = np.arange(len(entries)) * FOLDS // len(entries)
    worded = np.full((len(entries), 2), np.nan)
    for k in range(FOLDS):
        weights, bias = _wording(rows, large, grown, small & (fold != k))
        worded[fold == k] = scores([t for t, f in zip(cleaned_titles, fold, strict=True) if f == k], weights, bias)
        say(f"titles, fold {k + 1}/{FOLDS}")
    weights, bias = _wording(rows, large, grown, small)
    common = Counter(one.category for one in entries if one.category).most_common(CATEGORIES)
    categories = {name: i for i, (name, _) in enumerate(common)}
    numbers = title_numbers(cleaned_titles, [one.category for one in entries], categories, worded)
    return Titles(categories=categories, weights=weights, bias=bias, numbers=numbers)


def _wording(rows: Any, large: NDArray[np.bool_], grown: Floats, chosen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    likely = LogisticRegression(C=2.0, max_iter=30, tol=1e-3).fit(rows[chosen], large[chosen])
    much = Ridge(alpha=3.0, solver="sparse_cg", tol=1e-3).fit(rows[chosen], grown[chosen])
    return np.stack([likely.coef_[0], much.coef_]), np.array([float(likely.intercept_[0]), float(much.intercept_)])


def _sparse(titles: Sequence[str]) -> Any:
    buckets, owner = grams(titles)
    lengths = np.maximum(np.bincount(owner, minlength=len(titles)), 1)
    return csr_matrix(((1 / np.sqrt(lengths))[owner], (owner, buckets)), shape=(len(titles), BUCKETS))


def ask(visits: Visits, titles: Floats, threshold: int, rng: np.random.Generator) -> Questions:
    """Each visit twice: for the list's own threshold (when it had not been reached), and for another at random."""
    last = _chosen(visits, rng)
    own = last[visits.counts[last] < threshold]
    others = threshold * 2.0 ** _doublings(len(last), rng)
    ahead = visits.counts[last] < others
    asked = np.concatenate([own, last])
    thresholds = np.concatenate([np.full(len(own), float(threshold)), np.where(ahead, others, 2 * visits.counts[last] + 2)])
    return _replayed(visits, titles, asked, thresholds, np.arange(len(asked)) < len(own), rng)


def _chosen(visits: Visits, rng: np.random.Generator) -> Whole:
    young, older = (np.flatnonzero(mask) for mask in (visits.ages <= YOUNG, (visits.ages > YOUNG) & (visits.ages < OLDEST_ASKED)))
    return np.sort(np.concatenate([young, rng.permutation(older)[:OLDER_KEPT]]))


def _doublings(number: int, rng: np.random.Generator) -> Floats:
    widths, shares = zip(*OTHER_THRESHOLDS, strict=True)
    return np.asarray(rng.choice(widths, number, p=shares) * rng.uniform(-1, 1, number))


def _replayed(visits: Visits, titles: Floats, last: Whole, thresholds: Floats, own: NDArray[np.bool_], rng: np.random.Generator) -> Questions:
    entry = visits.owner[last]
    ages = visits.ages[last] + np.where(rng.random(len(last)) < WAITED, rng.random(len(last)) * _until_next(visits, last), 0.0)
    views = Views(visits=visits, last=last, ages=ages)
    rows = known(views, titles[entry])
    _leave_out(rows, rng)
    horizon = np.where((rng.random(len(last)) < TO_12H) & (ages < HORIZONS[0] - 0.5) & ~own, 0, 1)
    ends = np.array(HORIZONS)[horizon]
    final = np.stack([at_most(visits, end) for end in HORIZONS])[horizon, entry]
    grown = np.minimum(np.log2(1 + final - visits.counts[last]), YS[-1])
    made = questions(rows, views, thresholds, ends - ages).astype(np.float32)
    return Questions(rows=made, reached=final >= thresholds, grown=grown, entry=entry, own=own, horizon=horizon)


def _until_next(visits: Visits, last: Whole) -> Floats:
    """Hours until the entry was seen again; two where it was not."""
    following = np.minimum(last + 1, len(visits.ages) - 1)
    again = visits.owner[following] == visits.owner[last]
    return np.asarray(np.where(again & (following > last), visits.ages[following] - visits.ages[last], 2.0))


def at_most(visits: Visits, hours: float) -> Floats:
    """The last count of each entry that the list showed up to ``hours``."""
    number = np.bincount(visits.owner, weights=visits.ages <= hours, minlength=len(visits.starts)).astype(int)
    return np.asarray(visits.counts[visits.starts + np.maximum(number, 1) - 1])


def _leave_out(rows: Floats, rng: np.random.Generator) -> None:
    """What a crawler often does not bring is unknown now and then."""
    for names in GROUPS.values():
        without = np.flatnonzero(rng.random(len(rows)) < ABSENT)
        rows[without[:, None], np.array([KNOWN.index(name) for name in names])] = np.nan


def _boosters(name: str, asked: Questions, chosen: NDArray[np.bool_], days: Floats, say: Say) -> tuple[Any, Any]:
    weights = 0.5 ** (days[asked.entry] / HALF_LIFE)
    other = chosen & ~asked.own
    chance = lgb.Dataset(asked.rows[chosen], asked.reached[chosen].astype(float), weight=weights[chosen], feature_name=list(ASKED))
    growth = lgb.Dataset(
        asked.rows[other][:, : len(GROWTH)], np.minimum(asked.grown[other], LARGEST), weight=weights[other], feature_name=list(GROWTH),
    )
    return (
        lgb.train(CHANCE, chance, CHANCE_ROUNDS, callbacks=[_progress(f"{name}: chance", CHANCE_ROUNDS, say)]),
        lgb.train(GROWN, growth, GROWN_ROUNDS, callbacks=[_progress(f"{name}: growth", GROWN_ROUNDS, say)]),
    )


def _progress(name: str, rounds: int, say: Say) -> Callable[[Any], None]:
    def told(env: Any) -> None:
        if (env.iteration + 1) % 50 == 0:
            say(f"{name}: tree {env.iteration + 1}/{rounds}")

    return told


def shift_odds(chance: Any, asked: Questions, held: NDArray[np.bool_]) -> Floats:
    """What is added to the log odds at each band of ages so that the mean chance of the held questions is what came."""
    chosen = held & asked.own
    odds, reached, bands = chance.predict(asked.rows[chosen], raw_score=True), asked.reached[chosen], band(asked.ages[chosen])
    return np.array([_shift(odds[bands == k], reached[bands == k]) for k in range(len(BANDS) + 1)])


def _shift(odds: Floats, reached: NDArray[np.bool_], least: int = 30, most: float = 2.0) -> float:
    if min(reached.sum(), (~reached).sum()) < least:
        return 0.0
    def missed(shift: float) -> float:
        return float((1 / (1 + np.exp(-odds - shift))).mean() - reached.mean())

    return float(np.clip(brentq(missed, -20, 20), -most, most))


def levels(growth: Any, asked: Questions, held: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The arrays of :class:`nlp.forecast.hot.Levels`, from the held questions."""
    chosen = held & ~asked.own
    foretold, bands = growth.predict(asked.rows[chosen][:, : len(GROWTH)]), band(asked.ages[chosen])
    grown, horizon = asked.grown[chosen], asked.horizon[chosen]
    made = [[_levels(foretold[(bands == b) & (horizon == h)], grown[(bands == b) & (horizon == h)]) for h in range(2)] for b in range(len(BANDS) + 1)]
    return np.array([[knots for knots, _ in pair] for pair in made]), np.array([[below for _, below in pair] for pair in made])


def _levels(foretold: Floats, grown: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(foretold, kind="stable")
    parts = list(np.array_split(order, LEVELS))
    knots = [foretold[part].mean() if len(part) else np.inf for part in parts]
    below = [(grown[part][:, None] <= YS + 1e-6).mean(axis=0) if len(part) else np.ones(len(YS)) for part in parts]
    return np.array(knots), np.array(below)


def shape(entries: Sequence[Entry], most: int = 20_000) -> dict[str, list[float]]:
    """decay(age) × activity(hour) of growth on the list; each of the newest ``most`` entries weighs the same."""
    edges = np.array([0, 1, 2, 3, 4, 6, 8, 12, 16, 20, 24.0])
    grown, exposure = np.zeros((len(edges) - 1, 24)), np.zeros((len(edges) - 1, 24))
    middles = np.arange(0.25, 24, 0.5)
    slots = np.searchsorted(edges, middles, side="right") - 1
    for one in entries[-most:]:
        begin = shanghai(one.first_seen)
        hours = ((begin.hour + begin.minute / 60 + middles) % 24).astype(int)
        steps = np.diff(np.interp(np.arange(0, 24.01, 0.5), one.ages, one.counts))
        np.add.at(exposure, (slots, hours), 0.5)
        np.add.at(grown, (slots, hours), steps / max(1.0, steps.sum()))
    return fitted_shape(grown, exposure, edges)

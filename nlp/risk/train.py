"""Makes nlp/risk/kinds_model: ``python -m nlp.risk.train`` (needs the extra ``training`` and the shared data).

Three kinds of text: the phrases of phrases.txt (alone and strung together) with the texts of taught.txt, the open half
of nlp/cases, and rows of
the shared labelled set — praise and neutral posts and bad moods, which are no complaint of any class, and negative rows whose
class the rules are sure of (weak labels). The strength of the penalty is fixed; the temperatures are fitted on
predictions of five folds of the open cases, each made without them (Guo et al. 2017).
"""

from __future__ import annotations

import math
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from nlp.risk.cases import cases
from nlp.risk.kinds import by_rules
from nlp.risk.signals import find
from nlp.risk.small import FOLDER, ISSUE_CLASSES, LONGEST, NATURE_CLASSES, NATURES, NONE, WEIGHTS, columns
from nlp.sentiment import files
from nlp.sentiment.floor import Floor
from nlp.sentiment.grams import grams
from nlp.sentiment.reading import Ask
from nlp.training.labelled import labelled_file, rows

PHRASES, TAUGHT = Path(__file__).with_name("phrases.txt"), Path(__file__).with_name("taught.txt")
SEED, FOLDS = 20261125, 5
STRUNG = 60  # texts strung together from each class's phrases
NO_ISSUE, PLAIN, WEAK = 2500, 700, 120  # rows of the shared set: praise and neutral; bad moods; of each class at most
MOODS = ("smp2020-usual", "smp2020-virus")
SURE = 0.6  # rule weight from which a weak label is taken
STRENGTH = {"issue": 12.0, "nature": 4.0}
CASE, PHRASE, ROW = 4.0, 1.0, 0.1  # weights of the three kinds of text
# Taken off the logit of "none", which the shared rows make too likely: of 500 praising or neutral rows of the
# development part 11 % then get an issue and 12 % a nature; of the open cases 6 % and 5 % get none.
UNLIKELY = {"issue": 2.0, "nature": 1.5}
SPREAD = 3  # n-grams of the shared rows must stand in so many of them
Matrix = Any


@dataclass(frozen=True, kw_only=True)
class Example:
    """``issue`` or ``nature`` is None where the text says nothing of it; ``fold`` is 0 to 4 for cases, else None."""

    text: str
    issue: str | None
    nature: str | None
    weight: float
    fold: int | None = None


def main() -> int:
    found = [*_phrases(), *_taught(), *_cases(), *_rows()]
    sys.stdout.write(f"{len(found)} texts, {sum(one.fold is not None for one in found)} of them cases\n")
    words, idf = _vocabulary(found)
    matrix = _matrix(found, {word: at for at, word in enumerate(words)}, idf)
    fits = [_fit(matrix, found, task, classes) for task, classes in (("issue", ISSUE_CLASSES), ("nature", NATURE_CLASSES))]
    _write(words, idf, fits)
    return 0


def _phrases() -> Iterator[Example]:
    dice = random.Random(SEED)
    for line in PHRASES.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, *phrases = line.split()
            strung = ["，".join(dice.sample(phrases, dice.randint(2, 4))) for _ in range(STRUNG)]
            for text in (*phrases, *strung):
                known = {"nature": name} if name in NATURES else {"issue": name}
                yield Example(text=text, issue=known.get("issue"), nature=known.get("nature"), weight=PHRASE)


def _taught() -> Iterator[Example]:
    for line in TAUGHT.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, text = line.split("\t")
            yield Example(text=text, issue=None if name in NATURES else name, nature=name if name in NATURES else None, weight=CASE)


def _cases() -> Iterator[Example]:
    found = [(case, case.labels[0], case.labels[1]) for case in cases("issue")] + [(case, None, case.labels[0]) for case in cases("nature")]
    for at, (case, named, nature) in enumerate(pair for pair in found if not pair[0].sealed):
        yield Example(text=case.text, issue=named, nature=None if nature == "-" else nature, weight=CASE, fold=at % FOLDS)


def _rows() -> Iterator[Example]:
    """Praise and neutral posts as no complaint, negative ones where the rules are sure of a class."""
    dice = random.Random(SEED)
    train = [row for row in rows(labelled_file()) if row.part == "train" and 6 < len(row.text) < 200 and dice.random() < 0.25]
    calm = [row for row in train if row.label in ("positive", "neutral")]
    for row in dice.sample(calm, NO_ISSUE):
        yield Example(text=row.text, issue=NONE, nature=None if "?" in row.text else NONE, weight=ROW)
    yield from _moods([row.text for row in train if row.label == "negative" and row.source in MOODS], dice)
    yield from _weak([row.text for row in train if row.label == "negative"])


def _moods(texts: Sequence[str], dice: random.Random) -> Iterator[Example]:
    """Bad moods on weibo in which no rule sees anything: hardly one of them complains of a product."""
    plain = [text for text in texts if not {hit.group for hit, _ in find("", text).hits} & {"issue", "harm", "escalation"}]
    for text in dice.sample(plain, min(PLAIN, len(plain))):
        yield Example(text=text, issue=NONE, nature=None, weight=ROW)


def _weak(texts: Sequence[str]) -> Iterator[Example]:
    counts: Counter[str] = Counter()
    for text in texts:
        named = by_rules(find("", text).hits)
        if named is not None and named.p >= SURE and counts[named.name] < WEAK:
            counts[named.name] += 1
            yield Example(text=text, issue=named.name, nature=None, weight=ROW)


def _vocabulary(found: Sequence[Example]) -> tuple[list[str], Any]:
    """N-grams of phrases and cases, and those that many shared rows have; with their inverse document frequency."""
    spread: Counter[str] = Counter()
    ours: set[str] = set()
    for one in found:
        mine = set(grams(_cleaned(one.text)))
        spread.update(mine)
        if one.weight > ROW:
            ours |= mine
    words = sorted(word for word, count in spread.items() if "\n" not in word and (count >= SPREAD if word in ours else count >= 8))
    return words, np.array([math.log((1 + len(found)) / (1 + spread[word])) + 1 for word in words], np.float32)


def _cleaned(text: str) -> str:
    return find("", text).text[:LONGEST]


def _matrix(found: Sequence[Example], places: dict[str, int], idf: Any) -> Matrix:
    """One row a text: the n-grams, scaled to length 1, then the columns of the rules."""
    floor = Floor()
    at: list[int] = []
    values: list[float] = []
    ends, dense = [0], []
    for one in found:
        text = _cleaned(one.text)
        counts = Counter(place for gram in grams(text) if (place := places.get(gram)) is not None)
        row = np.array([(1 + math.log(count)) * idf[place] for place, count in counts.items()], np.float32)
        at.extend(counts)
        values.extend(row / (np.linalg.norm(row) or 1.0))
        ends.append(len(at))
        negative = floor.read([Ask(text=one.text, domain=None)])[0].probabilities[0]
        dense.append(columns(text, find("", one.text).hits, negative))
    wide = sparse.csr_matrix((values, at, ends), shape=(len(found), len(places)))
    return sparse.hstack([wide, sparse.csr_matrix(np.array(dense))]).tocsr()


def _fit(matrix: Matrix, found: Sequence[Example], task: str, classes: Sequence[str]) -> tuple[Any, Any, float]:
    """Weights and bias by class, and the temperature; prints what the folds say."""
    labels = [getattr(one, task) for one in found]
    known = np.array([at for at, label in enumerate(labels) if label is not None])
    held: defaultdict[str, list[Any]] = defaultdict(list)
    for fold in range(FOLDS):
        kept = np.array([at for at in known if found[at].fold != fold])
        asked = np.array([at for at in known if found[at].fold == fold])
        weights, bias = _regression(matrix, found, labels, kept, task, classes)
        held["logits"].append(matrix[asked] @ weights + bias)
        held["right"].append(np.array([classes.index(labels[at]) for at in asked]))
    logits, right = np.concatenate(held["logits"]), np.concatenate(held["right"])
    temperature = float(minimize_scalar(lambda t: _loss(logits / t, right), bounds=(0.2, 5.0), method="bounded").x)
    sys.stdout.write(f"{task}: {(logits.argmax(1) == right).mean():.3f} of {len(right)} open cases right in the folds, temperature {temperature:.2f}\n")
    return (*_regression(matrix, found, labels, known, task, classes), temperature)


def _regression(matrix: Matrix, found: Sequence[Example], labels: Sequence[Any], kept: Any, task: str, classes: Sequence[str]) -> tuple[Any, Any]:
    model = LogisticRegression(C=STRENGTH[task], max_iter=200)
    model.fit(matrix[kept], [classes.index(labels[at]) for at in kept], sample_weight=[found[at].weight for at in kept])
    bias = model.intercept_.astype(np.float32)
    bias[classes.index(NONE)] -= UNLIKELY[task]
    return model.coef_.T.astype(np.float32), bias


def _loss(logits: Any, right: Any) -> float:
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    return float(-np.log(shares[np.arange(len(right)), right] + 1e-9).mean())


def _write(words: Sequence[str], idf: Any, fits: Sequence[tuple[Any, Any, float]]) -> None:
    weights = np.concatenate([fit[0] for fit in fits], axis=1)
    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(
        FOLDER / WEIGHTS,
        grams=np.frombuffer("\n".join(words).encode(), np.uint8),
        idf=idf.astype(np.float16),
        weights=weights[: len(words)].astype(np.float16),
        dense=weights[len(words) :],
        bias=np.concatenate([fit[1] for fit in fits]),
        temperatures=np.array([fit[2] for fit in fits]),
    )
    files.write(FOLDER, {"name": "kinds", "version": "1"}, (WEIGHTS,))


if __name__ == "__main__":
    sys.exit(main())

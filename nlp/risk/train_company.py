"""Makes nlp/risk/company_model: ``python -m nlp.risk.train_company`` (needs the extra ``training`` and the shared data).

Windows around unmistakable brands are positive, windows around ordinary words of the same length negative. The shared
texts are unlabelled lines of weibo, hot searches and news, and the training part of the labelled set.
"""

from __future__ import annotations

import lzma
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from incidents.text import normal
from nlp.risk.company import FOLDER, WEIGHTS, around
from nlp.sentiment import files
from nlp.sentiment.clean import model_text
from nlp.training.labelled import labelled_file, rows, shared

AROUND = Path(__file__).with_name("around.txt")
LINES = {"weibohot": 0.25, "titles": 0.25, "covid": 0.05, "rumor": 0.06}  # share of each file's lines that is read
MOST_BRAND, MOST_WORD = 400, 400  # windows of one brand, of one word
SEED, SPREAD, STRENGTH = 20261125, 6, 0.05
DEV = 0.1


def main() -> int:
    found = list(_windows())
    random.Random(SEED).shuffle(found)
    cut = int(len(found) * DEV)
    spread = Counter(feature for features, _ in found[cut:] for feature in set(features))
    words = sorted(word for word, count in spread.items() if count >= SPREAD and "\n" not in word)
    places = {word: at for at, word in enumerate(words)}
    rows_, labels = _matrix(found, places), np.array([label for _, label in found])
    model = LogisticRegression(C=STRENGTH, max_iter=200, class_weight="balanced").fit(rows_[cut:], labels[cut:])
    sys.stdout.write(f"{len(found)} windows, {len(words)} features; {model.score(rows_[:cut], labels[:cut]):.3f} of {cut} left out right\n")
    _write(words, model)
    return 0


def _windows() -> Iterator[tuple[list[str], int]]:
    """Features of each window, and whether a brand stood in it."""
    lists = dict(line.split(maxsplit=1) for line in AROUND.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    brands, counts = frozenset(lists["brands"].split()), Counter[str]()
    both = re.compile("|".join(map(re.escape, sorted([*brands, *lists["words"].split()], key=len, reverse=True))))
    for line in _lines():
        for match in both.finditer(line):
            name = match[0]
            if counts[name] < (MOST_BRAND if name in brands else MOST_WORD):
                counts[name] += 1
                yield around(line, match.start(), match.end()), int(name in brands)


def _lines() -> Iterator[str]:
    dice = random.Random(SEED)
    for name, share in LINES.items():
        with lzma.open(shared() / "data" / "text" / f"{name}.txt.xz", "rt", encoding="utf-8") as lines:
            yield from (normal(model_text(line)) for line in lines if dice.random() < share)
    yield from (normal(row.text) for row in rows(labelled_file()) if row.part == "train" and dice.random() < 0.6)


def _matrix(found: list[tuple[list[str], int]], places: dict[str, int]) -> Any:
    at, ends = [], [0]
    for features, _ in found:
        at.extend(sorted({places[feature] for feature in features if feature in places}))
        ends.append(len(at))
    return sparse.csr_matrix((np.ones(len(at), np.float32), at, ends), shape=(len(found), len(places)))


def _write(words: list[str], model: Any) -> None:
    """Only features that say something: the rest would not change an answer."""
    told = [at for at in range(len(words)) if abs(model.coef_[0][at]) > 0.02]
    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(
        FOLDER / WEIGHTS, features=np.frombuffer("\n".join(words[at] for at in told).encode(), np.uint8),
        weights=model.coef_[0][told].astype(np.float16), bias=model.intercept_.astype(np.float32),
    )
    files.write(FOLDER, {"name": "company", "version": "1"}, (WEIGHTS,))


if __name__ == "__main__":
    sys.exit(main())

"""The small model of issue class and nature: character n-grams beside the rules' own findings.

Multinomial logistic regression over TF-IDF of character 1–3-grams, with what the rules found as further columns, so
that a text that no rule foresaw is still read by its words. Only numpy is needed. Trained by nlp/risk/train.py.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from incidents.errors import ModelError
from nlp.risk.lexicon import Hit, lexicon
from nlp.sentiment import files
from nlp.sentiment.grams import SIZES, grams

FOLDER = Path(__file__).with_name("kinds_model")
WEIGHTS = "weights.npz"
NONE = "none"
LONGEST = 400  # characters that are read: the rest of an article repeats them
ISSUES = tuple(rule.name for rule in lexicon().rules if rule.group == "issue")
NATURES = ("valid", "help", "question", "venting")
ISSUE_CLASSES, NATURE_CLASSES = (*ISSUES, NONE), (*NATURES, NONE)
GRAVE = ("harm", "escalation", "crowd", "noise", "hostile")
TOLD = ("help", "question", "venting", "fact")
ASKS = re.compile(r"[?？]|[吗么呢][。！!~～]*$")
DIGIT = re.compile(r"\d+")
Vector = NDArray[np.float32]
Hits = Sequence[tuple[Hit, str]]


class Small:
    """Reads what ``columns`` and the n-grams of a text say."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Load the model in ``folder``; a missing or altered file is a ModelError."""
        facts = files.manifest(folder)
        try:
            with np.load(files.checked(folder, WEIGHTS, facts), allow_pickle=False) as arrays:
                words = arrays["grams"].tobytes().decode("utf-8").split("\n")
                self._idf: Vector = arrays["idf"].astype(np.float32)
                self._weights: Vector = arrays["weights"].astype(np.float32)
                self._dense: Vector = arrays["dense"].astype(np.float32)
                self._bias: Vector = arrays["bias"].astype(np.float32)
                self._temperatures = tuple(float(t) for t in arrays["temperatures"])
        except (KeyError, ValueError, OSError) as error:
            raise ModelError(f"The model in {folder} is not of the kind that this version reads: {error}.") from error
        self._places = {word: at for at, word in enumerate(words)}

    def read(self, text: str, hits: Hits, negative: float) -> tuple[Vector, Vector]:
        """Calibrated probabilities of ISSUE_CLASSES and of NATURE_CLASSES for a normalised text."""
        outputs = self._grams(text[:LONGEST]) + columns(text, hits, negative) @ self._dense + self._bias
        cut = len(ISSUE_CLASSES)
        return _softmax(outputs[:cut] / self._temperatures[0]), _softmax(outputs[cut:] / self._temperatures[1])

    def _grams(self, text: str) -> Vector:
        found = Counter(place for gram in grams(text) if (place := self._places.get(gram)) is not None)
        rows = np.fromiter(found.keys(), np.int64, len(found))
        counts = np.array([1.0 + math.log(count) for count in found.values()], np.float32)
        values = counts * self._idf[rows]
        summed: Vector = np.asarray((values / np.float32(np.linalg.norm(values) or 1.0)) @ self._weights[rows], np.float32)
        return summed

    def pull(self, text: str, dense: Vector, asked: Sequence[Chosen]) -> list[tuple[Vector, Vector]]:
        """How much each character of the text and each dense column spoke for each chosen class.

        Gradient times input of its log-odds against the others, weighed by their shares (for a linear model exactly
        the terms of that sum); an n-gram's part is spread evenly over its characters.
        """
        text = text[:LONGEST]
        stands = np.array([self._places.get(gram, -1) for gram in grams(text)], np.int64)
        rows, at, counts = np.unique(stands, return_inverse=True, return_counts=True)
        values = np.where(rows < 0, 0, (1 + np.log(counts)) * self._idf[rows]).astype(np.float32)
        each = values / np.float32(np.linalg.norm(values) or 1.0) / counts
        weights = self._weights[rows]
        found = []
        for one in asked:
            against = one.against(weights.shape[1])
            worth: Vector = np.asarray(each * (weights @ against), np.float32)
            found.append((_spread(len(text), worth[at]), np.asarray(dense * (self._dense @ against), np.float32)))
        return found


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A class with the shares of its task; ``first`` is where the task's classes begin among all outputs."""

    shares: Vector
    at: int
    first: int

    def against(self, outputs: int) -> Vector:
        """Weights of the outputs in the class's logit less the others', each by its share of the rest."""
        weights = np.zeros(outputs, np.float32)
        others = np.where(np.arange(len(self.shares)) == self.at, 0, self.shares)
        weights[self.first : self.first + len(self.shares)] = -others / (others.sum() or 1.0)
        weights[self.first + self.at] = 1.0
        return weights


def _spread(length: int, worth: Vector) -> Vector:
    """The worth of each n-gram, in the order of nlp.sentiment.grams, on the characters that it covers."""
    spread = np.zeros(length + 2, np.float32)  # with the marks before and after
    begin = 0
    for size in SIZES:
        count = max(0, length + 3 - size)
        for place in range(size):
            spread[place : place + count] += worth[begin : begin + count] / size
        begin += count
    return spread[1:-1]


@lru_cache(maxsize=1)
def small() -> Small:
    """The shipped model."""
    return Small()


def columns(text: str, hits: Hits, negative: float) -> Vector:
    """What the rules found, as numbers: points of each issue class, grave groups, words of nature, the text's shape."""
    terms: dict[tuple[str, str], set[str]] = {}
    for hit, term in hits:
        terms.setdefault((hit.group, hit.name), set()).add(term)
    points = [_much(terms.get(("issue", name), ())) for name in ISSUES]
    grave = [_much([term for (group, _), found in terms.items() if group == name for term in found]) for name in GRAVE]
    told = [_much(terms.get(("nature", name), ())) for name in TOLD]
    shape = [negative, float(bool(ASKS.search(text))), math.log1p(len(DIGIT.findall(text))), math.log1p(len(text)) / 4]
    return np.array([*points, *grave, *told, *shape], np.float32)


def _much(found: Sequence[str] | set[str] | tuple[str, ...]) -> float:
    """Ten words for one thing are one thing: further terms count half as much each."""
    return 2 - 2.0 ** (1 - len(found))


def _softmax(logits: Vector) -> Vector:
    powers = np.exp(logits - logits.max())
    shares: Vector = powers / powers.sum()
    return shares

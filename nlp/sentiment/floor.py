"""The floor: character 1–3-gram TF-IDF with multinomial logistic regression (Wang & Manning 2012 in spirit).

Each domain has weights of its own over shared ones (Daumé III 2007, "Frustratingly easy domain
adaptation"), already added up in the file; where a domain's labelled set is narrow the answer is blended with
another domain's ("blend" in the manifest). A text of unknown domain is read with every domain's weights,
mixed by a guess of the domain from the same features. Only numpy is needed: no scikit-learn, no torch.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from incidents.errors import ModelError
from nlp.sentiment import files
from nlp.sentiment.clean import model_text
from nlp.sentiment.grams import grams
from nlp.sentiment.reading import (
    CLASSES,
    DOMAINS,
    Ask,
    Probabilities,
    Reading,
    alarms,
    by_domain,
    normalised,
    unreadable,
)

FOLDER = Path(__file__).parent / "floor_model"
WEIGHTS = "weights.npz"
Vector = NDArray[np.float32]


class Floor:
    """The shipped model. ``logits`` is what calibration and training look at; everybody else calls ``read``."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Load the model in ``folder``; a missing or altered file is a ModelError."""
        self._facts = files.manifest(folder)
        self._load(files.checked(folder, WEIGHTS, self._facts), folder)

    @cached_property
    def name(self) -> str:
        return f"{self._facts['name']}@{self._facts['version']}"

    def read(self, asked: Sequence[Ask]) -> list[Reading]:
        return [self._read(ask) for ask in asked]

    def logits(self, text: str) -> Vector:
        """Uncalibrated logits of a cleaned text: one row for each of DOMAINS, one column for each of CLASSES."""
        return self._outputs(text)[: len(DOMAINS) * len(CLASSES)].reshape(len(DOMAINS), len(CLASSES))

    def probabilities(self, text: str, domain: str | None) -> Probabilities:
        """Calibrated probabilities of a cleaned text."""
        outputs = self._outputs(text)
        each = self._blend @ softmax(outputs[:12].reshape(4, 3) / self._temperatures)
        if domain in DOMAINS:
            return normalised(each[DOMAINS.index(domain)].tolist())
        return normalised((softmax(outputs[None, 12:]) @ each)[0].tolist())

    def _read(self, ask: Ask) -> Reading:
        text = model_text(ask.text)
        if why := unreadable(text):
            return Reading(probabilities=normalised(self._facts["prior"]), alarm=False, abstains=why)
        probabilities = self.probabilities(text, ask.domain)
        alarm = alarms(probabilities, by_domain(self._facts["alarm"], ask.domain))
        return Reading(probabilities=probabilities, alarm=alarm)

    def _outputs(self, text: str) -> Vector:
        found = Counter(place for gram in grams(text) if (place := self._places.get(gram)) is not None)
        rows = np.fromiter(found.keys(), np.int64, len(found))
        counts = np.array([1.0 + math.log(count) for count in found.values()], np.float32)
        values = counts * self._idf[rows]
        length = np.float32(np.linalg.norm(values) or 1.0)
        outputs: Vector = np.asarray((values / length) @ self._weights[rows] + self._bias, np.float32)
        return outputs

    def _load(self, content: Any, folder: Path) -> None:
        try:
            with np.load(content, allow_pickle=False) as arrays:
                words = arrays["grams"].tobytes().decode("utf-8").split("\n")
                self._idf: Vector = arrays["idf"].astype(np.float32)
                self._weights: Vector = arrays["weights"] * arrays["scale"].astype(np.float32)[:, None]
                self._bias: Vector = arrays["bias"].astype(np.float32)
            temperature = self._facts["temperature"]
            self._temperatures = np.array([[temperature[domain]] for domain in DOMAINS], np.float32)
            self._blend = _blend(self._facts["blend"])
        except (KeyError, ValueError, OSError) as error:
            raise ModelError(f"The model in {folder} is not of the kind that this version reads: {error}.") from error
        self._places = {word: place for place, word in enumerate(words)}


def _blend(shares: Mapping[str, Mapping[str, float]]) -> Vector:
    """Row by row what each domain's answer is made of; itself where the manifest says nothing."""
    made = np.eye(len(DOMAINS), dtype=np.float32)
    for domain, parts in shares.items():
        made[DOMAINS.index(domain)] = [parts.get(other, 0.0) for other in DOMAINS]
    return made


def softmax(logits: Vector) -> Vector:
    """Row-wise."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: Vector = powers / powers.sum(axis=-1, keepdims=True)
    return result

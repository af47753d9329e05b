"""The shipped model: the floor reads everything, and what it is not sure of a small transformer reads as well.

A text whose largest probability by the floor is at least ``sure`` keeps the floor's answer; of the others the log
probabilities of both are added up, with weights and offsets of the domain (logarithmic opinion pool, Heskes 1998).
Their errors differ, so together they beat each alone in every domain (nlp/cards/student.md has the figures and the
curve of accuracy against speed that ``sure`` was chosen on).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from incidents.errors import ModelError
from nlp.sentiment import files
from nlp.sentiment.clean import model_text
from nlp.sentiment.floor import Floor
from nlp.sentiment.reading import Ask, Probabilities, Reading, alarms, by_domain, normalised, unreadable

FOLDER = Path(__file__).parent / "student_model"
POOL = "blend.json"  # weights, offsets, ``sure`` and operating points: written by nlp.training.blend
LEAST = 1e-5  # the floor is never surer than this


class Blend:
    """Floor and transformer together. Needs torch and transformers (5 s to import)."""

    def __init__(self, folder: Path = FOLDER, threads: int | None = None) -> None:
        """Load both models.

        Raises:
            ModelError: a file is missing or altered, or torch and transformers are not installed.
        """
        facts = files.manifest(folder)
        for name in facts["files"]:
            files.checked(folder, name, facts)
        self._pool = _pool(folder)
        self._floor = Floor()
        self._network = _network(folder, threads)
        self._name = f"{facts['name']}@{facts['version']}"

    @property
    def name(self) -> str:
        return self._name

    def read(self, asked: Sequence[Ask]) -> list[Reading]:
        texts = [model_text(ask.text) for ask in asked]
        reasons = [unreadable(text) for text in texts]
        shares = {
            at: self._floor.probabilities(text, asked[at].domain) for at, text in enumerate(texts) if reasons[at] is None
        }
        shares |= self._second({at: p for at, p in shares.items() if max(p) < self._sure(asked[at])}, texts, asked)
        return [self._reading(ask, why, shares.get(at)) for at, (ask, why) in enumerate(zip(asked, reasons, strict=True))]

    def _sure(self, ask: Ask) -> float:
        return float(by_domain(self._pool["sure"], ask.domain))

    def _second(
        self, unsure: Mapping[int, Probabilities], texts: Sequence[str], asked: Sequence[Ask]
    ) -> dict[int, Probabilities]:
        """The pooled answer on texts that the floor is not sure of."""
        logits = self._network.logits([texts[at] for at in unsure]) if unsure else []
        return {
            at: pooled(first, second, by_domain(self._pool["domains"], asked[at].domain))
            for (at, first), second in zip(unsure.items(), logits, strict=True)
        }

    def _reading(self, ask: Ask, why: str | None, shares: Probabilities | None) -> Reading:
        if shares is None:
            return Reading(probabilities=normalised(self._pool["prior"]), alarm=False, abstains=why)
        alarm = alarms(shares, by_domain(self._pool["alarm"], ask.domain))
        power = self._pool.get("sharpen", {}).get(ask.domain, 1.0)
        return Reading(probabilities=shares if power == 1.0 else normalised([p**power for p in shares]), alarm=alarm)


def pooled(first: Sequence[float], second: Sequence[float], weights: Mapping[str, Any]) -> Probabilities:
    """Probabilities of the floor and logits of the network as one answer."""
    sums = [
        weights["floor"] * math.log(max(p, LEAST)) + weights["network"] * logit + offset
        for p, logit, offset in zip(first, second, weights["offsets"], strict=True)
    ]
    top = max(sums)
    return normalised([math.exp(value - top) for value in sums])


def _pool(folder: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((folder / POOL).read_text(encoding="utf-8"))  # its digest was checked
    return found


def _network(folder: Path, threads: int | None) -> Any:
    try:
        from nlp.sentiment.transformer import Transformer
    except ImportError as error:
        raise ModelError(f"The shipped model needs torch and transformers ({error}): run make setup.") from error
    return Transformer(str(folder), threads, fast=True)

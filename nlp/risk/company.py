"""How much the words around a name look like those around a firm's: a small model of contexts, name left out.

Logistic regression over the characters near the name, trained on what stands around unmistakable brands against what
stands around ordinary words (nlp/risk/train_company.py): distant supervision after Mintz et al. (2009). So a name that
nobody listed words for is told apart, too.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from incidents.errors import ModelError
from nlp.sentiment import files

FOLDER = Path(__file__).with_name("company_model")
WEIGHTS = "weights.npz"
WIDE = 14  # characters on either side


class Contexts:
    """Weights of the features that ``around`` gives."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Load the model in ``folder``; a missing or altered file is a ModelError."""
        facts = files.manifest(folder)
        try:
            with np.load(files.checked(folder, WEIGHTS, facts), allow_pickle=False) as arrays:
                words = arrays["features"].tobytes().decode("utf-8").split("\n")
                self._weights: dict[str, float] = dict(zip(words, arrays["weights"].astype(float).tolist(), strict=True))
                self._bias = float(arrays["bias"][0])
        except (KeyError, ValueError, OSError) as error:
            raise ModelError(f"The model in {folder} is not of the kind that this version reads: {error}.") from error

    def logit(self, text: str, start: int, end: int) -> float:
        """Log-odds that a firm stands at ``start`` to ``end`` of a normalised text; 0 is undecided."""
        return self._bias + sum(self._weights.get(feature, 0.0) for feature in set(around(text, start, end)))


@lru_cache(maxsize=1)
def contexts() -> Contexts:
    """The shipped model."""
    return Contexts()


def around(text: str, start: int, end: int) -> list[str]:
    """The neighbours of a name by place, and the characters and pairs near it by side."""
    left, right = "^" + text[max(0, start - WIDE) : start], text[end : end + WIDE] + "$"
    near = [f"<{left[-1:]}", f"<{left[-2:]}", f">{right[:1]}", f">{right[:2]}", f">{right[:3]}"]
    pairs = [side[at : at + 2] for side in (left, right) for at in range(len(side) - 1)]
    return [*near, *pairs, *(f"l{pair}" for pair in (left[-5:-3], left[-4:-2], left[-3:-1])), *left, *right]

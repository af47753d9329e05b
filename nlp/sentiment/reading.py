"""What every sentiment model gives, and the promise it keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

CLASSES = ("negative", "neutral", "positive")
DOMAINS = ("weibo", "news", "forum", "review")
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
OTHER_SCRIPT = re.compile(r"[a-zA-Z\u0400-\u04ff\u0600-\u06ff\u0e00-\u0e7f\u3040-\u30ff\uac00-\ud7af]")

T = TypeVar("T")
Probabilities = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Calibrated probabilities in the order of CLASSES, sum 1; ``abstains`` says why they are only the prior."""

    probabilities: Probabilities
    alarm: bool
    abstains: str | None = None


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One text for a model; ``domain`` is one of DOMAINS or None (unknown)."""

    text: str
    domain: str | None = None


class SentimentModel(Protocol):
    """A model reads any text and never raises on one; it abstains with the prior instead."""

    @property
    def name(self) -> str:
        """``name@version``, as it is kept with every score."""

    def read(self, asked: Sequence[Ask]) -> list[Reading]:
        """One reading for each text, in order."""


def unreadable(text: str) -> str | None:
    """Why a Chinese model can say nothing of a cleaned text, as ``code: sentence``, or None when it can."""
    if not any(char.isalnum() for char in text):
        return "no_text: There are no letters to read."
    han, other = len(HAN.findall(text)), len(OTHER_SCRIPT.findall(text))
    if han == 0 or other > 20 * han:
        return "not_chinese: The text is not Chinese."
    return None


def normalised(values: Sequence[float]) -> Probabilities:
    """Three non-negative numbers as probabilities that sum to 1 within rounding."""
    total = sum(values)
    negative, neutral = values[0] / total, values[1] / total
    return (negative, neutral, max(0.0, 1.0 - negative - neutral))


def alarms(probabilities: Probabilities, threshold: float) -> bool:
    """Negative at the operating point: P(negative) reaches the threshold that was chosen for recall."""
    return probabilities[0] >= threshold


def by_domain(table: Mapping[str, T], domain: str | None) -> T:
    """The value of a domain, or that of texts whose domain is not known."""
    return table.get(domain or "unknown", table["unknown"])

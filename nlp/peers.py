"""The model that peers use by default, for comparison only: SnowNLP (word naive Bayes on reviews)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from incidents.errors import ModelError
from nlp.sentiment.reading import Ask, Reading

ALARM = 0.5  # it has no operating point of its own


class Snow:
    """SnowNLP 0.12 as a SentimentModel; it knows no neutral. Needs the extra ``training``."""

    def __init__(self) -> None:
        try:
            from snownlp import SnowNLP
        except ImportError as error:
            raise ModelError("SnowNLP is not installed: pip install snownlp.") from error
        self._read: Any = SnowNLP

    @property
    def name(self) -> str:
        return f"snownlp@{version('snownlp')}"

    def read(self, asked: Sequence[Ask]) -> list[Reading]:
        return [self._reading(ask.text) for ask in asked]

    def _reading(self, text: str) -> Reading:
        try:
            positive = float(self._read(text).sentiments)
        except ZeroDivisionError:  # no words in it
            positive = 0.5
        return Reading(probabilities=(1 - positive, 0.0, positive), alarm=1 - positive >= ALARM)

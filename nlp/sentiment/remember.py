"""Readings kept in memory by what was read: a repost is a copy, and copies come in crowds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from nlp.sentiment.clean import model_text
from nlp.sentiment.reading import Ask, Reading, SentimentModel

KEPT = 20_000  # readings; about 10 MB

Key = tuple[str | None, str]


class Remembering:
    """A model that reads each cleaned text once. The least lately used readings are forgotten first."""

    def __init__(self, model: SentimentModel, kept: int = KEPT) -> None:
        self._model, self._kept = model, kept
        self._readings: OrderedDict[Key, Reading] = OrderedDict()

    @property
    def name(self) -> str:
        return self._model.name

    def read(self, asked: Sequence[Ask]) -> list[Reading]:
        keys = [(ask.domain, model_text(ask.text)) for ask in asked]
        found = {key: self._readings[key] for key in keys if key in self._readings}
        new = {key: ask for key, ask in zip(keys, asked, strict=True) if key not in found}
        found |= dict(zip(new, self._model.read(list(new.values())), strict=True))
        self._keep(found)
        return [found[key] for key in keys]

    def _keep(self, found: dict[Key, Reading]) -> None:
        for key, reading in found.items():
            self._readings[key] = reading
            self._readings.move_to_end(key)
        while len(self._readings) > self._kept:
            self._readings.popitem(last=False)

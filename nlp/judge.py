"""What the loop asks: sentiment by a model, everything else by the rules, in one Score for each mention and brand."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from incidents.errors import ModelError
from incidents.model import Score
from nlp.risk.relevance import clauses, compared, relevance
from nlp.risk.signals import Findings, Kinds, find, kinds
from nlp.sentiment.choose import FLOOR, load
from nlp.sentiment.clean import model_text, whole
from nlp.sentiment.reading import CLASSES, Ask, Reading, SentimentModel
from nlp.sentiment.remember import Remembering

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One mention towards one brand. ``names`` are the brand's plain terms; ``domain`` weibo, news, forum, review."""

    mention_id: int
    brand: str
    names: tuple[str, ...]
    title: str
    text: str
    domain: str | None


class Judge:
    """Never raises on any text: where nothing can be said the score abstains and holds the prior."""

    def __init__(self, model: str = "floor") -> None:
        """Load the model (see nlp.sentiment.choose); a ModelError says what is wrong with it."""
        self._model: SentimentModel = Remembering(load(model))
        self._quick: SentimentModel = self._model if model == FLOOR else Remembering(load(FLOOR))

    @classmethod
    def ready(cls, model: str) -> Judge:
        """As ``Judge(model)``, but when that model cannot be used the floor takes over, said aloud."""
        try:
            return cls(model)
        except ModelError as error:
            if model == FLOOR:
                raise
            log.warning("%s The floor model takes over.", error)
            return cls(FLOOR)

    @property
    def name(self) -> str:
        """``name@version`` of the sentiment model."""
        return self._model.name

    def score(self, asked: Sequence[Asked], *, hurry: bool = False) -> list[Score]:
        """One score for each, in order. In a ``hurry`` (a backlog) the floor alone reads; each score names its model."""
        model = self._quick if hurry else self._model
        readings = model.read([Ask(text=whole(one.title, one.text), domain=one.domain) for one in asked])
        about = self._aspects(asked, model)
        return [self._score(one, model.name, reading, aspect) for one, reading, aspect in zip(asked, readings, about, strict=True)]

    def _score(self, one: Asked, model: str, reading: Reading, aspect: str | None) -> Score:
        found = find(one.title, one.text)
        told = kinds(found, reading.probabilities[0])
        return _compose(one, model, reading, found, told, aspect)

    def _aspects(self, asked: Sequence[Asked], model: SentimentModel) -> list[str | None]:
        """The sentiment of the clauses that name the brand: one more reading where they are not the whole text."""
        parts = [_aspect_text(one) for one in asked]
        readings = iter(model.read([Ask(text=part, domain=one.domain) for part, one in zip(parts, asked, strict=True) if part]))
        return [_aspect(one, part, next(readings)) if part else None for one, part in zip(asked, parts, strict=True)]


def _aspect_text(one: Asked) -> str:
    """The clauses about the brand; a brand that is addressed by its @name is named, too."""
    if not one.names:
        return ""
    spoken = whole(one.title, one.text)
    for name in one.names:
        spoken = spoken.replace(f"@{name}", f" {name}")
    return clauses(one.names, model_text(spoken))


def _aspect(one: Asked, part: str, reading: Reading) -> str | None:
    if verdict := compared(one.names, part):
        return verdict
    if reading.abstains is not None:
        return None
    return CLASSES[max(range(3), key=reading.probabilities.__getitem__)]


# A stated harm, a demand that is about to go public or a crowd that urges on is dissatisfaction, however it
# sounds to the model ("支持维权" reads as encouragement), and any dissatisfaction counts at intake (S4-13).
def _compose(one: Asked, model: str, reading: Reading, found: Findings, told: Kinds, aspect: str | None) -> Score:
    negative, neutral, positive = reading.probabilities
    return Score(
        mention_id=one.mention_id,
        brand=one.brand,
        model=model,
        negative=negative,
        neutral=neutral,
        positive=positive,
        alarm=reading.alarm or (found.alerting and told.noise is None and reading.abstains is None),
        relevance=relevance(one.names, one.title, one.text) if one.names else None,
        aspect_sentiment=aspect,
        issue=told.issue.name if told.issue else None,
        issue_p=told.issue.p if told.issue else None,
        nature=told.nature if told.noise is None else None,
        noise=told.noise,
        hostile=told.hostile,
        signals=found.signals,
        abstains=reading.abstains,
    )

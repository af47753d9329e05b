"""What the loop asks: sentiment by a model, everything else by the rules, in one Score for each mention and brand."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from incidents.errors import ModelError
from incidents.model import Score
from incidents.topics import RELEVANT
from nlp.local import Correction, corrected
from nlp.risk.aspect import Sides, leaning, sides
from nlp.risk.relevance import relevance
from nlp.risk.signals import Findings, Kinds, find, kinds
from nlp.risk.why import why
from nlp.sentiment.choose import FLOOR, load
from nlp.sentiment.clean import model_text, whole
from nlp.sentiment.reading import Ask, Reading, SentimentModel
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
        self._corrections: Mapping[str, Correction] = {}

    def correct(self, corrections: Mapping[str, Correction]) -> None:
        """From now on read each of these brands' mentions as its own labels say; the others' as the model does."""
        self._corrections = dict(corrections)

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
        own = corrected(reading.probabilities, self._corrections.get(one.brand)) if reading.abstains is None else reading.probabilities
        return _compose(one, model, replace(reading, probabilities=own), found, told, aspect, reading.probabilities[0])

    def _aspects(self, asked: Sequence[Asked], model: SentimentModel) -> list[str | None]:
        """What each text says of its brand: a comparison's verdict, else the brand's clauses beside the others'."""
        seen = [_seen(one) for one in asked]
        parts = [(one.domain, part) for one, found in zip(asked, seen, strict=True) for part in _unread(found)]
        readings = iter(model.read([Ask(text=part, domain=domain) for domain, part in parts]))
        return [_aspect(found, [next(readings) for _ in _unread(found)]) for found in seen]


NOTHING = Sides(verdict=None, ours="", theirs="")


def _seen(one: Asked) -> Sides:
    """The text from the brand's side; a brand that is addressed by its @name is named, too."""
    if not one.names:
        return NOTHING
    spoken = whole(one.title, one.text)
    for name in one.names:
        spoken = spoken.replace(f"@{name}", f" {name}")
    return sides(one.names, model_text(spoken))


def _unread(found: Sides) -> list[str]:
    """The parts that the model must still read."""
    return [] if found.verdict else [part for part in (found.ours, found.theirs) if part]


def _aspect(found: Sides, readings: Sequence[Reading]) -> str | None:
    if found.verdict or not readings:
        return found.verdict
    if readings[0].abstains is not None:
        return None
    theirs = readings[1] if len(readings) > 1 and readings[1].abstains is None else None
    return leaning(readings[0].probabilities, theirs.probabilities if theirs else None, found)


# A stated harm, a demand that is about to go public or a crowd that urges on is dissatisfaction, however it
# sounds to the model ("支持维权" reads as encouragement), and any dissatisfaction counts at intake (S4-13).
def _compose(one: Asked, model: str, reading: Reading, found: Findings, told: Kinds, aspect: str | None, said: float) -> Score:
    negative, neutral, positive = reading.probabilities
    about = relevance(one.names, one.title, one.text) if one.names else None
    other = about is not None and about < RELEVANT
    told = _meant(told, other)
    return Score(
        mention_id=one.mention_id,
        brand=one.brand,
        model=model,
        negative=negative,
        neutral=neutral,
        positive=positive,
        alarm=not other and (reading.alarm or (found.alerting and told.noise is None and reading.abstains is None)),
        relevance=about,
        aspect_sentiment=aspect,
        issue=told.issue.name if told.issue else None,
        issue_p=told.issue.p if told.issue else None,
        nature=told.nature,
        noise=told.noise,
        hostile=told.hostile,
        signals=found.signals,
        abstains=reading.abstains,
        why=why(found, told, said) if reading.abstains is None else (),
    )


def _meant(told: Kinds, other: bool) -> Kinds:
    """An advert complains of nothing, and millet porridge is no food of Xiaomi's: neither has an issue or a nature."""
    return replace(told, issue=None, nature=None) if other or told.noise is not None else told

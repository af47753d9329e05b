"""The sentiment model that a name means; nothing heavy is imported before it is needed."""

from __future__ import annotations

from typing import cast

from nlp.made import made
from nlp.sentiment.floor import Floor
from nlp.sentiment.places import find
from nlp.sentiment.reading import SentimentModel

SHIPPED, FLOOR = "shipped", "floor"


def load(model: str = SHIPPED) -> SentimentModel:
    """``shipped`` (floor and transformer together), ``floor`` (needs no torch), a folder in Hugging Face layout,
    ``module:function`` that makes a SentimentModel (docs/extending.md), or a hub id such as ``IDEA-CCNL/Erlangshen-Roberta-110M-Sentiment``.

    Raises:
        ModelError: the model is missing, altered or not of a kind that is accepted.
    """
    if model == FLOOR:
        return Floor()
    if model == SHIPPED:
        from nlp.sentiment.blend import Blend

        return Blend(threads=1)
    if ":" in model:
        return cast(SentimentModel, made(model))
    find(model)
    from nlp.sentiment.transformer import Transformer  # torch and transformers take 5 s to import

    return Transformer(model)

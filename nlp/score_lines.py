"""``yujing score``: JSON lines in, what the models say of each line out (docs/commands.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO, TextIO

from incidents.jsonlines import Answer, Line, LineError, answer_batches
from incidents.model import Score, Span
from nlp.judge import Asked, Judge
from nlp.sentiment.choose import SHIPPED
from nlp.sentiment.reading import DOMAINS

BATCH = 256  # the transformer reads texts of like length together: 1.4 × as fast as portions of 64


def run(model: str, stdin: BinaryIO, stdout: BinaryIO | TextIO) -> int:
    """Answer every line; the exit status is 1 when a line could not be used, else 0.

    Raises:
        ModelError: the model cannot be loaded; nothing was read. For the shipped one the floor takes over, said on stderr.
    """
    judge = Judge.ready(model) if model == SHIPPED else Judge(model)
    return answer_batches(stdin, stdout, lambda lines: _answers(judge, lines), limit=BATCH)


def _answers(judge: Judge, lines: Sequence[Line]) -> list[Answer | LineError]:
    asked = [_asked(line) for line in lines]
    scores = iter(judge.score([one for one in asked if isinstance(one, Asked)]))
    return [
        one if isinstance(one, LineError) else answer(line, one, next(scores))
        for line, one in zip(lines, asked, strict=True)
    ]


def _asked(line: Line) -> Asked | LineError:
    try:
        brand = line.string("brand") or ""
        return Asked(
            mention_id=0,
            brand=brand,
            names=(brand,) if brand.strip() else (),
            title=line.string("title") or "",
            text=line.required("text"),
            domain=line.choice("domain", DOMAINS),
        )
    except LineError as error:
        return error


def answer(line: Line, asked: Asked, score: Score) -> dict[str, Any]:
    """All documented fields, in the documented order.

    A named brand that the text does not name is 0: here no thread could say otherwise.
    """
    return {
        "id": line.id,
        "sentiment": score.sentiment.value,
        "probabilities": {"negative": score.negative, "neutral": score.neutral, "positive": score.positive},
        "alarm": score.alarm,
        "aspect_sentiment": score.aspect_sentiment,
        "relevance": 0.0 if asked.names and score.relevance is None else score.relevance,
        "issue": {"name": score.issue, "p": score.issue_p} if score.issue else None,
        "nature": score.nature,
        "signals": _spans(score.signals),
        "hostile": score.hostile,
        "noise": score.noise,
        "abstains": score.abstains,
        "model": score.model,
        "why": _spans(score.why),
    }


def _spans(spans: Sequence[Span]) -> list[dict[str, Any]]:
    return [{"name": span.name, "field": span.field, "start": span.start, "end": span.end} for span in spans]

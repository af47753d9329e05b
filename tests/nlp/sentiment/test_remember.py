"""Copies are read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nlp.sentiment.reading import Ask, Reading
from nlp.sentiment.remember import Remembering


@dataclass
class Counting:
    """A model that keeps what it was asked; P(negative) is the length of the text in thousandths."""

    name: str = "counting@1"
    asked: list[Ask] = field(default_factory=list)

    def read(self, asked: Sequence[Ask]) -> list[Reading]:
        self.asked.extend(asked)
        return [Reading(probabilities=(len(a.text) / 1000, 0.5, 0.5 - len(a.text) / 1000), alarm=False) for a in asked]


def test_a_copy_is_read_once_and_answers_keep_their_order() -> None:
    inner = Counting()
    model = Remembering(inner)
    texts = ["刹车失灵", "很好用", "刹车失灵 https://t.cn/abc", "刹车失灵"]  # a link is no difference
    again = [model.read([Ask(text=text) for text in texts]) for _ in range(2)]
    assert [ask.text for ask in inner.asked] == ["刹车失灵", "很好用"]
    assert [reading.probabilities[0] for reading in again[1]] == [0.004, 0.003, 0.004, 0.004]


def test_another_domain_is_another_reading() -> None:
    inner = Counting()
    Remembering(inner).read([Ask(text="一般", domain="forum"), Ask(text="一般", domain="news"), Ask(text="一般")])
    assert len(inner.asked) == 3


def test_the_least_lately_used_are_forgotten() -> None:
    inner = Counting()
    model = Remembering(inner, kept=2)
    for text in ("一", "二", "一", "三", "一", "二"):
        model.read([Ask(text=text)])
    assert [ask.text for ask in inner.asked] == ["一", "二", "三", "二"]

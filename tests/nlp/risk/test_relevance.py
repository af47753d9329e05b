"""Is it about the brand at all, and which clauses are."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from nlp.risk.aspect import sides
from nlp.risk.relevance import clauses, relevance, senses

CASES = tomllib.loads(Path(__file__).with_name("relevance_cases.toml").read_text(encoding="utf-8"))
PAIRS = [(name, kind == "yes", text) for name, kinds in CASES.items() for kind, texts in kinds.items() for text in texts]


def test_ambiguous_names_are_told_apart() -> None:
    wrong = [(name, text) for name, about, text in PAIRS if ((relevance((name,), "", text) or 0) >= 0.5) != about]
    assert len(CASES) >= 10
    assert len(wrong) <= 0.02 * len(PAIRS), wrong


def test_every_ambiguous_name_can_be_meant_and_not_meant() -> None:
    for name, sense in senses().names.items():
        assert 0 < sense.alone < 1
        assert (relevance((name,), "", f"{name}{sense.own[0]}") or 0) > 0.9


def test_an_unambiguous_name_is_taken_at_its_word() -> None:
    assert relevance(("星河汽车", "星河"), "", "星河又出新車了") == 1.0
    assert relevance(("BYD",), "", "比亚迪byd秦") == 1.0
    assert relevance(("NIO",), "", "union jack") is None


def test_a_text_without_the_name_is_left_open() -> None:
    assert relevance(("星河",), "", "支持维权") is None
    assert relevance((), "", "星河") is None


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("小米很好用，华为太垃圾", "小米很好用"),
        ("小米的屏幕，真的很差。别的不说", "小米的屏幕，真的很差"),
        ("外观不错，但小米售后太差", "但小米售后太差"),
        ("小米便宜，但是别家更好", "小米便宜"),
        ("今天天气好", ""),
    ],
)
def test_clauses_that_speak_of_the_brand(text: str, ours: str) -> None:
    assert clauses(("小米",), text) == ours


def test_comparisons_turn_the_verdict() -> None:
    assert sides(("小米",), "华为比小米好用多了").verdict == "negative"
    assert sides(("小米",), "华为不如小米耐用").verdict == "positive"
    assert sides(("小米",), "小米很好用").verdict is None


def test_a_coined_name_has_no_other_meaning() -> None:
    text = "望江里那家岫屿我中午就在隔壁桌，那姑娘一口下去脸都白了，捂着脖子往外跑"
    assert relevance(["岫屿"], "", text) == 1.0

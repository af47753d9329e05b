"""Two brands in one text: what it says of ours."""

from __future__ import annotations

import pytest

from nlp.judge import Asked, Judge
from nlp.risk.aspect import sides

JUDGE = Judge()


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("华为比小米好用多了", "negative"),
        ("华为比小米卡", "positive"),
        ("小米不如华为耐用", "negative"),
        ("论快充小米吊打苹果", "positive"),
        ("小米被苹果甩开几条街", "negative"),
        ("小米的信号跟华为没法比", "negative"),
        ("用了一圈，最后还是小米", "positive"),
        ("小米和荣耀今天都发布了新款", "neutral"),
        ("小米的屏幕很好", None),
        ("今天天气好", None),
    ],
)
def test_comparisons_name_their_winner(text: str, verdict: str | None) -> None:
    assert sides(("小米",), text).verdict == verdict


def test_clauses_are_dealt_out() -> None:
    found = sides(("小米",), "华为碎屏还不给换，小米第二天就上门")
    assert (found.ours, found.theirs) == ("小米第二天就上门", "华为碎屏还不给换")


def test_the_same_text_is_praise_of_one_and_blame_of_the_other() -> None:
    text = "比亚迪比特斯拉强多了"
    scores = JUDGE.score([Asked(mention_id=1, brand=name, names=(name,), title="", text=text, domain="weibo") for name in ("比亚迪", "特斯拉")])
    assert [score.aspect_sentiment for score in scores] == ["positive", "negative"]

"""The cleaning that training and serving share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nlp.sentiment.clean import ends, model_text, readable, whole


def test_weibo_marks_go() -> None:
    assert model_text("太差了//@某人:同意 http://t.cn/abc @小王 看 O网页链接") == "太差了 同意 @ 看"
    assert model_text("回复@某人:真的{%广州·白云%}") == "真的广州·白云"


def test_script_width_and_case_do_not_matter() -> None:
    assert model_text("這款ＡＢＣ手機　很爛") == model_text("这款abc手机 很烂")


@given(st.text(max_size=300))
def test_readable_keeps_the_length(text: str) -> None:
    assert len(readable(text)) == len(text)


@given(st.text(max_size=200))
def test_cleaning_twice_changes_nothing_that_matters(text: str) -> None:
    once = model_text(text)
    assert "\n" not in once
    assert once == once.strip()


def test_a_long_text_keeps_its_ends() -> None:
    text = "头" + "中" * 5000 + "尾"
    assert len(model_text(text)) <= 601
    assert model_text(text)[0] + model_text(text)[-1] == "头尾"
    assert ends("0123456789", 4) == "01 89"


def test_a_title_is_not_read_twice() -> None:
    assert whole("起火", "起火了") == "起火了"
    assert whole("起火", "昨天") == "起火 昨天"

"""One Score for each mention and brand; no text makes it raise."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.judge import Asked, Judge
from nlp.sentiment.reading import DOMAINS

JUDGE = Judge()


def asked(text: str, *, title: str = "", names: tuple[str, ...] = ("星河汽车", "星河"), domain: str | None = "weibo") -> Asked:
    return Asked(mention_id=7, brand="xinghe", names=names, title=title, text=text, domain=domain)


def test_a_crisis_in_one_line() -> None:
    score = JUDGE.score([asked("星河汽车充电时突然起火，两人受伤，投诉三次没人处理，太垃圾了")])[0]
    assert (score.mention_id, score.brand, score.model) == (7, "xinghe", JUDGE.name)
    assert score.sentiment == "negative"
    assert score.alarm
    assert score.signal_names() >= {"fire", "injury", "repeat"}
    assert (score.issue, score.nature, score.relevance, score.aspect_sentiment) == ("accident", "valid", 1.0, "negative")


def test_the_brand_may_be_praised_in_a_complaint_about_another() -> None:
    score = JUDGE.score([asked("小米真的很好用，很满意。华为客服太垃圾了，气死我了，再也不买", names=("小米",))])[0]
    assert (score.sentiment, score.aspect_sentiment) == ("negative", "positive")


def test_a_brand_that_is_addressed_is_named() -> None:
    assert JUDGE.score([asked("@星河汽车 刹车失灵，客服没人管，太垃圾了")])[0].aspect_sentiment == "negative"


def test_without_a_brand_nothing_is_said_of_one() -> None:
    score = JUDGE.score([asked("太差了", names=())])[0]
    assert (score.relevance, score.aspect_sentiment) == (None, None)


def test_a_reply_that_names_nobody_is_left_to_its_thread() -> None:
    assert JUDGE.score([asked("支持维权，别放过他们")])[0].relevance is None


def test_a_crowd_that_urges_on_is_an_alarm_however_it_sounds() -> None:
    score = JUDGE.score([asked("我也遇到了同样的问题，支持维权")])[0]
    assert score.alarm
    assert score.signal_names() == {"pile_on"}


def test_an_advert_has_no_nature() -> None:
    score = JUDGE.score([asked("星河汽车到店礼，0首付，置换补贴，预约试驾咨询热线")])[0]
    assert (score.noise, score.nature) == ("advert", None)


def test_millet_porridge_has_no_issue_and_raises_no_alarm() -> None:
    text = "小米粥里喝出虫子，孩子拉肚子进医院，太恶心了"
    grain, shop = JUDGE.score([asked(text, names=("小米",)), asked(text, names=("小米粥",))])
    assert grain.relevance is not None and grain.relevance < 0.5
    assert (grain.issue, grain.issue_p, grain.nature, grain.alarm) == (None, None, None, False)
    assert not {span.name for span in grain.why} & {"food_safety", "valid"}
    assert (shop.issue, shop.alarm) == ("food_safety", True)


def test_a_judgement_says_why() -> None:
    title, text = "🔥新車漏液", "@星河汽车 https://t.cn/a 提车第三天电池漏液，客服推诿，投诉三次没人理，一群废物"
    score = JUDGE.score([asked(text, title=title)])[0]
    said = {name: [{"title": title, "text": text}[s.field][s.start : s.end] for s in score.why if s.name == name] for name in {s.name for s in score.why}}
    assert set(said) == {score.issue, score.nature, "hostile"}
    assert said["hostile"] == ["废物"] and all(1 <= len(words) <= 3 for words in said.values())
    assert any("漏液" in word or "客服" in word for word in said[str(score.issue)])


def test_an_advert_says_why_and_an_abstention_says_nothing() -> None:
    text = "星河汽车到店礼，0首付，置换补贴，预约试驾咨询热线"
    advert, nothing, calm = JUDGE.score([asked(text), asked("😡😡"), asked("今天天气不错，出门走走")])
    assert {span.name for span in advert.why} == {"advert"} and "0首付" in [text[s.start : s.end] for s in advert.why]
    assert nothing.why == calm.why == ()


@settings(max_examples=60, deadline=None)
@given(title=st.text(max_size=30), text=st.text(max_size=200), domain=st.sampled_from([*DOMAINS, None]))
def test_no_text_raises(title: str, text: str, domain: str | None) -> None:
    score = JUDGE.score([asked(text, title=title, domain=domain)])[0]
    assert score.negative + score.neutral + score.positive == pytest.approx(1, abs=1e-9)
    assert all(span.end <= len({"title": title, "text": text}[span.field]) for span in (*score.signals, *score.why))


def test_empty_and_endless_texts() -> None:
    scores = JUDGE.score([asked(""), asked("啊" * 100_000), asked("\ud800" * 9, title="\ud800"), asked("😡" * 5000)])
    assert [score.abstains is None for score in scores] == [False, True, False, False]
    assert not any(score.alarm for score in scores if score.abstains)


def test_nothing_asked_nothing_answered() -> None:
    assert JUDGE.score([]) == []


def test_in_a_hurry_the_floor_reads_alone_and_the_score_says_so() -> None:
    judge = Judge("shipped")
    asked = [Asked(mention_id=1, brand="b", names=(), title="", text="还行吧，就那样，说不上来", domain="weibo")]
    calm, hurried = judge.score(asked)[0], judge.score(asked, hurry=True)[0]
    assert calm.model == judge.name and calm.model.startswith("yujing@")
    assert hurried.model.startswith("floor@") and hurried.negative != calm.negative

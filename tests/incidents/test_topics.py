from __future__ import annotations

from datetime import timedelta
from typing import Any

from incidents import topics
from incidents.model import Score
from tests.incidents.builders import HOUR, T0, score

NAMES = ("雾岛茶",)
FIRST = "雾岛茶中山路店的乌龙奶盖喝出一只完整的甲虫，店员硬说是茶渣"


def told(text: str, **changes: Any) -> topics.Told:
    return topics.told("", text, NAMES, score(1, **changes))


def praise() -> Score:
    return Score(mention_id=1, brand="wudao", model="t", negative=0.05, neutral=0.05, positive=0.9, alarm=False)


def running(*texts: str, at: Any = T0, **changes: Any) -> topics.Running:
    found = topics.Running()
    for number, text in enumerate(texts, 1):
        one = told(text, **changes)
        profile = topics.Profile(story_id=number, last_known=at, troubled=one.troubled)
        profile.hear(one, at)
        found.add(profile)
    return found


def test_other_words_for_the_same_thing_join_and_the_shared_stretches_say_why() -> None:
    match = running(FIRST).match(told("中山路那家雾岛茶真有甲虫，我同事也在乌龙奶盖里见过"), T0 + HOUR)
    assert match is not None and match.story_id == 1 and match.why == "topic"
    assert {"中山路", "甲虫"} <= set(match.shared) and match.points >= match.needed


def test_the_brand_and_everyday_words_tell_nothing() -> None:
    assert running(FIRST).match(told("雾岛茶今天人真多，店员都忙不过来，等了好久才拿到"), T0 + HOUR) is None
    assert not any("雾" in term or "岛茶" in term for term in told(FIRST).terms)


def test_a_place_alone_is_not_enough() -> None:
    match = running("雾岛茶中山路店服务员骂人").match(told("雾岛茶在中山路新开的那家周末有现场弹唱"), T0)
    assert match is None


def test_it_must_still_run() -> None:
    again = told("中山路那家雾岛茶真有甲虫，我同事也在乌龙奶盖里见过")
    assert running(FIRST).match(again, T0 + timedelta(hours=23)) is not None
    assert running(FIRST).match(again, T0 + timedelta(hours=25)) is None


def test_praise_adverts_and_other_subjects_do_not_join() -> None:
    text = "中山路店的甲虫拼图和乌龙奶盖都太可爱了"
    assert running(FIRST).match(topics.told("", "雾岛茶的乌龙奶盖真好喝", NAMES, praise()), T0) is None
    assert running(FIRST).match(told(text, noise="advert"), T0) is None
    assert running(FIRST).match(topics.told("", text, NAMES, irrelevant()), T0) is None


def irrelevant() -> Score:
    return Score(mention_id=1, brand="wudao", model="t", negative=0.9, neutral=0.05, positive=0.05, alarm=True, relevance=0.1)


def test_of_two_troubles_of_one_brand_the_one_that_is_told_is_joined() -> None:
    two = running(FIRST, "雾岛茶会员信息被卖了，骗子打电话能报出我的生日和订单")
    first, second = two.match(told("甲虫那杯乌龙奶盖送检了吗"), T0), two.match(told("我也接到骗子电话，生日都报对了，雾岛茶会员"), T0)
    assert first is not None and second is not None
    assert (first.story_id, second.story_id) == (1, 2)


def test_what_many_stories_of_the_brand_say_tells_nothing() -> None:
    menu = [f"雾岛茶乌龙奶盖第{number}次复购，芝士奶盖浓郁" for number in "二三四五六七八九十"]
    new = told("乌龙奶盖芝士奶盖今天都卖完了")
    assert running(menu[0]).match(new, T0) is not None
    assert running(*menu).match(new, T0) is None


def test_the_same_harm_by_the_same_issue_is_one_story_without_a_shared_word() -> None:
    ill = dict(issue="food_safety", signals=("illness",))
    match = running("雾岛茶喝完上吐下泻，急诊挂水到半夜", **ill).match(told("孩子拉肚子拉到虚脱", **ill), T0)
    assert match is not None and match.why == "issue"


def test_only_another_matter_speaks_against_and_a_guess_is_none() -> None:
    story = running("雾岛茶苇桥店奶冻喝出霉块", "雾岛茶苇桥店奶冻霉块我也喝到", issue="food_safety")
    again = "苇桥店的奶冻霉块"
    needed = {kind: story.match(told(again, issue=kind, issue_p=p), T0) for kind, p in (("rumour", 0.9), ("data_leak", 0.9))}
    assert needed["rumour"] is not None and needed["data_leak"] is not None
    assert needed["data_leak"].needed == needed["rumour"].needed + topics.OTHER_ISSUE
    assert told(again, issue="data_leak", issue_p=0.1).issue is None and told(again, issue="data_leak", issue_p=0.9).issue == "data_leak"


def test_a_first_report_of_harm_does_not_take_over_a_small_complaint() -> None:
    small = running("雾岛茶叫号太慢，柜台边上一摞外卖没人管")
    assert small.match(told("柜台那个等外卖的说"), T0) is not None
    assert small.match(told("柜台那个等外卖的吐了", issue="food_safety", signals=("illness",)), T0) is None


def test_a_profile_is_bounded_and_comes_back_as_it_was() -> None:
    profile = topics.Profile(story_id=1, last_known=T0, troubled=True)
    for start in range(0x4E00, 0x4E00 + 40 * 160, 160):
        profile.hear(told("".join(map(chr, range(start, start + 150)))), T0)
    assert len(profile.terms) <= 3 * topics.MOST_TERMS
    assert topics.Profile.of(1, T0, None, profile.as_json()) == profile


def test_terms_leave_out_addresses_names_and_emoticons() -> None:
    one = told("看 https://t.example/abcde 回复@小满:甲虫 //@栗子妈妈:绿毛 [裂开]")
    assert "abcde" not in one.terms and "甲虫" in one.terms and "绿毛" in one.terms
    assert not {"小满", "栗子", "裂开"} & set(one.terms)

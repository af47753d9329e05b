from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from incidents import stories
from incidents.brands import Matcher
from incidents.store import tables as t
from incidents.store.engine import writing
from incidents.store.placing import drop_terms
from tests.incidents.builders import (
    HOUR,
    MINUTE,
    T0,
    counts,
    judge_all,
    ledger_in,
    mention,
    save,
    settings_in,
)

LONG = "昨天在雾岛茶中山路店买了两杯乌龙奶盖，喝到一半发现杯底有一只完整的虫子，当时就恶心得吐了，店员说是茶渣，让我看清楚再说话，到现在也没有人道歉"


def claim(ledger, at=T0):  # type: ignore[no-untyped-def]
    return ledger.stories.claim_stirred("t", world=at, machine=T0, lasts=MINUTE)


def test_an_edited_repost_is_a_near_copy_and_another_text_is_not() -> None:
    own, edited = stories.signature("", LONG), stories.signature("", "转：" + LONG.replace("中山路店", "中山路的店") + "，太可怕")
    other = stories.signature("", "雾岛茶新出的桂花乌龙真的很好喝，香气很足，下午茶配蛋糕刚好，排队十分钟也值得，推荐大家都去试试看吧")
    assert own and edited and other
    assert stories.is_copy(own, edited) and not stories.is_copy(own, other)


def test_copies_share_a_story_and_others_do_not(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1", LONG), mention("2", LONG + "求扩散"), mention("3", "雾岛茶的包装设计获奖了，设计师分享了草图和思路，大家觉得怎么样"))
    judge_all(ledger)
    assert sorted(one.story.mentions for one in claim(ledger)) == [1, 2]


def test_one_acute_issue_told_in_many_wordings_is_one_story(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1", "雾岛茶喝完上吐下泻，急诊挂水到半夜"), mention("2", "雾岛茶那家店后厨有蟑螂爬，我亲眼看见的"))
    judge_all(ledger, issue="food_safety", signals=("illness",))
    (one,) = claim(ledger)
    assert one.story.mentions == 2 and one.story.signals == {"illness": 2} and one.story.issue == "food_safety"


def test_an_issue_of_the_day_before_yesterday_is_another_story(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1", "雾岛茶喝完上吐下泻，急诊挂水到半夜"))
    judge_all(ledger, issue="food_safety")
    later = T0 + 49 * HOUR
    save(ledger, mention("2", "雾岛茶那家店后厨有蟑螂爬，我亲眼看见的", published=later), at=later)
    judge_all(ledger, at=later, issue="food_safety")
    assert len(claim(ledger, later)) == 2


def test_the_look_at_a_story_counts_growth_and_the_largest(tmp_path: Path) -> None:
    ledger, one = ledger_in(tmp_path), mention(published=T0 - 3 * HOUR)
    save(ledger, one, snapshots=(counts(one, T0 - 2 * HOUR, reposts=40, comments=5), counts(one, T0, reposts=100, comments=9)), at=T0)
    judge_all(ledger)
    (stirred,) = claim(ledger)
    assert stirred.story.growth_1h == 64 and stirred.story.observed == {"reposts": 100, "comments": 9}
    assert stirred.metric == "reposts" and [s.reposts for s in stirred.snapshots] == [40, 100]


def test_a_story_stirred_while_decided_waits_again(tmp_path: Path) -> None:
    ledger, one = ledger_in(tmp_path), mention()
    save(ledger, one, snapshots=(counts(one, T0, reposts=1),))
    judge_all(ledger)
    (stirred,) = claim(ledger)
    save(ledger, one, snapshots=(counts(one, T0 + MINUTE, reposts=2),), at=T0 + MINUTE)
    ledger.incidents.decide(stirred, None, None, T0, None)
    (again,) = claim(ledger)
    assert again.story.observed["reposts"] == 2
    ledger.incidents.decide(again, None, None, T0, None)
    assert claim(ledger) == []


def test_placing_twice_changes_nothing(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention())
    waiting = ledger.work.claim("judge", "t", machine=T0, lasts=MINUTE)
    from tests.incidents.builders import score

    for _ in range(2):
        ledger.work.save_scores([score(waiting[0].mention_id)], T0)
    places = ledger.work.claim("place", "t", machine=T0, lasts=MINUTE)
    assert ledger.stories.place(places, T0) == 1
    assert ledger.stories.place(places, T0) == 0


def told_by(ledger):  # type: ignore[no-untyped-def]
    """(why, shared) of each mention, in order."""
    sm = t.story_mentions.c
    with ledger.engine.connect() as c:
        return [tuple(row) for row in c.execute(sa.select(sm.story_id, sm.why, sm.shared).order_by(sm.mention_id))]


BUG = "雾岛茶中山路店的乌龙奶盖喝出一只完整的甲虫，店员硬说是茶渣"


def test_it_is_kept_why_a_mention_joined_and_by_which_words(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1", BUG), mention("2", "中山路那家雾岛茶真有甲虫，我同事也在乌龙奶盖里见过"), mention("3", "雾岛茶新杯子真好看"))
    judge_all(ledger)
    (_, first, none), (_, why, shared), (_, third, _) = told_by(ledger)
    assert (first, none, why, third) == ("first", None, "topic", "first") and {"中山路", "甲虫"} <= set(shared)


def test_what_was_told_in_an_earlier_batch_is_known_in_the_next(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    for number, text in enumerate((BUG, "中山路那家雾岛茶真有甲虫，我同事也见过", "雾岛茶那只甲虫送检了没有，中山路店还在营业")):
        save(ledger, mention(str(number), text, published=T0 + number * HOUR), at=T0 + number * HOUR)
        judge_all(ledger, T0 + number * HOUR)
    assert len({story for story, _, _ in told_by(ledger)}) == 1


def test_the_news_joins_and_the_story_keeps_its_lead_and_title(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1", BUG))
    judge_all(ledger)
    save(ledger, mention("2", "本报讯 市民反映在雾岛茶中山路店的乌龙奶盖中喝出甲虫，店员称是茶渣。", title="茶饮喝出甲虫 门店称是茶渣", kind="article", published=T0 + HOUR), at=T0 + HOUR)
    judge_all(ledger, T0 + HOUR, negative=0.2)
    (one,) = claim(ledger, T0 + HOUR)
    assert one.story.mentions == 2 and one.story.title == BUG and one.story.lead_id == 1


def test_two_troubles_of_one_brand_at_one_time_are_two_stories(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    texts = (BUG, "雾岛茶会员信息被卖了，骗子打电话能报出我的生日和订单", "甲虫那杯雾岛茶乌龙奶盖送检了吗", "我也接到骗子电话，生日都报对了，我是雾岛茶会员")
    save(ledger, *(mention(str(number), text) for number, text in enumerate(texts)))
    judge_all(ledger)
    one, two, again_one, again_two = (story for story, _, _ in told_by(ledger))
    assert one == again_one != two == again_two


def test_a_story_whose_terms_were_dropped_runs_on_and_nothing_joins_by_topic(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1", BUG))
    judge_all(ledger)
    with writing(ledger.engine) as c:
        drop_terms(c, [1])
    save(ledger, mention("2", "中山路那家雾岛茶真有甲虫，我同事也在乌龙奶盖里见过"))
    judge_all(ledger)
    assert [why for _, why, _ in told_by(ledger)] == ["first", "first"]


def test_what_a_catch_all_takes_joins_by_copy_only(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path, brands=[{"id": "wudao", "name": "全部", "any": ["*"]}])
    everything = Matcher(settings_in(tmp_path, brands=[{"id": "wudao", "name": "全部", "any": ["*"]}]).brands)
    posts = [mention("1", "高速上刹车失灵追尾，车主送医院抢救，警方已介入调查"), mention("2", "吃完火锅上吐下泻送医院抢救，食药监已介入调查，结果还没出"), mention("3", "高速上刹车失灵追尾，车主送医院抢救，警方已介入调查！转发")]
    ledger.door.save(source="wb", platform="weibo", tier="online", mentions=posts, snapshots=(), matcher=everything, world=T0)
    judge_all(ledger, issue="accident", signals=("injury",))
    assert sorted(one.story.mentions for one in claim(ledger)) == [1, 2]

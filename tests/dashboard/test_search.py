"""The search page: what a query brings, what narrows it, what is said of a bad one, saved searches, rules tried."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from dashboard import hits, reads, search_tried, search_words
from dashboard.desk import Desk
from dashboard.reads import Asked
from incidents import now
from incidents.errors import QueryError
from incidents.model import Span
from incidents.now import SHANGHAI
from incidents.query import parse
from tests.dashboard import world
from tests.dashboard.conftest import words_of

Page = Callable[..., AppTest]
SEARCH = "views/search.py"


def error_of(typed: str) -> QueryError:
    with pytest.raises(QueryError) as found:
        parse(typed)
    return found.value


def test_the_box_speaks_the_query_language_and_lights_what_it_found(page: Page) -> None:
    test = page("lin", SEARCH, q="刹车 NEAR/10 反应 NOT 招聘")
    assert "找到 0 条" in words_of(test)
    test.text_input(key="q").set_value("岚野 NEAR/8 刹车").run()
    said = words_of(test)
    assert not test.exception and "找到 1 条" in said
    assert '<b class="hit">岚野</b>N6高速上<b class="hit">刹车</b><mark>踩下去是硬的' in said


def test_a_title_is_lit_too(page: Page) -> None:
    assert '<b class="hit">制动失灵</b>，品牌方' in words_of(page("lin", SEARCH, q="title:制动失灵"))


@pytest.mark.parametrize(("typed", "wanted"), [
    ("岚野 NEAR/8", "还没写完"), ("（岚野 OR", "还没写完"), ("岚野 NEAR", "还没写完"), ("岚野 -", "还没写完"), ("岚野 sentiment:neg", "还没写完"), ("- 岚野", "没有可检索的文字"), ("nofield:x 岚野", "没有“nofield”这个字段"), ("岚野 ) 虫", "右括号"),
])
def test_a_query_that_cannot_be_read_is_said_and_the_last_answer_stays(page: Page, typed: str, wanted: str) -> None:
    test = page("lin", SEARCH, q="刹车")
    test.text_input(key="q").set_value(typed).run()
    said = words_of(test)
    assert wanted in said and "下面仍是“刹车”的结果" in said and "找到 1 条" in said and "山路慢慢开" in said
    assert ("还没写完" in said) is (wanted == "还没写完") and not test.exception


def test_the_place_of_the_fault_is_marked_and_foreign_words_stay_words() -> None:
    typed = '岚野 <img src=x onerror=alert(1)> ) "'
    assert 'class="at">)</mark>' in search_words.marked_place(typed, error_of("茶 ) x").position - 2 + typed.index(")"))
    assert "<img" not in search_words.fault(error_of(typed), typed, typed)
    assert search_words.marked_place("岚野 AND", 6).endswith('<mark class="at">\u00a0</mark>')


def test_a_value_is_narrowed_to_by_one_click_and_let_go_by_another(page: Page) -> None:
    test = page("lin", SEARCH, q="岚野")
    assert test.button(key="narrow_platform_news").label == "新闻 1"
    test.button(key="narrow_platform_news").click().run()
    assert test.query_params["platform"] == "news" and "找到 1 条" in words_of(test) and "晨岸" not in test.button(key="narrow_platform_news").label
    test.button(key="narrow_platform_news").click().run()
    assert "platform" not in test.query_params and "找到 27 条" in words_of(test)


def test_an_address_holds_the_whole_search(page: Page) -> None:
    test = page("lin", SEARCH, q="岚野", sentiment="negative", **{"from": "2026-11-22T00", "until": "2026-11-22T08"})
    said = words_of(test)
    assert "找到 2 条" in said and "每小时的条数" in said and not test.exception


def test_an_address_that_says_nonsense_breaks_nothing(page: Page) -> None:
    test = page("lin", SEARCH, q="岚野", span="x", brand="<b>", **{"from": "yesterday", "until": "2026-99-99T00"})
    assert not test.exception and "找到 0 条" in words_of(test)


def test_a_stretch_up_to_three_days_is_counted_by_the_hour(place: Desk) -> None:
    begin = datetime(2026, 11, 20, tzinfo=SHANGHAI)
    days, hours = (reads.found_bars(Asked(typed="岚野", since=begin, until=begin + timedelta(days=n))) for n in (4, 3))
    assert (days.unit, hours.unit) == ("day", "hour") and days.total == hours.total == sum(n for _, n in hours.counts)
    assert len({name for name, _ in hours.counts}) == len(hours.counts) and any(n == 0 for _, n in hours.counts)


def test_a_bar_or_a_brush_is_a_stretch_of_time() -> None:
    names = ("2026-11-20", "2026-11-21", "2026-11-22")
    clicked = search_words.chosen_bars({"selected": [{"data_indices": [1]}], "areas": []}, 3)
    brushed = search_words.chosen_bars({"selected": [{"data_indices": [0, 1]}], "areas": [{"coord_range": [0.2, 7]}]}, 3)
    assert clicked == (1, 1) and brushed == (0, 2) and search_words.chosen_bars({}, 3) is None
    assert search_words.bounds(names, "day", 1, 2) == (datetime(2026, 11, 21, tzinfo=SHANGHAI), datetime(2026, 11, 23, tzinfo=SHANGHAI))


def test_a_long_text_is_shown_around_what_was_found(place: Desk) -> None:
    long = world.Post(id="long", source="weibo", author="长", followers=1, hours_ago=0.4, text="岚野" + "很长的话。" * 300 + "在这里冒烟了。" + "后话" * 300)
    world.story(place.ledger, place.settings, (long,), at=world.NOON)
    world.index(place.ledger, place.settings)
    (hit,) = reads.found_page(Asked(typed="冒烟")).rows
    (span,) = hit.spans
    assert hit.cut == (True, True) and hit.seen.text[span.start : span.end] == "冒烟" and len(hit.seen.text) < 400


def test_pages_follow_one_another_without_a_gap_or_a_twin(place: Desk) -> None:
    ids, before = [], None
    while True:
        found = reads.found_page(Asked(), before, 30)
        ids += [hit.seen.id for hit in found.rows]
        if (before := found.before) is None:
            break
    assert len(ids) == len(set(ids)) == reads.found_bars(Asked()).total == 81


@given(st.text("<>&\"'a刹车", max_size=12), st.lists(st.tuples(st.integers(-2, 14), st.integers(-2, 14)), max_size=4))
def test_lit_text_is_the_text_and_nothing_of_it_is_a_tag(text: str, ends: list[tuple[int, int]]) -> None:
    spans = [Span(name="x", field="text", start=start, end=end) for start, end in ends]
    said = hits.lit(text, ((hits.HARM, spans[:2]), (hits.LIT, spans[2:])))
    plain = said.replace('<b class="hit">', "").replace("</b>", "").replace("<mark>", "").replace("</mark>", "")
    assert "<" not in plain and plain == hits.esc(text)


def test_a_search_is_saved_opened_and_deleted(page: Page, place: Desk) -> None:
    test = page("lin", SEARCH, q="刹车 OR 奶瓶", platform="weibo")
    test.text_input(key="keep_name").set_value("*周报* [x](y)")
    next(one for one in test.get("form_submit_button") if one.proto.form_id == "keep").click().run()
    assert "已保存“*周报* [x](y)”" in words_of(test)
    (kept,) = place.ledger.searches.all()
    assert (kept.query, kept.narrowed, kept.made_by) == ("刹车 OR 奶瓶", {"platform": "weibo"}, "lin")
    other = page("shen", SEARCH)
    other.button(key=f"kept_open_{kept.id}").click().run()
    assert other.text_input(key="q").value == "刹车 OR 奶瓶" and other.query_params["platform"] == "weibo" and "找到 1 条" in words_of(other)
    other.button(key=f"kept_delete_{kept.id}").click().run()
    assert place.ledger.searches.all() == []


def test_who_may_only_look_sees_saved_searches_and_no_button_to_change_them(page: Page, place: Desk) -> None:
    number = place.ledger.searches.keep("刹车", "刹车", {}, by="lin", world=world.NOON, machine=world.NOON)
    test = page("he", SEARCH, q="岚野")
    assert test.button(key=f"kept_open_{number}") and not [one for one in test.button if one.key == f"kept_delete_{number}"]
    assert not [one for one in test.text_input if one.key == "keep_name"]


def test_a_rule_is_tried_on_what_is_stored(page: Page, place: Desk) -> None:
    test = page("lin", SEARCH, q="刹车 OR 客服 OR 奶瓶")
    test.button(key="try").click().run()
    test.selectbox(key="tried_brand").select("lanye").run()
    said = words_of(test)
    assert "近 30 天命中 3 条：其中 2 条“岚野汽车”现在已经收录，1 条是新增的" in said
    assert "属于这个品牌的 2 起事件，其中 1 起有人接手" in said
    table = tomllib.loads(test.code[0].value)["brands"][0]
    assert table == {"id": "lanye", "query": "刹车 OR 客服 OR 奶瓶"}


def test_what_a_rule_was_part_of_is_counted_from_the_ledger(place: Desk) -> None:
    sent = [one for one in place.ledger.outbox.newest() if one.sent_at is not None and one.incident_id == 1]
    place.ledger.outbox.rate(sent[0].id, "right")
    past = reads.trial("刹车", "lanye", world.NOON).past
    assert (past.looked, past.incidents, past.taken, past.right, past.wrong) == (1, 1, 1, 1, 0) and past.alerts == len(sent) > 0


def test_a_day_without_any_counts_and_other_brands_do_not(place: Desk) -> None:
    tried = reads.trial("刹车", "suihe", world.NOON)
    assert (len(tried.days), tried.month, tried.week, tried.most, tried.median) == (30, 1, 1, 1, 0)
    assert tried.watched == 0 and tried.past.incidents == 0 and tried.brand == reads.found_bars(Asked(brand="suihe")).total


def test_half_a_mention_a_day_is_not_rounded_away(place: Desk) -> None:
    tried = replace(reads.trial("刹车", "lanye", world.NOON), median=0.5, most=1_234)
    said = search_tried.figures(tried, place.settings.brand("lanye"))
    assert "<b>0.5</b>" in said and "<b>1,234</b>" in said and said.count("<i style") == 30


def test_a_sentiment_in_a_rule_is_warned_of(page: Page) -> None:
    test = page("lin", SEARCH, q="刹车 sentiment:negative")
    test.button(key="try").click().run()
    assert "规则里不能写情感" in words_of(test)


def test_answers_of_what_was_typed_are_let_go(place: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(now, "monotonic", lambda: 1_000.0)
    for n in range(250):
        reads.found_bars(Asked(typed=f"岚野{n}"))
    assert len(place.kept) >= 250
    monkeypatch.setattr(now, "monotonic", lambda: 1_061.0)
    reads.found_bars(Asked(typed="岚野"))
    assert len(place.kept) == 1

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.errors import QueryError
from incidents.i18n import words
from incidents.query import parse
from incidents.query.tree import And, Facet, Near, Not, Or, Phrase


def test_and_binds_tighter_than_or_and_may_be_left_out() -> None:
    node = parse("雾岛 OR 茶 虫 AND 店")
    assert isinstance(node, Or) and isinstance(node.parts[0], Phrase) and isinstance(node.parts[1], And)
    assert [one.terms for one in node.parts[1].parts if isinstance(one, Phrase)] == [("茶",), ("虫",), ("店",)]


def test_full_width_operators_read_the_same() -> None:
    ascii_, wide = parse('(雾岛 OR "茶 店") NOT title:虫'), parse("（雾岛 ＯＲ “茶 店”） ＮＯＴ 标题：虫")
    assert isinstance(ascii_, And) and isinstance(wide, And)
    assert [type(part) for part in ascii_.parts] == [type(part) for part in wide.parts] == [Or, Not]
    assert isinstance(wide.parts[1], Not) and isinstance(wide.parts[1].part, Phrase) and wide.parts[1].part.title_only


def test_fields_take_a_word_a_phrase_or_a_group() -> None:
    node = parse('source:(wb OR "Xin Hua") 平台：小紅書 sentiment:负面 -author:Li')
    assert isinstance(node, And)
    chosen, platform, sentiment, author = node.parts
    assert isinstance(chosen, Or) and [part.value for part in chosen.parts if isinstance(part, Facet)] == ["wb", "xin hua"]
    assert isinstance(platform, Facet) and platform.value == "小红书" and isinstance(sentiment, Facet) and sentiment.value == "negative"
    assert isinstance(author, Not) and isinstance(author.part, Facet) and author.part.value == "li"


def test_near_takes_groups_and_chains() -> None:
    node = parse("(雾岛 OR wudao) NEAR/5 虫 NEAR/2 茶")
    assert isinstance(node, And) and all(isinstance(part, Near) for part in node.parts)
    first = node.parts[0]
    assert isinstance(first, Near) and len(first.left) == 2 and first.distance == 5


def test_lower_case_words_quoted_operators_and_hyphens_are_words() -> None:
    node = parse('not "OR" N-6')
    assert isinstance(node, And) and [one.terms for one in node.parts if isinstance(one, Phrase)] == [("not",), ("or",), ("n", "6")]


@pytest.mark.parametrize("query", ["茶 NOT NOT 虫", "茶 NOT (NOT 虫)", "茶 -(-虫)"])
def test_an_exclusion_of_an_exclusion_asks_for_it(query: str) -> None:
    node = parse(query)
    assert isinstance(node, And) and [type(part) for part in node.parts] == [Phrase, Phrase]


@pytest.mark.parametrize(("query", "code", "position"), [
    ("", "ends_early", 0), ("   ", "ends_early", 3), ("茶 AND", "ends_early", 5), ("AND 茶", "misplaced", 0), ("茶 OR OR 虫", "misplaced", 5),
    ("(茶", "open_bracket", 0), ("茶 （虫 OR 店", "open_bracket", 2), ("茶)", "stray_close", 1), ("茶 ()", "empty", 3), ('茶 "虫', "open_quote", 2),
    ("NOT 茶", "only_exclusions", 0), ("-茶 -虫", "only_exclusions", 0), ("茶 OR NOT 虫", "only_exclusions", 5), ("茶 (NOT 虫 OR 店)", "only_exclusions", 3),
    ("茶 NEAR 虫", "bad_near", 2), ("茶 NEAR/x 虫", "bad_near", 2), ("茶 NEAR/101 虫", "bad_near", 2), ("茶 NEAR/3 (虫 店)", "near_sides", 2),
    ("茶 NEAR/3 title:虫", "near_fields", 2), ("茶 NEAR/3 source:wb", "near_sides", 2), ("tilte:茶", "unknown_field", 0), ("茶 12:30", "unknown_field", 2),
    ("title:", "empty_field", 6), ("title: AND", "empty_field", 7), ("title:(source:wb)", "field_in_field", 7), ("sentiment:bad", "bad_sentiment", 10),
    ("茶 ，。", "no_words", 2), ('"！"', "no_words", 0), ("雾岛*", "star", 0), ("(" * 40 + "茶" + ")" * 40, "too_deep", 30), ("茶 " * 5000, "too_long", 8000),
    ("茶 " * 1500, "too_many", 2000), ("茶" * 10_000, "too_long", 8000), ("NOT " * 40 + "茶", "too_deep", 120),
])
def test_a_bad_query_is_refused_with_its_place(query: str, code: str, position: int) -> None:
    with pytest.raises(QueryError) as caught:
        parse(query)
    assert (caught.value.code, caught.value.position) == (code, position)
    assert f"at character {position + 1}:" in str(caught.value)
    assert str(position + 1) in words(f"query.error.{code}", **caught.value.values)


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(["AND", "OR", "NOT", "(", "）", "茶", "-", '"', "NEAR/2", "title:", "source：", "虫店", " "]), max_size=25).map("".join)))
def test_any_text_is_read_or_refused_with_a_place_inside_it(query: str) -> None:
    try:
        parse(query)
    except QueryError as error:
        assert 0 <= error.position <= len(query)


def test_the_longest_query_is_read_at_once() -> None:
    began = time.perf_counter()
    parse(" OR ".join(["茶"] * 1000))
    parse("(" * 30 + "茶" + ")" * 30)
    assert time.perf_counter() - began < 1

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from incidents.query.terms import line, placed, terms

MARKS = st.text(alphabet="eéＥ\u0301\u0323ㅎㅏ\u1112\u1161\u11abㄱ가\u0345ß①㌖茶雾霧 。A1", max_size=12)


@given(st.one_of(st.text(max_size=40), MARKS))
@example("cafe\u0301 x")
@example("\u1112\u1161\u11ab글")
def test_placed_terms_are_the_archives_terms(text: str) -> None:
    assert list(placed(text).words) == terms(text) and line(text) == " ".join(terms(text))


@given(st.one_of(st.text(max_size=40), MARKS))
def test_places_lie_in_the_text_and_rise(text: str) -> None:
    spans = placed(text).spans
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(one[0] <= two[0] for one, two in pairwise(spans))


@pytest.mark.parametrize(("text", "marked"), [("去ＷＵＤＡＯ喝", ["去", "ＷＵＤＡＯ", "喝"]), ("cafe\u0301!", ["cafe\u0301"]), ("霧㌖", ["霧", "㌖", "㌖", "㌖", "㌖", "㌖", "㌖"])])
def test_a_place_is_the_stretch_that_gave_the_term(text: str, marked: list[str]) -> None:
    assert [text[start:end] for start, end in placed(text).spans] == marked


def test_an_overlong_term_is_put_in_short_and_stays_itself() -> None:
    long, other = "a" * 40_000, "a" * 39_999
    assert len(terms(long)[0]) < 100 and terms(long) == terms(long.upper()) == [line(long)] != terms(other)

"""The normal form: the quick way gives what the plain way gives, whatever the text."""

from __future__ import annotations

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from incidents.text import WIDE, normal, normalise, simplified

MARKS = "".join(mark for mark, _ in WIDE)
HARD = st.text(st.sampled_from(MARKS + "<=>aÉ雾霧İßﬁ①Ⅱ℃\u0301\u0338\u0323\u0307\u3099が가각\u1100\u1161\u11a8ᏸꭰΣς\ud7a3" + "\U0002f800"))


def plainly(text: str) -> str:
    return simplified(unicodedata.normalize("NFKC", text).casefold())


@given(st.one_of(st.text(), HARD))
@example("（\u0338）…\u0301～\u0303，\u0327")
def test_the_quick_way_is_the_plain_way(text: str) -> None:
    assert normal(text) == plainly(text)


def test_every_wide_mark_is_one_that_the_form_changes_and_none_of_them_is_left() -> None:
    assert all(wide != narrow for wide, narrow in WIDE)
    assert not set(normal(f"雾岛茶{MARKS}好")) & set(MARKS)


def test_the_way_back_leads_to_the_same_form() -> None:
    assert normalise("Ｎ６，霧島…！").text == normal("Ｎ６，霧島…！") == "n6,雾岛...!"

from __future__ import annotations

import pytest

from incidents.brands import Matcher
from incidents.settings import BrandSettings

BRANDS = [BrandSettings(id="tea", name="雾岛茶", any=("雾岛茶", "Wudao"), none=("招聘",)), BrandSettings(id="n6", name="N6", any=("N6",)), BrandSettings(id="all", name="全部", any=("*",))]


@pytest.mark.parametrize(("text", "brands"), [
    ("霧島茶好喝", {"tea"}), ("ＷＵＤＡＯ新店", {"tea"}), ("wudaotea", set()), ("去wudao喝", {"tea"}), ("雾岛茶招聘店员", set()), ("AN65 和 N66", set()), ("买了N6，不错", {"n6"}), ("", set()),
])
def test_names_match_in_every_script_width_and_case(text: str, brands: set[str]) -> None:
    assert set(Matcher(BRANDS).match("", text)) - {"all"} == brands


def test_spans_point_into_the_text_as_it_was() -> None:
    text = "ß①去了ＷＵＤＡＯ和霧島茶"
    spans = Matcher(BRANDS).match("", text)["tea"]
    assert [text[s.start : s.end] for s in spans] == ["ＷＵＤＡＯ", "霧島茶"]


def test_a_catch_all_takes_everything() -> None:
    assert set(Matcher(BRANDS).match("", "随便什么")) == {"all"}

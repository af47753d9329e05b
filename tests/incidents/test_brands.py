from __future__ import annotations

from pathlib import Path

import pytest

from incidents.brands import Matcher
from incidents.errors import SettingsError
from incidents.settings import BrandSettings, parse

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


ASKED = [BrandSettings(id="tea", name="雾岛茶", any=("Wudao",), none=("招聘",), query="雾岛 NEAR/3 (茶 OR 奶茶) NOT platform:job"), BrandSettings(id="wb", name="N", query="source:wb 门店")]


@pytest.mark.parametrize(("text", "more", "brands"), [
    ("霧島的奶茶", {}, {"tea"}), ("雾岛旅游攻略里的茶", {}, set()), ("雾岛奶茶招聘", {}, set()), ("雾岛茶", {"platform": "job"}, set()), ("去wudao", {"platform": "job"}, {"tea"}),
    ("门店", {"source": "wb"}, {"wb"}), ("门店", {}, set()),
])
def test_a_query_names_a_brand_beside_its_names(text: str, more: dict[str, str], brands: set[str]) -> None:
    assert set(Matcher(ASKED).match("", text, **more)) == brands


def test_the_spans_of_query_and_names_are_both_kept() -> None:
    spans = Matcher(ASKED).match("", "Wudao，雾岛茶")["tea"]
    assert [(span.name, span.start, span.end) for span in spans] == [("雾岛", 6, 8), ("茶", 8, 9), ("Wudao", 0, 5)]


@pytest.mark.parametrize(("brand", "said"), [({"query": "茶 （虫"}, "at character 3: this bracket"), ({}, "needs names"), ({"any": []}, "needs names"), ({"query": "-茶"}, "at character 1")])
def test_a_brand_that_cannot_be_asked_for_is_refused_with_the_place(brand: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse({"brands": [{"id": "tea", "name": "茶", **brand}]}, Path("yujing.toml"))

"""By what a text would name a brand: what the judge's relevance and aspect look for."""

from __future__ import annotations

from pathlib import Path

from incidents.settings import BrandSettings
from monitor.assemble import tools_for
from monitor.pipeline import _asked, names_of
from tests.incidents.builders import T0, ledger_in, mention, save, settings_in


def brand(**changes: object) -> BrandSettings:
    return BrandSettings.model_validate({"id": "tea", "name": "茶", **changes})


def test_a_brand_with_names_is_asked_by_its_names() -> None:
    assert names_of(brand(any=["雾岛茶", "*"], query="别的")) == ("雾岛茶",)


def test_a_brand_with_only_a_query_is_asked_by_what_the_query_looks_for() -> None:
    assert names_of(brand(query='("雾岛茶" OR 雾岛) NEAR/10 门店 NOT 招聘')) == ("雾岛茶", "雾岛", "门店")


def test_the_judge_gets_the_names_of_a_brand_that_has_only_a_query(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    settings = settings_in(tmp_path, brands=[{"id": "wudao", "name": "雾岛茶", "query": "雾岛茶 NOT 招聘"}], models={"sentiment": "floor"})
    (one,) = ledger.work.claim("judge", "t", machine=T0, lasts=T0 - T0, limit=1)
    assert _asked(tools_for(settings, ledger, "t"), one).names == ("雾岛茶",)

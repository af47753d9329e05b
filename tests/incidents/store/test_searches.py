"""Saved searches: kept once under a name, listed, deleted once, each a line of the audit."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from incidents.errors import Refused
from incidents.store import searches
from incidents.store import tables as t
from incidents.store.ledger import Ledger
from tests.incidents.builders import T0, ledger_in


def keep(ledger: Ledger, name: str = "刹车", query: str = "刹车 NEAR/10 失灵 NOT 招聘") -> int:
    return ledger.searches.keep(name, query, {"brand": "wudao", "span": "month"}, by="lin", world=T0, machine=T0)


def audit(ledger: Ledger) -> list[tuple[str, str, str]]:
    with ledger.engine.connect() as c:
        return [(row.who, row.what, row.values["name"]) for row in c.execute(sa.select(t.audit.c.who, t.audit.c.what, t.audit.c["values"].label("values")))]


def test_what_was_kept_comes_back_as_it_was(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    number = keep(ledger, "  刹车  ")
    found = ledger.searches.one(number)
    assert found is not None and found == ledger.searches.all()[0]
    assert (found.name, found.query, found.narrowed, found.made_by, found.made_at) == ("刹车", "刹车 NEAR/10 失灵 NOT 招聘", {"brand": "wudao", "span": "month"}, "lin", T0)
    assert audit(ledger) == [("lin", "search_kept", "刹车")]


def test_a_name_is_there_once_and_is_not_empty(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    keep(ledger)
    for name in ("刹车", " 刹车", "", "   "):
        with pytest.raises(Refused):
            keep(ledger, name)
    assert len(ledger.searches.all()) == 1 and len(audit(ledger)) == 1


def test_a_second_delete_finds_nothing_and_writes_nothing(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    number = keep(ledger)
    assert ledger.searches.delete(number, by="shen", machine=T0) and not ledger.searches.delete(number, by="gu", machine=T0)
    assert ledger.searches.all() == [] and ledger.searches.one(number) is None
    assert audit(ledger) == [("lin", "search_kept", "刹车"), ("shen", "search_deleted", "刹车")]


def test_there_is_an_end_to_keeping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searches, "MOST", 3)
    ledger = ledger_in(tmp_path)
    for name in "甲乙丙":
        keep(ledger, name)
    with pytest.raises(Refused, match="delete one first"):
        keep(ledger, "丁")

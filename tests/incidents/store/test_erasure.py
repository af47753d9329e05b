from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from incidents.errors import Refused
from incidents.model import Author
from incidents.store import erasure
from incidents.store import tables as t
from incidents.store.ledger import Ledger
from tests.incidents.builders import HOUR, T0, ledger_in, mention, save
from tests.incidents.store.test_retention import drain, incident_on

TEXT = "雾岛茶喝出虫子，我和同事都拉肚子了，门店还不承认，电话也不接"


def forget(ledger: Ledger, said: str) -> None:
    wanted = erasure.meant(ledger.engine, ledger.door.secret, said)
    erasure.begin(ledger.engine, ledger.door.secret, wanted, "zhou", T0)
    while erasure.step(ledger.engine, T0 + HOUR):
        pass
    erasure.finish(ledger.engine)


def everything(ledger: Ledger) -> str:
    with ledger.engine.connect() as c:
        return json.dumps([[str(value) for row in c.execute(sa.select(table)) for value in row] for table in t.metadata.sorted_tables], ensure_ascii=False)


@pytest.mark.parametrize("said", ["weibo:m.example:1", "http://M.example/1#top", "weibo:u1", "小满"])
def test_a_key_an_address_an_account_and_a_name_are_all_understood(tmp_path: Path, said: str) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1", TEXT), mention("2", "雾岛茶还行，没喝出问题来", author=Author(native_id="x", name="阿北")))
    forget(ledger, said)
    assert "拉肚子" not in everything(ledger) and "小满" not in everything(ledger) and "m.example/1" not in everything(ledger)
    assert "没喝出问题" in everything(ledger)


def test_it_stays_out_when_it_is_read_again(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1", TEXT))
    forget(ledger, "weibo:u1")
    again = save(ledger, mention("1", TEXT), mention("7", "雾岛茶又出事了", author=Author(native_id="u1")), at=T0 + HOUR)
    assert (again.stored, again.rejected) == (0, ["erased on request"] * 2)
    assert again.offered == again.stored + again.seen_again + len(again.rejected)


def test_a_refusal_before_anything_was_read_counts_too(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    forget(ledger, "http://m.example/1")
    assert save(ledger, mention("1", TEXT)).stored == 0


def test_the_incident_keeps_its_events_and_loses_the_words(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1", TEXT))
    number = incident_on(ledger)
    before = ledger.incidents.events(number)
    forget(ledger, "weibo:m.example:1")
    after = ledger.incidents.events(number)
    assert {e.kind for e in after} == {e.kind for e in before} | {"redacted"}
    assert "拉肚子" not in everything(ledger)
    incident = ledger.incidents.one(number)
    assert incident is not None and incident.brief["lead"] == "〔应本人要求已删除〕"


def test_the_archive_is_told_and_counts_stay(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1", TEXT))
    incident_on(ledger)
    drain(ledger)
    forget(ledger, "weibo:m.example:1")
    assert erasure.report(ledger.engine).waiting == 1
    assert drain(ledger) == [1]
    look = ledger.stories.look_at(1, T0)
    assert look is not None and look.story.negatives == 1 and erasure.report(ledger.engine).mentions == 1


def test_not_a_byte_is_left_in_the_files(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, *(mention(str(n), TEXT) if n == 7 else mention(str(n), f"雾岛茶第 {n} 杯，味道照旧") for n in range(50)))
    forget(ledger, "weibo:m.example:7")
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("ledger.sqlite*") if not path.name.endswith("reserve"))
    assert "电话也不接".encode() not in held and "味道照旧".encode() in held


def test_a_name_of_several_authors_is_not_guessed(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1", TEXT, author=Author(native_id="a", name="小满")), mention("2", author=Author(native_id="b", name="小满")))
    with pytest.raises(Refused, match="2 authors"):
        erasure.meant(ledger.engine, ledger.door.secret, "小满")
    with pytest.raises(Refused, match="Nobody"):
        erasure.meant(ledger.engine, ledger.door.secret, "没有这个人")


def test_steps_are_bounded_and_go_on_where_they_stopped(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, *(mention(str(n), author=Author(native_id="u")) for n in range(10)))
    erasure.begin(ledger.engine, ledger.door.secret, erasure.meant(ledger.engine, ledger.door.secret, "weibo:u"), "zhou", T0)
    assert [erasure.step(ledger.engine, T0, limit=4) for _ in range(4)] == [4, 4, 2, 0]
    assert erasure.report(ledger.engine).mentions == 10

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from incidents.errors import LeaseLost
from incidents.model import Author
from incidents.store import tables as t
from incidents.store.fetches import Outcome
from tests.incidents.builders import HOUR, MINUTE, T0, counts, ledger_in, mention, save


def rows(ledger, table):  # type: ignore[no-untyped-def]
    with ledger.engine.connect() as c:
        return c.execute(sa.select(table)).mappings().all()


def test_saving_twice_adds_only_the_snapshot(tmp_path: Path) -> None:
    ledger, one = ledger_in(tmp_path), mention()
    first = save(ledger, one, snapshots=(counts(one, T0, reposts=3),))
    again = save(ledger, one, snapshots=(counts(one, T0 + MINUTE, reposts=9),), at=T0 + MINUTE)
    assert (first.stored, again.stored, again.seen_again) == (1, 0, 1)
    assert [(r["reposts"], r["at"]) for r in rows(ledger, t.snapshots)] == [(3, T0), (9, T0 + MINUTE)]
    assert rows(ledger, t.mentions)[0]["reposts"] == 9


def test_an_older_count_never_overwrites_a_newer_one(tmp_path: Path) -> None:
    ledger, one = ledger_in(tmp_path), mention()
    save(ledger, one, snapshots=(counts(one, T0 + HOUR, reposts=50),))
    save(ledger, one, snapshots=(counts(one, T0, reposts=3),))
    assert rows(ledger, t.mentions)[0]["reposts"] == 50
    assert len(rows(ledger, t.snapshots)) == 2


def test_unknown_counts_stay_unknown(tmp_path: Path) -> None:
    ledger, one = ledger_in(tmp_path), mention()
    save(ledger, one, snapshots=(counts(one, T0, reposts=0),))
    row = rows(ledger, t.snapshots)[0]
    assert (row["reposts"], row["comments"]) == (0, None)


def test_a_reply_inherits_the_brand_of_its_root(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("r", "太吓人了，我昨天也喝了", kind="reply", root="1"), mention("1"))
    brands = rows(ledger, t.mention_brands)
    assert [(r["brand"], r["inherited"]) for r in brands] == [("wudao", False), ("wudao", True)]


def test_what_matches_nothing_is_kept_apart(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    receipt = save(ledger, mention("2", "今天天气真好"), mention("3", "雾岛茶招聘店员"))
    assert (receipt.stored, receipt.unmatched) == (2, 2)
    assert ledger.work.waiting() == {}


def test_personal_numbers_and_authors_do_not_reach_the_ledger(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention(text="雾岛茶投诉请打 13812345678", author=Author(native_id="uid-77", followers=1500)))
    row = rows(ledger, t.mentions)[0]
    assert "13812345678" not in row["text"] and "uid-77" not in str(dict(row))
    assert row["followers"] == 1024


def test_a_page_of_a_lost_lease_keeps_nothing(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    (job,) = ledger.fetches.lease("a", world=T0, machine=T0, lasts=MINUTE)
    ledger.fetches.lease("b", world=T0, machine=T0 + 2 * MINUTE, lasts=MINUTE)
    with pytest.raises(LeaseLost):
        save(ledger, mention(), job=job, outcome=Outcome(code="ok", next_due=T0 + HOUR))
    assert rows(ledger, t.mentions) == []


def test_two_doors_at_once_store_each_mention_once(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    pages = [[mention(str(n)) for n in range(i, i + 30)] for i in range(0, 60, 10)]
    threads = [threading.Thread(target=lambda page=page: save(ledger, *page)) for page in pages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows(ledger, t.mentions)) == 80


def test_poison_is_refused_by_name_and_the_page_goes_on(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    receipt = save(ledger, mention("a", text="\x00 \ud800"), mention("b", text=" "), mention("c", text="雾岛茶\x00" + "好" * 200_000))
    assert receipt.stored == 1 and len(receipt.rejected) == 2
    assert all(len(r["text"]) <= 100_000 and "\x00" not in r["text"] for r in rows(ledger, t.mentions))


def test_the_first_visit_plans_the_next(tmp_path: Path) -> None:
    ledger, one = ledger_in(tmp_path), mention(revisit="http://m.example/statuses/show?id=1")
    save(ledger, one, snapshots=(counts(one, T0, reposts=3),), schedule=lambda visit: visit.now + HOUR)
    job = next(r for r in rows(ledger, t.fetch_jobs) if r["kind"] == "revisit")
    assert job["due_at"] == T0 + HOUR and job["mention_id"] == 1
    save(ledger, one, snapshots=(counts(one, T0 + HOUR, reposts=3),), at=T0 + HOUR, schedule=lambda visit: None)
    job = next(r for r in rows(ledger, t.fetch_jobs) if r["kind"] == "revisit")
    assert job["ended_at"] == T0 + HOUR and job["unchanged"] == 1

"""Journey 1 and the acknowledging of journey 3, walked on the real product: commands, pages, Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from incidents import now
from incidents.settings import load
from incidents.store import tables as t
from incidents.store.ledger import Ledger, open_ledger
from tests.monitor.product import Product, accepted, log_in, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[Product]:
    product = Product(["drill", "--data", str(tmp_path / "drill")], tmp_path).start()
    yield product
    if product.running is not None and product.running.poll() is None:
        product.stop()


def ledger_of(product: Product) -> Ledger:
    return open_ledger(load(product.folder / "drill" / "settings.toml"))


def count(ledger: Ledger, table: sa.Table) -> int:
    with ledger.engine.connect() as c:
        return int(c.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def test_a_newcomers_first_minutes(drill: Product) -> None:
    began = time.monotonic()
    client = log_in(drill.link())
    assert client.get("/").status_code == 200
    first_page = time.monotonic() - began
    ledger = ledger_of(drill)
    preview = next(c.preview for c in load(drill.folder / "drill" / "settings.toml").channels if c.preview)

    told = wait_for(lambda: accepted(preview), 60, "an alert reached the phone")
    incident = wait_for(lambda: next((i for i in ledger.incidents.open() if i.grade >= 2), None), 60, "an incident of 黄 or higher")
    reached = time.monotonic() - began
    assert incident.number in str(told) and reached < 60
    climbed = wait_for(lambda: [m for m in accepted(preview) if "13800000002" in str(m) or m.get("mobiles") == ["13800000002"]], 90, "the alert climbed to the next person")
    assert climbed

    incident = ledger.incidents.one(incident.id)
    assert "我来处理" in client.get(f"/ack/{incident.number}").text
    for _ in range(5):  # the grade may rise between looking and pressing: look again, press again
        incident = ledger.incidents.one(incident.id)
        answer = client.post(f"/ack/{incident.number}", data={"grade": str(int(incident.grade))})
        if answer.status_code == 303:
            break
    taken = ledger.incidents.one(incident.id)
    assert taken.acked_by is not None or taken.grade > incident.grade

    assert drill.stop() < 10
    ledger.clock.follow()
    stood, mentions = now.world(), count(ledger, t.mentions)
    assert mentions > 20 and count(ledger, t.snapshots) > mentions
    print(f"first page after {first_page:.1f} s, incident and alert after {reached:.1f} s, {mentions} mentions")

    again = Product(drill.command, drill.folder).start()
    client = log_in(again.link())
    ledger.clock.follow()
    assert now.world() >= stood
    wait_for(lambda: count(ledger, t.mentions) > mentions or count(ledger, t.fetch_log) > 0, 30, "it goes on")
    with ledger.engine.connect() as c:
        keys = c.execute(sa.select(t.mentions.c.key)).scalars().all()
        sent = c.execute(sa.select(sa.func.count()).where(t.outbox.c.state == "sent")).scalar_one()
    assert len(keys) == len(set(keys))
    assert len(accepted(preview)) >= sent
    assert again.stop() < 10


def test_a_second_copy_is_refused_with_a_sentence(drill: Product) -> None:
    drill.link()
    wait_for(lambda: (drill.folder / "drill" / "data" / "ledger.sqlite").exists(), 20, "it runs")
    time.sleep(2)
    second = Product(drill.command, drill.folder).start()
    assert second.running is not None
    said = second.running.communicate(timeout=30)[0]
    assert second.running.returncode == 2 and "already runs" in said

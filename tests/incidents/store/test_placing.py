from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random

from incidents import stories as rules
from incidents.store.ledger import Ledger
from incidents.store.placing import CANDIDATES, _candidates
from tests.incidents.builders import MINUTE, T0, judge_all, ledger_in, mention, save

WORDS = ["雾岛茶", "喝完", "拉肚子", "门店", "不承认", "要求", "退款", "排队", "杯子", "里面", "有", "虫子", "店员", "态度", "很差", "建议", "大家", "别去"]


def test_of_many_near_copies_the_newest_are_looked_at(tmp_path: Path) -> None:
    """As the plain question says it, which reads every copy in every band."""
    ledger, rng = ledger_in(tmp_path), Random(1)
    for start in range(0, 60, 20):
        save(ledger, *(mention(str(n), " ".join(["雾岛茶", *WORDS[: rng.randint(9, 17)]]), published=T0 + timedelta(seconds=n)) for n in range(start, start + 20)))
        judge_all(ledger)
    save(ledger, mention("new", " ".join(WORDS[:14]), published=T0 + MINUTE))
    one = ledger.work.claim("judge", "w", machine=T0, lasts=MINUTE)[0]
    own = rules.signature(one.title, one.text)
    assert own is not None
    with ledger.engine.connect() as c:
        plain = f"SELECT DISTINCT mention_id FROM near_bands WHERE brand = 'wudao' AND band IN ({','.join(map(str, own.bands()))}) ORDER BY mention_id DESC"
        near = [number for (number,) in c.exec_driver_sql(plain)]
        found = _candidates(c, one, own, {})
    assert len(near) > CANDIDATES and sorted((f.mention_id for f in found), reverse=True) == near[:CANDIDATES]
    assert all(f.signature == rules.signature("", text) for f in found for text in [_text(ledger, f.mention_id)])


def _text(ledger: Ledger, number: int) -> str:
    with ledger.engine.connect() as c:
        return str(c.exec_driver_sql("SELECT text FROM mentions WHERE id = ?", (number,)).scalar_one())

"""Labels: drawn by turns at random and by doubt, the same until somebody answers, append-only."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from incidents.errors import Refused
from incidents.store import tables as t
from incidents.store.labels import SINCE, LabelStore, ToLabel
from incidents.store.ledger import Ledger
from tests.incidents.builders import T0, ledger_in

HOUR = timedelta(hours=1)


def scored(ledger: Ledger, count: int, *, age: timedelta = HOUR) -> None:
    """``count`` mentions of brand ``b``; the model is the less sure the higher the id."""
    with ledger.engine.begin() as c:
        for at in range(1, count + 1):
            negative = 1 - 0.5 * at / (count + 1)
            c.execute(sa.insert(t.mentions).values(
                id=at, key=f"k{at}", source="s", platform="forum", tier="forum", kind="post", url=f"http://127.0.0.1/{at}", title="", text=f"第{at}条", quote="",
                author_name="", precision="second", first_seen=T0 - age, dated=T0 - age, saved_at=T0, fingerprint=str(at), flags=[], matched=True, text_hash=str(at)))
            c.execute(sa.insert(t.mention_brands).values(mention_id=at, brand="b", spans=[], inherited=False, dated=T0 - age))
            c.execute(sa.insert(t.scores).values(
                mention_id=at, brand="b", model="m@1", at=T0, negative=negative, neutral=1 - negative, positive=0.0, sentiment="negative", alarm=True,
                relevance=0.9, issue="service", signals=[]))


def drawn(store: LabelStore) -> ToLabel:
    found = store.draw("b", T0)
    assert found is not None
    return found


def test_the_same_mention_until_somebody_answers_then_the_most_doubtful(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    scored(ledger, 9)
    first = drawn(ledger.labels)
    assert first.drawn == "random" and drawn(ledger.labels) == first
    ledger.labels.keep(first, "sentiment", "neutral", by="lin", world=T0)
    second = drawn(ledger.labels)
    assert second.drawn == "uncertain" and second.mention_id == max(set(range(1, 10)) - {first.mention_id})


def test_every_mention_is_drawn_once_and_then_there_is_none(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    scored(ledger, 6)
    seen = []
    while (one := ledger.labels.draw("b", T0)) is not None:
        seen.append(one.mention_id)
        ledger.labels.keep(one, "relevance", "not", by="lin", world=T0)
    assert sorted(seen) == [1, 2, 3, 4, 5, 6]


def test_the_newest_word_counts_and_the_older_stays(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    scored(ledger, 1)
    one = drawn(ledger.labels)
    ledger.labels.keep(one, "sentiment", "neutral", by="lin", world=T0)
    ledger.labels.keep(one, "sentiment", "negative", by="gu", world=T0 + HOUR)
    label, = ledger.labels.all("b")
    assert (label.value, label.said, label.right, label.made_by, label.made_at) == ("negative", "negative", True, "gu", T0 + HOUR)
    with ledger.engine.connect() as c:
        assert c.execute(sa.select(sa.func.count()).select_from(t.labels)).scalar_one() == 2


def test_what_is_old_or_of_another_brand_is_not_drawn(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    scored(ledger, 3, age=SINCE + HOUR)
    assert ledger.labels.draw("b", T0) is None and ledger.labels.draw("c", T0) is None


def test_a_value_that_is_none_is_refused(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    scored(ledger, 1)
    with pytest.raises(Refused):
        ledger.labels.keep(drawn(ledger.labels), "sentiment", "angry", by="lin", world=T0)
    assert ledger.labels.all("b") == []


def test_tones_are_counted_in_their_time(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    scored(ledger, 4)
    assert ledger.labels.tones("b", T0 - 2 * HOUR, T0) == {"negative": 4}
    assert ledger.labels.tones("b", T0, T0 + HOUR) == {}

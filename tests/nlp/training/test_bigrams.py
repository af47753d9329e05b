from __future__ import annotations

import math
from pathlib import Path

import pytest

from incidents import topics
from nlp.training.bigrams import rates, table


def test_a_language_of_one_genre_is_language_too() -> None:
    found = rates([("news", "记者报道")] * 4 + [("review", "好用")] * 4 + [("review", "记者")] * 3)
    assert found["记者"] == pytest.approx((1 + 3 / 7) / 2) and found["好用"] == pytest.approx(4 / 7 / 2)
    assert "记" in found and "者报" in found


def test_the_table_is_read_back_as_it_was_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "frequent.txt"
    file.write_text(table({"的": 0.4, "记者": math.exp(-5), "app": math.exp(-6.1), "甲虫": math.exp(-12)}), encoding="utf-8")
    monkeypatch.setattr(topics, "FREQUENT", file)
    assert topics.frequent.__wrapped__() == {"的": 1.0, "记者": 5.0, "app": 6.0}


def test_the_shipped_table_is_small_and_knows_everyday_words_from_rare_ones() -> None:
    assert topics.FREQUENT.stat().st_size <= 300_000
    assert topics.frequent()["我们"] < 5 < topics.frequent()["霉"]
    assert "奶冻" not in topics.frequent()

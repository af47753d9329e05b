"""Reading the labelled set and splitting it without leaks."""

from __future__ import annotations

import lzma
from pathlib import Path

from nlp.training.labelled import Row, labelled_file, part, rows


def written(folder: Path, *lines: str) -> Path:
    path = folder / "labelled.tsv.xz"
    with lzma.open(path, "wt", encoding="utf-8") as out:
        out.write("source\tdomain\tscheme\tlabel\ttext\n" + "".join(line + "\n" for line in lines))
    return path


def test_rows_are_clean_and_without_copies(tmp_path: Path) -> None:
    path = written(tmp_path, "a\tweibo\tthree\tnegative\t太差了 http://t.cn/x", "b\tweibo\tthree\tnegative\t太差了", "a\tnews\tbinary\tpositive\t好", "a\tnews\tthree\tneutral\t ")
    assert [(row.source, row.text) for row in rows(path)] == [("a", "太差了"), ("a", "好")]


def test_schemes_say_what_was_possible_and_what_is_left() -> None:
    def row(scheme: str, label: str) -> Row:
        return Row(source="s", domain="weibo", scheme=scheme, label=label, text="x", part="train")

    assert (row("binary", "positive").allowed, row("binary", "positive").targets) == ((0, 2), (2,))
    assert (row("partial", "non-negative").allowed, row("partial", "non-negative").targets) == ((0, 1, 2), (1, 2))
    assert row("three", "neutral").targets == (1,)


def test_near_copies_are_in_one_part() -> None:
    text = "这家店的服务态度实在太差了等了两个小时没有人理我们最后只好自己走掉再也不会来了请大家都不要去"
    assert part(text + "！！真的") == part("“" + text.replace("，", "") + "”另一个结尾")


def test_the_parts_have_their_shares() -> None:
    parts = [part(f"第{n}条不同的话") for n in range(4000)]
    assert 0.045 < parts.count("dev") / 4000 < 0.075
    assert 0.065 < parts.count("test") / 4000 < 0.095


def test_the_shared_set_has_no_leak(shared: Path) -> None:
    where: dict[str, str] = {}
    for row in rows(labelled_file(shared), every=5):
        key = "".join(char for char in row.text if char.isalnum())[:40]
        assert where.setdefault(key, row.part) == row.part

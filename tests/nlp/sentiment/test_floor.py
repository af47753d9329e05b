"""The shipped floor model: loads fast, is checked, reads anything."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from incidents.errors import ModelError
from incidents.now import monotonic
from nlp.sentiment.choose import load
from nlp.sentiment.floor import FOLDER, WEIGHTS, Floor
from nlp.sentiment.reading import DOMAINS, Ask

STRANGE = ["", " \n", "😡😡😡", "\ud800\udfff", "\x00\x07", "。。。！！", "just english words here", "啊" * 100_000, "🔥" * 50_000]


@pytest.fixture(scope="module")
def floor() -> Floor:
    return Floor()


def test_praise_and_complaint(floor: Floor) -> None:
    bad, good = floor.read([Ask(text="客服态度极差，退款拖了一个月，垃圾"), Ask(text="非常满意，物流快，下次还买")])
    assert bad.probabilities[0] > 0.6
    assert bad.alarm
    assert good.probabilities[2] > 0.6
    assert not good.alarm


@pytest.mark.parametrize("domain", [*DOMAINS, None])
def test_probabilities_sum_to_one(floor: Floor, domain: str | None) -> None:
    for reading in floor.read([Ask(text=text, domain=domain) for text in [*STRANGE, "刹车失灵", "請問如何保養"]]):
        assert abs(sum(reading.probabilities) - 1) < 1e-9
        assert min(reading.probabilities) >= 0


def test_what_cannot_be_read_is_said(floor: Floor) -> None:
    readings = floor.read([Ask(text=text) for text in STRANGE[:7]])
    assert [(reading.abstains or "").partition(":")[0] for reading in readings] == ["no_text"] * 6 + ["not_chinese"]
    assert len({reading.probabilities for reading in readings}) == 1
    assert not any(reading.alarm for reading in readings)


def test_both_scripts_read_the_same(floor: Floor) -> None:
    one, other = floor.read([Ask(text="這車質量太差，售後不理人", domain="forum"), Ask(text="这车质量太差，售后不理人", domain="forum")])
    assert one == other


def test_order_and_batch_do_not_matter(floor: Floor) -> None:
    asks = [Ask(text=text, domain=domain) for text in ("太差了", "很好", "请问多少钱") for domain in (*DOMAINS, None)]
    assert floor.read(asks) == [floor.read([ask])[0] for ask in asks]


def test_a_thousand_short_texts_a_second(floor: Floor) -> None:
    asks = [Ask(text=f"第{n}次了，客服还是不处理，屏幕坏了三个月没人管", domain="weibo") for n in range(400)]
    best = min(_seconds(floor, asks) for _ in range(3))
    assert len(asks) / best > 300  # a third of what an idle core does: this machine may be shared


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "floor")
    with (folder / WEIGHTS).open("ab") as weights:
        weights.write(b"x")
    with pytest.raises(ModelError, match=r"weights.npz was altered: its SHA-256"):
        Floor(folder)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"manifest.json cannot be read"):
        Floor(tmp_path)
    shutil.copy(FOLDER / "manifest.json", tmp_path)
    with pytest.raises(ModelError, match=r"weights.npz cannot be read"):
        Floor(tmp_path)


def test_the_manifest_is_complete() -> None:
    facts = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    assert set(facts["temperature"]) >= set(DOMAINS)
    assert set(facts["alarm"]) == {*DOMAINS, "unknown"}
    assert max(facts["prior"]) == facts["prior"][1], "an abstention must not count as a negative mention"
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 10_000_000


def test_nothing_heavy_is_imported() -> None:
    code = "import sys; from nlp.judge import Judge; Judge(); print([m for m in ('torch','transformers','sklearn','scipy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_floor_needs_no_folder() -> None:
    assert load("floor").name.startswith("floor@")


def _seconds(floor: Floor, asks: list[Ask]) -> float:
    began = monotonic()
    floor.read(asks)
    return monotonic() - began

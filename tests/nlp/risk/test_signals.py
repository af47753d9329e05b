"""Signals with their spans: stated, denied, imagined, figurative; both scripts."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from nlp.risk.kinds import Issue
from nlp.risk.lexicon import LONGEST, lexicon
from nlp.risk.signals import find, kinds

HERE = Path(__file__).parent
CASES = tomllib.loads((HERE / "signal_cases.toml").read_text(encoding="utf-8"))["cases"]
KINDS = tomllib.loads((HERE / "kind_cases.toml").read_text(encoding="utf-8"))
HARM = {rule.name for rule in lexicon().rules if rule.group == "harm"}


def names(text: str) -> set[str]:
    return {span.name for span in find("", text).signals}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:16])
def test_a_text_says_what_it_states(case: dict[str, Any]) -> None:
    found = names(case["text"])
    assert found & HARM == set(case["harm"])
    assert set(case.get("also", ())) <= found
    assert not found & set(case.get("never", ()))


@pytest.mark.parametrize(("kind", "case"), [(k, c) for k, cases in KINDS.items() for c in cases], ids=lambda v: str(v)[:20])
def test_issue_nature_and_noise(kind: str, case: dict[str, Any]) -> None:
    told = kinds(find("", case["text"]), case.get("negative", 0.8))
    found = told.issue.name if kind == "issue" and told.issue else getattr(told, kind)
    assert found == case["name"]


def test_spans_are_code_points_of_the_text_as_given() -> None:
    title, text = "🔥🔥電動車起火", "ＡＢＣ…㎏ 起火，市场监管总局约谈"
    spans = find(title, text).signals
    assert [(s.name, s.field, {"title": title, "text": text}[s.field][s.start : s.end]) for s in spans] == [
        ("fire", "title", "起火"), ("fire", "text", "起火"),
        ("regulator", "text", "市场监管总局约谈"), ("regulator_notice", "text", "市场监管总局约谈"),
    ]


@pytest.mark.parametrize("text", ["", " ", "😡😡", "\ud800\ud800", "\x00\x01", "1" * 50_000, "没有" * 30_000, "起火" * 50_000, "ﷺ" * 10_000])
def test_no_text_is_too_strange(text: str) -> None:
    found = find(text, text)
    assert all(0 <= span.start < span.end <= min(len(text), LONGEST) for span in found.signals)
    kinds(found, 0.5)


def test_a_happy_text_has_no_issue() -> None:
    assert kinds(find("", "质量很好，客服耐心，发货快"), 0.05).issue is None
    told = kinds(find("", "刹车失灵撞了护栏，质量太差"), 0.9).issue
    assert isinstance(told, Issue)
    assert 0 < told.p < 1


def test_abuse_adds_up() -> None:
    calm, rude, ruder = (kinds(find("", text), 0.9).hostile for text in ("退款慢", "一群废物，无耻", "傻逼公司去死，砸了你们的店"))
    assert calm == 0
    assert 0 < rude < ruder < 1


@pytest.mark.parametrize("text", ["某某股份:股东计划减持不超过2%股份", "某某技术:实控人质押股票已触及平仓线"])
def test_a_notice_of_shareholders_is_no_conduct_of_executives(text: str) -> None:
    told = kinds(find("", text), 0.5).issue
    assert told is None or told.name != "executive"


def test_what_never_counts_touches_only_its_own_rule() -> None:
    assert names("新京报讯 记者从公司获悉，产品通过备案") == set()
    assert names("我已经联系了电视台的记者，也打了12315") >= {"media", "regulator"}
    assert "media" not in names("央视春晚同款") and "fire" in names("央视春晚同款灯笼起火")

"""The words that decided issue and nature, where they stand in the title and the text as given."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.risk.cases import cases
from nlp.risk.signals import Kinds, find, kinds
from nlp.risk.why import MOST, traced, why

PIECES = st.sampled_from(["http://t.cn/a", "//@某人:", "@星河 ", "㎏", "ﷺ", " ", "，", "漏水", "電池", "回复@甲：", "😡", "x", "1"])


def words(text: str, name: str, negative: float = 0.9) -> list[str]:
    found = find("", text)
    return [text[s.start : s.end] for s in why(found, kinds(found, negative), negative) if s.name == name]


@settings(max_examples=100, deadline=None)
@given(title=st.lists(PIECES, max_size=4).map("".join), text=st.lists(PIECES, max_size=60).map("".join))
def test_what_the_model_read_is_found_again(title: str, text: str) -> None:
    found = find(title, text)
    read, places = traced(found)
    forms = dict(found.forms)
    assert read == found.text and len(places) == len(read)
    for char, place in zip(read, places, strict=True):
        assert place is None or char in [c for c, at in zip(forms[place[0]].text, forms[place[0]].origin, strict=False) if at == place[1]]


def test_the_words_of_a_defect() -> None:
    assert "二度烫伤" in words("热水壶突然炸裂，开水浇了一身，送到医院说是二度烫伤", "accident")
    assert words("烤鴨切開一股餿味，退給店家還說是滷料的味道", "food_safety") == ["餿味"]


def test_a_question_is_told_by_its_mark() -> None:
    assert any("吗" in word for word in words("请教一下，首保是必须回4S店做吗？", "question", 0.3))


def test_nearly_every_answer_has_its_words_and_never_more_than_three() -> None:
    """Without are those that the tone alone decided: P(negative) speaks in no character."""
    answers = silent = 0
    for case in [*cases("issue"), *cases("nature")]:
        found = find("", case.text)
        told = kinds(found, 0.9)
        names = [span.name for span in why(found, told, 0.9) if span.name != "hostile"]
        wanted = {name for name in (told.issue and told.issue.name, told.nature, told.noise) if name}
        answers, silent = answers + len(wanted), silent + len(wanted - set(names))
        assert set(names) <= wanted
        assert all(names.count(name) <= MOST for name in names)
    assert silent <= answers / 100


def test_taking_the_words_out_takes_the_class_away() -> None:
    """The words told are those that matter: without them P(issue) falls much more than without as many others."""
    told, control = 0.0, 0.0
    for case in [case for case in cases("issue") if len(case.text) > 20]:
        found = find("", case.text)
        issue = kinds(found, 0.9).issue
        spans = [s for s in why(found, kinds(found, 0.9), 0.9) if issue and s.name == issue.name]
        if issue is None or not spans:
            continue
        gone = {at for s in spans for at in range(s.start, s.end)}
        others = [at for at in range(len(case.text)) if at not in gone][: len(gone)]
        told += issue.p - _left(case.text, gone, issue.name)
        control += issue.p - _left(case.text, set(others), issue.name)
    assert told > 2 * control > 0


def _left(text: str, gone: set[int], name: str) -> float:
    issue = kinds(find("", "".join("某" if at in gone else char for at, char in enumerate(text))), 0.9).issue
    return issue.p if issue is not None and issue.name == name else 0.0


def test_where_the_model_says_nothing_there_is_no_reason() -> None:
    assert why(find("", "好"), Kinds(issue=None, nature=None, noise=None, hostile=0.0), 0.1) == ()

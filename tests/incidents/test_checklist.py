"""Playbooks: what every one must hold, and how a checklist begins."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from incidents import checklist, clocks, i18n
from incidents.checklist import Line, PlaybookError
from incidents.settings import GradesSettings

T0 = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("YUJING_SHARED", REPOSITORY.parent / "shared"))
WORDS_OF_OTHERS = re.compile(r"\(\w+\)")  # one seed file carries stray pinyin after some characters

every_playbook = pytest.mark.parametrize("name", checklist.names())


def raw(name: str = "general") -> dict[str, Any]:
    return tomllib.loads((files("incidents") / "playbooks" / f"{name}.toml").read_text(encoding="utf-8"))


def spoil(change: Callable[[dict[str, Any]], object]) -> str:
    content = raw()
    change(content)
    with pytest.raises(PlaybookError) as fault:
        checklist.parse("general", content)
    return str(fault.value)


def line(content: dict[str, Any], slug: str) -> dict[str, Any]:
    return next(one for one in content["line"] if one["line"] == slug)


def due(one: Line) -> timedelta:
    return timedelta.max if one.within is None else one.within


@every_playbook
def test_all_five_pillars_are_there(name: str) -> None:
    assert {one.pillar for one in checklist.load(name).lines} == set(checklist.PILLARS)


@every_playbook
def test_lines_of_a_pillar_stand_in_the_order_in_which_they_are_due(name: str) -> None:
    for pillar in checklist.PILLARS:
        dues = [due(one) for one in checklist.load(name).lines if one.pillar == pillar]
        assert dues == sorted(dues), pillar


@every_playbook
def test_no_two_lines_prove_the_same_thing(name: str) -> None:
    hints = [one.evidence_hint for one in checklist.load(name).every_line()]
    assert len(hints) == len(set(hints))


@every_playbook
def test_roles_and_kinds_of_evidence_have_words(name: str) -> None:
    for one in checklist.load(name).every_line():
        assert i18n.has(f"role.{one.role}"), one.role
        assert i18n.has(f"evidence.{one.evidence_kind}"), one.evidence_kind


@every_playbook
def test_labels_end_without_a_full_stop_and_help_with_one(name: str) -> None:
    for one in checklist.load(name).every_line():
        assert not one.title.endswith("。"), one.line
        assert one.help.endswith("。"), one.line


@every_playbook
def test_clock_lines_are_due_when_their_clocks_are_and_with_the_same_role(name: str) -> None:
    promised = {clock.kind: clock for clock in clocks.start(appeared=T0, known=T0, times=GradesSettings().red)}
    tasks = {task.line: task for task in checklist.start(checklist.load(name), T0, T0, T0)}
    for kind in checklist.CLOCK_LINES:
        assert tasks[kind].due_at == promised[kind].due_at, kind
        assert tasks[kind].role == promised[kind].role, kind


@every_playbook
def test_the_third_party_is_chosen_early_and_its_report_is_checked_before_it_is_cited(name: str) -> None:
    standard = {one.line: one for one in checklist.load(name).lines if one.pillar == "standard"}
    assert due(standard["choose_body"]) <= timedelta(hours=2)
    assert standard["check_report"].evidence_kind == "verification"
    assert "cma.cnca.cn" in standard["check_report"].help and "人工" in standard["check_report"].help


def test_the_test_plan_is_public_before_samples_are_taken() -> None:
    standard = {one.line: one for one in checklist.load("food_safety").lines}
    assert due(standard["choose_body"]) < due(standard["test_plan"]) < due(standard["sampling"])


def test_food_safety_has_the_branches_that_a_room_must_choose_from() -> None:
    branches = {one.id for one in checklist.load("food_safety").branches}
    assert branches == {"casualties", "ours", "not_ours", "unclear", "threat", "regulator", "night"}


def test_what_was_not_compared_with_the_law_says_so() -> None:
    playbook = checklist.load("food_safety")
    compared = {number for law in playbook.laws if law.checked for number in re.findall(r"\d+", law.articles)}
    cited = {number for one in playbook.every_line() for text in (one.help, one.due_words) for number in re.findall(r"第(\d+)条", text)}
    assert cited and cited <= compared
    assert any("待法务确认" in one.help for one in playbook.lines)


def test_no_issue_is_claimed_by_two_playbooks() -> None:
    claimed = [issue for name in checklist.names() for issue in checklist.load(name).issues]
    assert len(claimed) == len(set(claimed))


def test_every_playbook_says_why_in_the_words_of_the_seeds() -> None:
    if not (SHARED / "design" / "requirements.md").exists():
        pytest.skip("the seed documents are not here (YUJING_SHARED)")
    rows = re.findall(r"^\| (S\d-\d\d) \| (\S+) \| (.*?) \| ", (SHARED / "design" / "requirements.md").read_text(encoding="utf-8"), re.M)
    required = {number: (file, phrase) for number, file, phrase in rows}
    for one in (line for name in checklist.names() for line in checklist.load(name).every_line()):
        number, phrase = one.seed.split(" ", 1)
        file, quoted = required[number]
        text = WORDS_OF_OTHERS.sub("", "".join((SHARED / "seeds" / file).read_text(encoding="utf-8").split()))
        assert phrase == quoted and WORDS_OF_OTHERS.sub("", phrase.replace(" ", "")) in text, one.line


# -- choosing, starting, branching -----------------------------------------------------------------------------


def test_the_issue_chooses_and_the_rest_is_general() -> None:
    assert checklist.choose("food_safety", None) == "food_safety"
    assert checklist.choose("data_leak", None) == "general"
    assert checklist.choose(None, None) == "general"


def test_the_brands_own_wish_comes_first_but_a_wrong_one_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert checklist.choose("data_leak", "food_safety") == "food_safety"
    assert checklist.choose("food_safety", "food_saftey") == "food_safety"
    assert "did you mean 'food_safety'" in caplog.text


def test_each_line_counts_from_its_own_beginning() -> None:
    known, graded = T0 + timedelta(hours=2), T0 + timedelta(hours=3)
    tasks = {task.line: task for task in checklist.start(checklist.load("food_safety"), T0, known, graded)}
    assert tasks["first_statement"].due_at == T0 + timedelta(hours=4)
    assert tasks["facts"].due_at == known + timedelta(minutes=30)
    assert tasks["owner"].due_at == graded + timedelta(minutes=5)
    assert tasks["check_report"].due_at is None and tasks["check_report"].due_words.startswith("收到报告后")


def test_the_soonest_task_comes_first_and_the_waiting_ones_last() -> None:
    tasks = checklist.start(checklist.load("food_safety"), T0, T0, T0)
    dues = [task.due_at for task in tasks]
    dated = [at for at in dues if at is not None]
    assert dues == sorted(dated) + [None] * (len(dues) - len(dated))
    assert tasks[0].line == "owner"


def test_a_branch_adds_its_lines_from_the_moment_it_is_chosen() -> None:
    chosen = T0 + timedelta(hours=5)
    playbook = checklist.load("food_safety")
    added = checklist.branch(playbook, "ours", appeared=T0, known=T0, graded=T0, chosen=chosen)
    assert added[0].line == "ours_recall" and added[0].due_at == chosen + timedelta(minutes=60)
    assert not {task.line for task in added} & {one.line for one in playbook.lines}


def test_an_unknown_branch_or_playbook_names_what_was_meant() -> None:
    with pytest.raises(PlaybookError, match="did you mean 'regulator'"):
        checklist.branch(checklist.load("food_safety"), "regulater", appeared=T0, known=T0, graded=T0, chosen=T0)
    with pytest.raises(PlaybookError, match="did you mean 'food_safety'"):
        checklist.load("food-safety")


# -- what a file must not be ---------------------------------------------------------------------------------


def test_an_unknown_key_is_an_error_with_a_suggestion() -> None:
    said = spoil(lambda content: line(content, "facts").update(evidence_hints="…"))
    assert "unknown key" in said and "did you mean 'evidence_hint'" in said


def test_two_lines_that_prove_the_same_are_refused() -> None:
    same = line(raw(), "facts")["evidence_hint"]
    assert "no two lines may be or prove the same" in spoil(lambda content: line(content, "brief").update(evidence_hint=same))


@pytest.mark.parametrize("slug", checklist.CLOCK_LINES)
def test_a_clock_without_its_line_is_refused(slug: str) -> None:
    assert f"no line whose line is {slug!r}" in spoil(lambda content: content["line"].remove(line(content, slug)))


def test_a_missing_pillar_is_refused() -> None:
    def drop(content: dict[str, Any]) -> None:
        content["line"] = [one for one in content["line"] if one["pillar"] != "standard"]

    assert "no line whose pillar is 'standard'" in spoil(drop)


def test_a_late_first_statement_is_refused() -> None:
    assert "within 240 minutes" in spoil(lambda content: line(content, "first_statement").update(minutes=300))
    assert "within 240 minutes" in spoil(lambda content: line(content, "first_statement").update(base="known"))


def test_a_line_that_is_never_due_is_refused() -> None:
    assert "never due" in spoil(lambda content: line(content, "root_cause").update(due_words=""))
    assert "belong together" in spoil(lambda content: line(content, "facts").pop("minutes"))


def test_a_line_that_repeats_must_say_so() -> None:
    assert "give due_words too" in spoil(lambda content: line(content, "facts").update(repeats=60))


def test_chosen_is_no_beginning_for_a_line_outside_a_branch() -> None:
    assert "for the lines of a branch only" in spoil(lambda content: line(content, "owner").update(base="chosen"))

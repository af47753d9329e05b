from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts import policy
from alerts.policy import grade
from incidents.brief import reason_words
from incidents.i18n import has
from incidents.model import Forecast, Grade, Verdict
from incidents.settings import AlertAtSettings
from tests.alerts.builders import BRAND, HOUR, T0, forecast, story

NONE, BLUE, YELLOW, ORANGE, RED = Grade


def judged(made: Forecast | None = None, current: Grade = NONE, now: Any = T0, **changes: Any) -> Verdict:
    return grade(story(**changes), made, BRAND, now, current)


TABLE: list[tuple[str, Grade, dict[str, Any]]] = [
    ("one ordinary complaint", NONE, {}),
    ("praise that goes viral is worth a look", YELLOW, dict(negatives=0, observed={"reposts": 90_000}, authors=900, mentions=900)),
    ("praise with one angry comment under it is worth a look", YELLOW, dict(negatives=1, mentions=400, authors=300, observed={"reposts": 90_000})),
    ("one who demands money", BLUE, dict(signals={"compensation": 1})),
    ("one who threatens to tell the press", BLUE, dict(signals={"exposure_threat": 1, "media": 1})),
    ("fraud, the word of every second complaint", NONE, dict(signals={"fraud": 1})),
    ("three complain of the same", BLUE, dict(negatives=3, mentions=3, authors=3)),
    ("five complain of the same", YELLOW, dict(negatives=5, mentions=6, authors=5)),
    ("three on two platforms", YELLOW, dict(negatives=3, mentions=3, authors=3, platforms=("forum", "weibo"))),
    ("one alarm of an acute issue", BLUE, dict(issue="food_safety")),
    ("several of an acute issue", YELLOW, dict(issue="food_safety", negatives=3, mentions=4, authors=3)),
    ("twenty who want to act jointly", YELLOW, dict(signals={"joint_action": 2}, authors=20, mentions=20, negatives=4)),
    ("one says somebody is ill", YELLOW, dict(issue="food_safety", signals={"illness": 1})),
    ("two authors, somebody is ill", ORANGE, dict(issue="food_safety", signals={"illness": 1}, authors=2, mentions=2)),
    ("a fire, one author", ORANGE, dict(signals={"fire": 1})),
    ("a death, one post: not red", ORANGE, dict(signals={"death": 1})),
    ("a death, two say so", RED, dict(signals={"death": 2}, authors=2, mentions=2)),
    ("ill, and the regulator acts", RED, dict(signals={"illness": 3, "regulator_notice": 1}, authors=5, mentions=8, negatives=5)),
    ("ill, one post that also says the regulator acts", ORANGE, dict(signals={"illness": 1, "regulator_notice": 1})),
    ("injured, and the mainstream press has it", RED, dict(signals={"injury": 2}, tiers=("mainstream", "self-media"), authors=3, mentions=3)),
    ("injured, and it is as large as the threshold", RED, dict(signals={"injury": 1}, authors=4, mentions=4, observed={"reposts": 500})),
    ("staff detained", ORANGE, dict(signals={"detained": 1})),
    ("regulator named by one", BLUE, dict(signals={"regulator": 1})),
    ("regulator named in an acute case", YELLOW, dict(signals={"regulator": 1}, issue="data_leak")),
    ("local news", BLUE, dict(tiers=("local",))),
    ("central media", ORANGE, dict(tiers=("central",))),
    ("just below a third of the threshold", NONE, dict(observed={"reposts": 149})),
    ("a third of the threshold", YELLOW, dict(observed={"reposts": 150})),
    ("the threshold", ORANGE, dict(observed={"reposts": 500})),
    ("the threshold in comments", ORANGE, dict(observed={"reposts": 10, "comments": 300})),
    ("three times the threshold", RED, dict(observed={"reposts": 1500})),
    ("a fifth of the threshold in one hour", YELLOW, dict(growth_1h=100)),
    ("thirty authors on two platforms", ORANGE, dict(authors=30, negatives=12, mentions=40, platforms=("forum", "weibo"))),
]


@pytest.mark.parametrize(("what", "wanted", "changes"), TABLE, ids=[one[0] for one in TABLE])
def test_the_table(what: str, wanted: Grade, changes: dict[str, Any]) -> None:
    assert judged(**changes).grade == wanted


@pytest.mark.parametrize(("p", "wanted"), [(0.39, NONE), (0.4, YELLOW), (0.59, YELLOW), (0.6, ORANGE), (0.99, ORANGE)])
def test_a_forecast_alone_stops_at_orange(p: float, wanted: Grade) -> None:
    verdict = judged(forecast(p))
    assert verdict.grade == wanted
    assert ("need_observation" in [reason.code for reason in verdict.holds_back]) == (wanted == ORANGE)


def test_a_cold_forecast_counts_but_says_so() -> None:
    (reason,) = judged(forecast(0.7, cold=True)).reasons
    assert (reason.code, reason.grade) == ("forecast_cold", ORANGE)
    assert "仅供参考" in reason_words(reason.code, reason.values)


def test_an_abstaining_forecast_supports_nothing() -> None:
    verdict = judged(forecast(abstains="one_count"), issue="accident")
    assert verdict.grade == BLUE and "need_forecast_none" in [reason.code for reason in verdict.holds_back]


def test_an_open_incident_keeps_its_grade_a_little_below_the_bound() -> None:
    assert judged(observed={"reposts": 410}).grade == YELLOW
    assert judged(observed={"reposts": 410}, current=ORANGE).grade == ORANGE
    assert judged(observed={"reposts": 399}, current=ORANGE).grade == YELLOW
    assert judged(forecast(0.5), current=ORANGE).grade == ORANGE


def test_the_lower_bound_keeps_a_grade_but_makes_no_new_reasons() -> None:
    harm = dict(signals={"fire": 1}, observed={"reposts": 410})
    assert judged(**harm, current=ORANGE).reasons == judged(**harm).reasons
    assert judged(observed={"reposts": 130}, current=ORANGE).grade == NONE


def test_what_has_gone_cold_supports_yellow_at_most() -> None:
    later = T0 + timedelta(hours=30)
    assert judged(observed={"reposts": 900}, growth_1h=2, now=later).grade == YELLOW
    assert judged(observed={"reposts": 900}, growth_1h=None, now=later).grade == ORANGE  # unknown is not calm
    assert judged(observed={"reposts": 900}, growth_1h=2, now=T0 + HOUR).grade == ORANGE


def test_what_holds_it_back_names_the_next_grade_and_the_distance() -> None:
    verdict = judged(observed={"reposts": 200})
    size = next(reason for reason in verdict.holds_back if reason.code == "need_size")
    assert size.grade == ORANGE and size.values == {"metric": "reposts", "count": 200, "wanted": 500}
    assert judged(observed={"reposts": 9000}).holds_back == ()


def test_a_forecast_that_speaks_outweighs_a_fraction_of_the_threshold() -> None:
    assert judged(observed={"reposts": 200}).grade == YELLOW
    assert judged(forecast(0.1), observed={"reposts": 200}).grade < YELLOW
    assert judged(forecast(0.4), observed={"reposts": 20}).grade == YELLOW
    assert judged(forecast(0.1), observed={"reposts": 600}).grade == ORANGE


def test_what_may_go_viral_without_being_negative_is_yellow_and_says_so() -> None:
    verdict = judged(forecast(0.9), negatives=0)
    assert verdict.grade == YELLOW and [reason.code for reason in verdict.reasons] == ["attention_forecast"]


def test_no_rule_gives_more_than_was_seen() -> None:
    """Every step up in a table row removes reasons of the grade, never invents one: reasons carry their own grade."""
    for _, wanted, changes in TABLE:
        verdict = judged(**changes)
        assert all(reason.grade <= wanted for reason in verdict.reasons)
        assert all(reason.grade == wanted + 1 for reason in verdict.holds_back) or wanted == NONE


def test_every_reason_has_words() -> None:
    source = Path(policy.__file__).read_text(encoding="utf-8")
    codes = {piece.split('"')[0] for piece in source.split('_reason("')[1:]} | {"detained", "regulator_acts", "forecast", "forecast_cold", "size", "size_cooled", "joint_action", "demands"}
    assert [code for code in sorted(codes) if not has(f"grade.reason.{code}")] == []


def test_words_of_reasons_leave_no_code() -> None:
    verdict = judged(forecast(0.7), signals={"illness": 2, "lawsuit": 1}, authors=6, negatives=6, mentions=6, platforms=("forum", "weibo"), issue="food_safety", tiers=("local",))
    said = "；".join(reason_words(reason.code, reason.values) for reason in (*verdict.reasons, *verdict.holds_back))
    assert not [letter for letter in said if letter.isascii() and letter.isalpha()], said


def test_signal_names_are_those_of_the_word_lists() -> None:
    lists = Path(policy.__file__).parents[1] / "nlp" / "risk" / "lexicon.toml"
    if not lists.exists():
        pytest.skip("nlp/risk/lexicon.toml is not there")
    found = tomllib.loads(lists.read_text(encoding="utf-8"))
    assert set(found["harm"]) == policy.BODILY | policy.AUTHORITY_ACTS
    assert {*found["escalation"], *found["crowd"]} == policy.DEMANDS | policy.AUTHORITY_NAMED | policy.NOT_A_SIGN
    assert set(found["issue"]) >= policy.ACUTE_ISSUES


@pytest.mark.parametrize(("p", "given"), [(0.4, NONE), (0.55, YELLOW), (0.85, YELLOW), (0.95, ORANGE)])
def test_the_brands_own_probabilities_take_the_place_of_the_defaults(p: float, given: Grade) -> None:
    careful = BRAND.model_copy(update={"alert_at": AlertAtSettings(yellow=0.5, orange=0.9)})
    assert grade(story(), forecast(p), careful, T0).grade == given


@pytest.mark.parametrize(("abstains", "given"), [("matured: x", NONE), ("not_fitted: x", YELLOW), ("too_few: x", YELLOW)])
def test_a_fraction_of_the_threshold_means_nothing_once_the_forecasts_window_is_over(abstains: str, given: Grade) -> None:
    assert grade(story(observed={"reposts": 200}), forecast(abstains=abstains), BRAND, T0).grade == given
    assert grade(story(observed={"reposts": 500}), forecast(abstains=abstains), BRAND, T0).grade == ORANGE  # the threshold itself does
    assert grade(story(observed={"reposts": 200}, growth_1h=150), forecast(abstains=abstains), BRAND, T0).grade == YELLOW  # and so does what grows again


@pytest.mark.parametrize(("changes", "given"), [({}, BLUE), (dict(authors=2, mentions=2), ORANGE), (dict(tiers=("local", "self-media")), ORANGE), (dict(observed={"reposts": 600}), ORANGE)])
def test_a_brand_that_is_a_whole_platform_may_want_a_second_voice_for_harm(changes: dict[str, Any], given: Grade) -> None:
    platform = BRAND.model_copy(update={"harm_voices": 2})
    assert grade(story(signals={"fire": 1}, **changes), None, platform, T0).grade == given
    assert grade(story(signals={"fire": 1}), None, BRAND, T0).grade == ORANGE

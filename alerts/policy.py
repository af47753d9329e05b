"""Grades as code: what a story deserves now, with the reasons that gave it. Pure.

Each rule is a small function that names the highest grade it supports; the verdict is the highest of all.
A story that is large without being negative (no alarm, or one angry comment under praise) is 黄 at most, by what
it has or will have: whatever goes viral about a brand is worth a look, and a model that reads one post in seven
wrongly must not be what stands between the team and it.

| rule          | 蓝                     | 黄                                | 橙                                        | 红                                         |
|---------------|------------------------|-----------------------------------|-------------------------------------------|--------------------------------------------|
| bodily harm   |                        | one author says somebody is ill   | fire, injury, death, or illness by two    | with an authority's notice, news, or size  |
| authority     | named by one           | named by two, or in an acute case | acts (notice), or staff detained          | acts where somebody was harmed             |
| observed size |                        | ≥ 0.3 × threshold, no forecast †  | ≥ 1 ×                                     | ≥ 3 ×                                      |
| forecast 24 h |                        | P ≥ .4 (`alert_at`)               | P ≥ .6 (`alert_at`)                       | never: a forecast alone stops at 橙        |
| speed         |                        | ≥ 0.2 × in one hour, no forecast  | ≥ 0.6 × threshold in one hour             |                                            |
| voices        | 3 authors complain     | 5 authors, or 3 on two platforms  | 30 authors on two platforms               |                                            |
| news          | local                  | mainstream, or local when acute   | central                                   |                                            |
| acute issue   | one alarm              | 3 authors                         |                                           |                                            |
| demands       | any                    | joint action by 3 authors         |                                           |                                            |

† Not after the 24 h of a post that could be forecast: what a fraction of the threshold could become is decided then.
A brand with ``harm_voices = 2`` wants a second author or a newsroom before harm overrides volume; until then it is 蓝.

An open incident keeps its grade while a value stays at or above 0.8 × the bound (hysteresis), so that a
count that hovers at a bound does not raise and lower all day. Why these numbers: docs/decisions (grades).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from incidents.model import Forecast, Grade, GradeReason, Horizon, Story, Verdict
from incidents.settings import BrandSettings

KEEPS = 0.8  # share of a bound down to which an open incident keeps its grade

# Signal names of nlp/risk, by what they mean to the rules (a test holds them against its word lists).
DEATH = frozenset({"death"})
BODILY = frozenset({"fire", "injury", "death", "illness"})
SEVERE = BODILY - {"illness"}
AUTHORITY_ACTS = frozenset({"regulator_notice", "detained"})
AUTHORITY_NAMED = frozenset({"regulator"})
DEMANDS = frozenset({
    "compensation", "apology", "exposure_threat", "joint_action", "media", "repeat", "rejects_remedy", "lawsuit", "pile_on",
})
NOT_A_SIGN = frozenset({"fraud"})  # a word of every second complaint: it says how angry, not what will follow

ACUTE_ISSUES = frozenset({"food_safety", "data_leak", "accident", "executive", "exposure", "rumour"})
NEWS = ("local", "mainstream", "central")  # tiers, rising

SIZE = ((Grade.RED, 3.0), (Grade.ORANGE, 1.0), (Grade.YELLOW, 0.3))  # × the brand's threshold, observed
SPEED = ((Grade.ORANGE, 0.6), (Grade.YELLOW, 0.2))  # × threshold within one hour
COLD_AFTER = timedelta(hours=24)  # the spread window is over …
COLD_BELOW = 0.01  # … and an hour brings less than this share of the threshold: size alone supports 黄 at most
NEGATIVE_SHARE = 0.15  # below it (and below 10 alarms) a large story is large for another reason
MANY_ALARMS = 10


@dataclass(frozen=True, kw_only=True)
class Case:
    """A story before the rules."""

    story: Story
    forecast: Forecast | None
    brand: BrandSettings
    now: datetime
    current: Grade = Grade.NONE  # set only when the bare bounds would lower an open incident

    def reaches(self, value: float, bound: float, grade: Grade) -> bool:
        """Is the bound of ``grade`` reached? An open incident of that grade keeps it a little below."""
        return value >= bound * (KEEPS if self.current == grade else 1.0)

    def signals(self, names: frozenset[str]) -> int:
        """Mentions that carry the most frequent of ``names`` (a lower bound of those that carry any)."""
        return max((self.story.signals.get(name, 0) for name in names), default=0)

    def named(self, names: frozenset[str]) -> list[str]:
        return sorted(name for name in names if self.story.signals.get(name, 0))

    @property
    def acute(self) -> bool:
        return self.story.issue in ACUTE_ISSUES

    @property
    def news(self) -> str | None:
        """The highest news tier that carries the story."""
        return next((tier for tier in reversed(NEWS) if tier in self.story.tiers), None)

    @property
    def corroborated(self) -> bool:
        """More than one person's word: two authors, or a newsroom."""
        return self.story.authors >= 2 or self.news is not None

    @property
    def negative(self) -> bool:
        """Is it the complaint that is large, or praise with one angry comment under it?"""
        share = self.story.negatives / max(1, self.story.mentions)
        return share >= NEGATIVE_SHARE or self.story.negatives >= MANY_ALARMS

    def size(self) -> tuple[str, int, int] | None:
        """(metric, count, the brand's threshold) of the metric that is nearest to its threshold."""
        known = [(name, self.story.observed[name], bound) for name, bound in self.brand.viral.items() if name in self.story.observed and bound > 0]
        return max(known, key=lambda one: one[1] / one[2], default=None)

    @property
    def window_over(self) -> bool:
        """The largest post was forecast until its 24 h were over: what a fraction of the threshold could become is decided.
        What grows later shows by its speed, and by the threshold itself."""
        made = self.forecast
        return made is not None and (made.abstains or "").startswith("matured")

    @property
    def bounds(self) -> tuple[tuple[Grade, float], ...]:
        """P(≥ threshold by 24 h) from which a forecast alone supports a grade: the brand's, .6 and .4 by default (``bench/policy.py``)."""
        return ((Grade.ORANGE, self.brand.alert_at.orange), (Grade.YELLOW, self.brand.alert_at.yellow))

    @property
    def ratio(self) -> float:
        found = self.size()
        return 0.0 if found is None else found[1] / found[2]

    @property
    def cold(self) -> bool:
        """The window is over and nothing moves any more. Unknown growth is not coldness."""
        found, growth = self.size(), self.story.growth_1h
        if found is None or growth is None or self.now - self.story.first_appeared < COLD_AFTER:
            return False
        return growth < COLD_BELOW * found[2]


def grade(story: Story, forecast: Forecast | None, brand: BrandSettings, now: datetime, current: Grade = Grade.NONE) -> Verdict:
    """The verdict on a story. ``current`` is the grade of its open incident, if any.

    ``holds_back`` says what would be needed for the next grade and is not there.
    """
    case = Case(story=story, forecast=forecast, brand=brand, now=now)
    reasons = _supported(case)
    if _highest(reasons) < current:
        reasons = _kept(replace(case, current=current)) or reasons
    return Verdict(grade=_highest(reasons), reasons=tuple(reasons), holds_back=tuple(_holds_back(case, _highest(reasons))))


def _supported(case: Case) -> list[GradeReason]:
    """What the rules say, highest first."""
    rules = RULES if case.story.negatives else (attention,)
    return sorted((reason for rule in rules for reason in rule(case)), key=lambda reason: -reason.grade)


def _kept(case: Case) -> list[GradeReason]:
    """The reasons that still keep the current grade a little below its bounds; empty when none does."""
    reasons = _supported(case)
    return reasons if _highest(reasons) >= case.current else []


def _highest(reasons: Sequence[GradeReason]) -> Grade:
    return reasons[0].grade if reasons else Grade.NONE


def _reason(code: str, given: Grade, **values: Any) -> GradeReason:
    return GradeReason(code=code, grade=given, values=values)


# -- the rules -----------------------------------------------------------------------------------------------


def bodily_harm(case: Case) -> Iterator[GradeReason]:
    """Harm to people overrides volume; 红 wants more than one person's word."""
    said = case.named(BODILY)
    if not said:
        return
    values = dict(harms=said, mentions=case.signals(BODILY), authors=case.story.authors)
    confirmed = case.signals(AUTHORITY_ACTS) > 0 or case.news in ("mainstream", "central") or case.reaches(case.ratio, 1.0, Grade.RED)
    if case.corroborated and (confirmed or (case.signals(DEATH) >= 2)):
        yield _reason("harm_confirmed", Grade.RED, **values)
    elif not case.corroborated and case.brand.harm_voices > 1:
        yield _reason("harm_alleged", Grade.BLUE, **values)
    elif case.named(SEVERE) or case.corroborated:
        yield _reason("harm", Grade.ORANGE, **values)
    else:
        yield _reason("harm_alleged", Grade.YELLOW, **values)


def authority(case: Case) -> Iterator[GradeReason]:
    """An authority that acts outweighs any count; one that is only named (“I will call 12315”) does not."""
    if acts := case.named(AUTHORITY_ACTS):
        yield _reason("detained" if "detained" in acts else "regulator_acts", Grade.ORANGE, mentions=case.signals(AUTHORITY_ACTS))
    elif named := case.signals(AUTHORITY_NAMED):
        yield _reason("regulator_named", Grade.YELLOW if named >= 2 or case.acute else Grade.BLUE, mentions=named)


def observed_size(case: Case) -> Iterator[GradeReason]:
    if case.negative:
        yield from _by_size(case)


def foreseen(case: Case) -> Iterator[GradeReason]:
    """A forecast alone is capped at 橙 until observation confirms it."""
    if case.negative:
        yield from _by_forecast(case)


def attention(case: Case) -> Iterator[GradeReason]:
    """Large, or about to be, without being negative: 黄 at most."""
    if case.negative:
        return
    for reason in (*_by_size(case), *_by_forecast(case)):
        yield _reason(f"attention_{'size' if reason.code.startswith('size') else 'forecast'}", min(reason.grade, Grade.YELLOW), **reason.values)


def _by_size(case: Case) -> Iterator[GradeReason]:
    found = case.size()
    if found is None:
        return
    metric, count, threshold = found
    for given, bound in SIZE:
        if given == Grade.YELLOW and (_probability(case) is not None or case.window_over):
            return  # a forecast that speaks, or that has come to its end, says more than a fraction of the threshold
        if case.reaches(count / threshold, bound, given):
            cooled = case.cold and given > Grade.YELLOW
            yield _reason("size_cooled" if cooled else "size", Grade.YELLOW if cooled else given, metric=metric, count=count, threshold=threshold)
            return


def _by_forecast(case: Case) -> Iterator[GradeReason]:
    found = _probability(case)
    if found is None:
        return
    p, threshold, metric = found
    for given, bound in case.bounds:
        if case.reaches(p, bound, given):
            code = "forecast_cold" if case.forecast is not None and case.forecast.cold else "forecast"
            yield _reason(code, given, p=round(p, 2), threshold=threshold, metric=metric)
            return


def speed(case: Case) -> Iterator[GradeReason]:
    found, growth = case.size(), case.story.growth_1h
    if found is None or growth is None or not case.negative:
        return
    for given, bound in SPEED:
        if given == Grade.YELLOW and _probability(case) is not None:
            return
        if case.reaches(growth / found[2], bound, given):
            yield _reason("speed", given, added=growth)
            return


def voices(case: Case) -> Iterator[GradeReason]:
    """How many different people speak, and in how many places. Complaints are counted, not the curious."""
    story = case.story
    speakers = min(story.authors, story.negatives)
    values = dict(authors=story.authors, platforms=list(story.platforms))
    wide = len(story.platforms) >= 2
    if wide and case.reaches(story.authors, 30, Grade.ORANGE) and case.reaches(story.negatives, MANY_ALARMS, Grade.ORANGE):
        yield _reason("voices_wide", Grade.ORANGE, **values)
    elif case.reaches(speakers, 5, Grade.YELLOW):
        yield _reason("voices", Grade.YELLOW, **values)
    elif wide and case.reaches(speakers, 3, Grade.YELLOW):
        yield _reason("voices_wide", Grade.YELLOW, **values)
    elif speakers >= 3:
        yield _reason("voices", Grade.BLUE, **values)


def news(case: Case) -> Iterator[GradeReason]:
    if case.news is None:
        return
    given = {"central": Grade.ORANGE, "mainstream": Grade.YELLOW, "local": Grade.YELLOW if case.acute else Grade.BLUE}[case.news]
    yield _reason("news", given, tier=case.news)


def acute_issue(case: Case) -> Iterator[GradeReason]:
    """Some issues are never ordinary: one alarm is looked at, several authors are answered."""
    if case.acute:
        several = min(case.story.authors, case.story.negatives) >= 3
        yield _reason("acute", Grade.YELLOW if several else Grade.BLUE, issue=case.story.issue, authors=case.story.authors)


def demands(case: Case) -> Iterator[GradeReason]:
    """Signs that a complaint will not stay one (S2-11…13)."""
    said = case.named(DEMANDS)
    if not said:
        return
    joint = "joint_action" in said and case.reaches(case.story.authors, 3, Grade.YELLOW)
    yield _reason("joint_action", Grade.YELLOW, signs=said, authors=case.story.authors) if joint else _reason("demands", Grade.BLUE, signs=said)


RULES: tuple[Callable[[Case], Iterator[GradeReason]], ...] = (
    bodily_harm, authority, observed_size, foreseen, attention, speed, voices, news, acute_issue, demands,
)


def _probability(case: Case) -> tuple[float, int, str] | None:
    """(P, threshold, metric) that the forecast gives for the brand's threshold by 24 h."""
    made = case.forecast
    if made is None or made.abstains is not None:
        return None
    horizon: Horizon | None = made.h24 or made.h12
    threshold = case.brand.viral.get(made.metric)
    if horizon is None or threshold is None or threshold not in horizon.p_over:
        return None
    return horizon.p_over[threshold], threshold, made.metric


# -- what holds it back --------------------------------------------------------------------------------------


def _holds_back(case: Case, given: Grade) -> Iterator[GradeReason]:
    """What the next grade would want, nearest first: harm, then size, then forecast, then voices."""
    if given == Grade.RED:
        return
    following = Grade(given + 1)
    if following == Grade.RED and case.named(BODILY):
        yield _reason("need_confirmation", following)
    if following == Grade.ORANGE and "illness" in case.named(BODILY):
        yield _reason("need_second_voice", following, authors=case.story.authors)
    yield from _need_size(case, following)
    yield from _need_forecast(case, following)
    if following <= Grade.YELLOW:
        yield _reason("need_voices", following, authors=case.story.authors, wanted=5 if following == Grade.YELLOW else 3)


def _need_size(case: Case, following: Grade) -> Iterator[GradeReason]:
    found, bound = case.size(), dict(SIZE).get(following)
    if bound is None:
        return
    if found is None:
        yield _reason("need_counts", following)
    elif not case.negative:
        yield _reason("need_negative", following, negatives=case.story.negatives, mentions=case.story.mentions)
    elif found[1] < bound * found[2]:
        yield _reason("need_size", following, metric=found[0], count=found[1], wanted=round(bound * found[2]))


def _need_forecast(case: Case, following: Grade) -> Iterator[GradeReason]:
    found, bound = _probability(case), dict(case.bounds).get(following)
    if following == Grade.RED and found is not None and found[0] >= dict(case.bounds)[Grade.ORANGE]:
        yield _reason("need_observation", following, p=round(found[0], 2))
    if bound is None:
        return
    if found is None:
        yield _reason("need_forecast_none", following)
    elif found[0] < bound:
        yield _reason("need_forecast", following, p=round(found[0], 2), wanted=bound)

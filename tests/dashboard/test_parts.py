"""Foreign text stays text; links lead out only by http; words, clocks and curves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dashboard import charts, say
from dashboard.desk import Desk
from dashboard.parts import esc, link, marked, told_line
from dashboard.phone import accepted, markdown
from incidents.codes import Grade, OutboxState, Reason
from incidents.model import Clock, Span
from incidents.store.outbox import Told
from tests.dashboard import world

PAYLOADS = ('<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "' onmouseover='x()", "</style><script>", "&lt;script&gt;", "<svg/onload=alert(1)>")


@pytest.mark.parametrize("text", PAYLOADS)
def test_no_tag_or_quote_survives(text: str) -> None:
    said = esc(text)
    assert not set("<>\"'") & set(said)


@given(some.text())
def test_whatever_is_written_cannot_open_a_tag_or_turn_the_line(text: str) -> None:
    assert not set("<>\"'\u202e\u202d\u2066\u2067\u200f\x00") & set(esc(text))


@pytest.mark.parametrize("url", ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "//evil.example", "ftp://a/b", "http://", "https://a@evil.example/", "vbscript:x", "http://[bad", "\x01javascript:x"])
def test_only_web_addresses_become_links(url: str) -> None:
    assert "href" not in link(url, "原帖")


def test_a_web_address_becomes_a_link_that_tells_nothing() -> None:
    said = link('https://a.example/?q="x"', "<b>")
    assert 'href="https://a.example/?q=&quot;x&quot;"' in said and 'rel="noopener noreferrer nofollow"' in said and "&lt;b&gt;" in said


def test_marks_stand_on_the_words_and_nowhere_else() -> None:
    text = "岚野<刹车>失灵"
    said = marked(text, [Span(name="injury", field="text", start=3, end=5)], [Span(name="岚野", field="text", start=0, end=2)])
    assert said == "<b>岚野</b>&lt;<mark>刹车</mark>&gt;失灵"


def test_what_decided_a_class_is_underlined_where_nothing_graver_stands() -> None:
    spans = [Span(name=name, field="text", start=start, end=end) for name, start, end in (("injury", 2, 4), ("quality", 0, 5))]
    assert marked("漏液烫伤了", spans[:1], (), spans[1:]) == "<u>漏液</u><mark>烫伤</mark><u>了</u>"


@given(some.text(max_size=40), some.lists(some.tuples(some.integers(-5, 60), some.integers(-5, 60)), max_size=6))
def test_marks_never_lose_or_double_a_word(text: str, places: list[tuple[int, int]]) -> None:
    spans = [Span(name="x", field="text", start=a, end=b) for a, b in places]
    said = marked(text, spans, spans[:1])
    assert said.replace("<mark>", "").replace("</mark>", "").replace("<b>", "").replace("</b>", "") == "".join(esc(one) for one in text)


def test_the_robots_markdown_is_shown_and_nothing_more() -> None:
    said = markdown("### ◆ 橙\n> “<img src=x>”\n**先做** 收齐\\*事实\n[打开](https://a.example/ack/1) [坏](javascript:x)")
    assert "<h4>◆ 橙</h4>" in said and "<b>先做</b> 收齐*事实" in said and said.count("<a ") == 1
    assert "<img" not in said and "javascript" not in said


def test_what_the_receiver_accepted_is_read() -> None:
    row = {"world": "2026-11-22T03:12:00+08:00", "body": {"msgtype": "actionCard", "actionCard": {"title": "◆橙", "text": "x", "singleTitle": "打开", "singleURL": "https://a.example"}}}
    one = accepted(row, 3)
    assert (one.title, one.button, one.number) == ("◆橙", "打开", 3)


def clock(due: timedelta, met: timedelta | None = None) -> Clock:
    return Clock(id=1, incident_id=1, kind="facts", starts_at=world.NOON, due_at=world.NOON + due, role="duty", met_at=None if met is None else world.NOON + met, breached_at=None)


@pytest.mark.parametrize(("one", "words", "tone"), [
    (clock(timedelta(minutes=78)), "还剩 1 时 18 分", "plain"), (clock(timedelta(minutes=18)), "还剩 18 分", "soon"), (clock(timedelta(minutes=-12)), "误 12 分", "late"),
    (clock(timedelta(minutes=10), timedelta(minutes=5)), "已按时", "kept"), (clock(timedelta(minutes=5), timedelta(minutes=15)), "晚 10 分", "late"),
])
def test_every_clock_has_its_word(one: Clock, words: str, tone: str) -> None:
    assert say.clock_words(one, world.NOON) == (words, tone)


def test_a_probability_is_never_nought_or_certain() -> None:
    assert [say.percent(p) for p in (0.0, 0.004, 0.244, 0.999, 1.0)] == ["<1%", "<1%", "24%", ">99%", ">99%"]


def fan(**changes: object) -> charts.Fan:
    first = world.NOON - 4 * world.HOUR
    values: dict[str, object] = dict(metric="reposts", first=first, now=world.NOON, points=tuple((first + n * world.HOUR, n * n * 10) for n in range(5)),
                                     forecast=world.foresee(first, world.NOON, 160, 900, 500), threshold=500)
    return charts.Fan(**{**values, **changes})  # type: ignore[arg-type]


def test_the_bands_add_up_to_the_quantiles() -> None:
    series = charts.option(fan(), charts.LIGHT)["series"]
    stacked = [one["data"] for one in series if one.get("stack") == "fan"]
    row = charts.bands(fan())[-1]
    assert sum(column[-1][1] for column in stacked) == pytest.approx(row[5], abs=0.5)
    assert sum(column[-1][1] for column in stacked[:3]) == pytest.approx(row[3], abs=0.5)


def test_an_abstention_draws_no_band_and_a_chart_stays_small() -> None:
    assert not charts.bands(fan(forecast=None))
    option = charts.option(fan(), charts.DARK)
    assert sum(len(one["data"]) for one in option["series"]) <= 2_000 and option["animation"] is False


def test_crowded_dots_stand_above_each_other() -> None:
    at = [world.NOON + timedelta(minutes=m) for m in (0, 5, 15, 55, 200)]
    assert charts.levels(at) == [0, 1, 2, 0, 0]


@pytest.mark.parametrize(("value", "wanted"), [(3.9, 4), (99, 200), (1600, 2000), (5250, 6000), (9_900, 20_000)])
def test_the_axis_ends_on_a_round_number(value: float, wanted: float) -> None:
    assert charts.nice(value) == wanted


def test_the_small_curve_holds_no_foreign_character() -> None:
    said = charts.small(fan())
    assert "<script" not in said and said.count("mask-image") == 4


def a_told(person: str, grade: Grade, *, sent: bool) -> Told:
    return Told(id=1, incident_id=1, grade=grade, reason=Reason.REPEAT, person=person, channel="ding", state=OutboxState.SENT if sent else OutboxState.PENDING,
                created_at=world.NOON, due_at=world.NOON, sent_at=world.NOON if sent else None, attempts=1, answer=None, sent_text=None, rating=None)


def test_a_waiting_reminder_does_not_unsay_that_the_phone_rang_and_a_new_grade_does(place: Desk) -> None:
    rang, waits = a_told("lin", Grade.ORANGE, sent=True), a_told("lin", Grade.ORANGE, sent=False)
    assert "还没响" not in told_line((waits, rang), place.settings)
    assert "还没响" in told_line((waits,), place.settings)
    assert "还没响" in told_line((a_told("lin", Grade.RED, sent=False), rang), place.settings)

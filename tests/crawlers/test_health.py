import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crawlers import health
from crawlers.health import History, Range, Seen, judge, of_visit
from incidents.model import Health

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
LOCALE = Path(__file__).parents[2] / "incidents/locale/zh-Hans/crawlers.toml"


@pytest.mark.parametrize(("seen", "state", "reason"), [
    (Seen(kind="list", entries=20), Health.FINE, "fine"),
    (Seen(kind="list", status=304), Health.FINE, "fine"),
    (Seen(kind="list", status=503), Health.UNREACHABLE, "server_error"),
    (Seen(kind="list", status=None), Health.UNREACHABLE, "no_answer"),
    (Seen(kind="list", status=None, fault="dns"), Health.UNREACHABLE, "dns"),
    (Seen(kind="list", status=None, fault="address"), Health.BLOCKED, "address"),
    (Seen(kind="list", status=401), Health.AUTH_REQUIRED, "http_401"),
    (Seen(kind="list", status=432), Health.BLOCKED, "http_432"),
    (Seen(kind="list", status=404), Health.CHANGED, "list_missing"),
    (Seen(kind="thread", status=404), Health.FINE, "fine"),
    (Seen(kind="list", health=Health.AUTH_REQUIRED, warnings=("login_page",)), Health.AUTH_REQUIRED, "login_page"),
    (Seen(kind="list", entries=20, warnings=("time_unread",) * 11), Health.CHANGED, "time_unread"),
    (Seen(kind="list", entries=20, warnings=("time_unread",) * 10), Health.FINE, "fine"),
    (Seen(kind="list", entries=3, warnings=("time_unread",) * 3), Health.FINE, "fine")])
def test_one_visit(seen: Seen, state: Health, reason: str) -> None:
    found = of_visit(seen)
    assert (found.health, found.reason) == (state, reason)


def test_the_list_speaks_for_the_source_and_one_lost_page_does_not() -> None:
    good, lost = Seen(kind="list", entries=9), Seen(kind="thread", status=500)
    assert judge([good, lost], Range(), History(), NOW).health is Health.FINE
    assert judge([lost, lost], Range(), History(), NOW).health is Health.UNREACHABLE
    assert judge([Seen(kind="list", status=403), Seen(kind="thread")], Range(), History(), NOW).health is Health.BLOCKED


@pytest.mark.parametrize(("healthy", "history", "reason"), [
    (Range(), History(), "fine"),
    (Range(min_a_day=5), History(), "empty_list"),
    (Range(), History(newest_at=NOW), "empty_list")])
def test_an_empty_list_is_judged_by_what_is_healthy(healthy: Range, history: History, reason: str) -> None:
    assert judge([Seen(kind="list", entries=0)], healthy, history, NOW).reason == reason


def test_silence_is_measured_against_the_healthy_range() -> None:
    listed, quiet = [Seen(kind="list", entries=9)], Range(longest_silence=timedelta(hours=12))
    assert judge(listed, quiet, History(newest_at=NOW - timedelta(hours=13)), NOW).reason == "too_long_silent"
    assert judge(listed, quiet, History(since=NOW - timedelta(hours=1)), NOW).health is Health.FINE
    assert judge(listed, Range(min_a_day=5), History(newest_at=NOW, new_in_a_day=4), NOW).reason == "below_range"
    assert judge(listed, Range(min_a_day=5), History(newest_at=NOW), NOW).health is Health.FINE


def test_every_reason_has_its_words() -> None:
    words = tomllib.loads(LOCALE.read_text("utf-8"))["source"]
    source = Path(health.__file__).read_text("utf-8")
    for code in ("server_error", "list_missing", "empty_list", "too_long_silent", "below_range", *health.FIELD_CODES):
        assert code in words["reason"] and f'"{code}"' in source

from datetime import UTC, datetime, timedelta

import pytest

from crawlers.retry import breaker_until, job_again, retry_after, wait_before
from crawlers.robots import rules_from

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(("header", "seconds"), [("120", 120.0), ("Sun, 22 Nov 2026 04:02:00 GMT", 120.0), ("Sun, 22 Nov 2026 03:00:00 GMT", 0.0), ("", None), ("soon", None), ("-5", None)])
def test_retry_after_is_a_number_or_a_date(header: str, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


def test_retries_wait_anywhere_below_a_doubling_bound() -> None:
    assert [wait_before(retry, 1.0) for retry in (1, 2, 3, 9)] == [2.0, 4.0, 8.0, 30.0] and wait_before(3, 0.0) == 0.0


def test_the_breaker_doubles_from_a_quarter_of_an_hour_to_a_day() -> None:
    waits = [breaker_until(failures, NOW) - NOW for failures in (1, 2, 3, 7, 8, 99)]
    assert waits == [timedelta(minutes=m) for m in (15, 30, 60, 960, 1440, 1440)]


def test_a_job_is_given_up_after_its_tries() -> None:
    assert job_again(0, NOW) == NOW + timedelta(minutes=5) and job_again(6, NOW) is not None and job_again(7, NOW) is None


@pytest.mark.parametrize(("status", "allowed"), [(200, False), (404, True), (403, True), (429, False), (500, False), (503, False), (None, False)])
def test_robots_by_rfc_9309(status: int | None, allowed: bool) -> None:
    rules = rules_from(status, b"User-agent: *\nDisallow: /private\nCrawl-delay: 3" if status == 200 else b"", 0.0)
    assert rules.parsed.can_fetch("http://h/private/1", "yujing") is allowed
    assert rules.unread is (status is None or status >= 429)


def test_rules_are_forgotten_after_a_day_and_after_a_fault_sooner() -> None:
    read, unread = rules_from(200, b"", 0.0), rules_from(503, b"", 0.0)
    assert read.fresh(86_399) and not read.fresh(86_401) and unread.fresh(599) and not unread.fresh(601)
    assert read.parsed.can_fetch("http://h/", "yujing")


def test_crawl_delay_and_wildcards_of_a_real_discuz_file() -> None:
    rules = rules_from(200, b"User-agent: *\nDisallow: /api/\nDisallow: /forum.php?mod=redirect*\nDisallow: /*mobile=yes*\nCrawl-delay: 2", 0.0).parsed
    assert rules.can_fetch("http://h/forum.php?mod=viewthread&tid=1", "yujing") and not rules.can_fetch("http://h/forum.php?mod=redirect&goto=1", "yujing")
    assert not rules.can_fetch("http://h/forum.php?mobile=yes", "yujing") and rules.crawl_delay("yujing") == 2

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.times import UNREAD, read_time
from incidents.model import Precision
from incidents.now import SHANGHAI

NOW = datetime(2026, 11, 22, 4, 34, 48, tzinfo=SHANGHAI)

SEEN = [
    ("刚刚", "2026-11-22T04:34:48", "minute"),
    ("5秒前", "2026-11-22T04:34:43", "second"),
    ("3&nbsp;分钟前".replace("&nbsp;", "\u00a0"), "2026-11-22T04:31:48", "minute"),
    ("半小时前", "2026-11-22T04:04:48", "minute"),
    ("2 小时前", "2026-11-22T02:34:48", "minute"),
    ("1个半小时前", "2026-11-22T03:04:48", "minute"),
    ("7\u00a0天前", "2026-11-15T04:34:48", "day"),
    ("两天前", "2026-11-20T04:34:48", "day"),
    ("今天 08:15", "2026-11-22T08:15:00", "minute"),
    ("昨天\u00a023:03", "2026-11-21T23:03:00", "minute"),
    ("昨天", "2026-11-21T00:00:00", "day"),
    ("昨晚20:15", "2026-11-21T20:15:00", "minute"),
    ("昨晚8:15", "2026-11-21T20:15:00", "minute"),
    ("昨晚8点15分", "2026-11-21T20:15:00", "minute"),
    ("前天 04:02", "2026-11-20T04:02:00", "minute"),
    ("06-14", "2026-06-14T00:00:00", "day"),
    ("12-30", "2025-12-30T00:00:00", "day"),
    ("11-20 09:30", "2026-11-20T09:30:00", "minute"),
    ("11月20日 09:30 来自 iPhone客户端", "2026-11-20T09:30:00", "minute"),
    ("2019年09月07日08:18", "2019-09-07T08:18:00", "minute"),
    ("26-11-20 09:30", "2026-11-20T09:30:00", "minute"),
    ("2026-10-1 04:03:57", "2026-10-01T04:03:57", "second"),
    ("2026-9-25", "2026-09-25T00:00:00", "day"),
    ("发表于 2026-11-13 04:03:57", "2026-11-13T04:03:57", "second"),
    ("发表于 3 分钟前", "2026-11-22T04:31:48", "minute"),
    ("发布时间：2026-11-20 09:30 来源：新华网", "2026-11-20T09:30:00", "minute"),
    ("２０２６年１１月２０日　０９：３０", "2026-11-20T09:30:00", "minute"),
    ("2026/11/20 下午3:05", "2026-11-20T15:05:00", "minute"),
    ("2026.11.20", "2026-11-20T00:00:00", "day"),
    ("2026年11月", "2026-11-01T00:00:00", "month"),
    ("20261120", "2026-11-20T00:00:00", "day"),
    ("Sat Nov 21 10:00:00 +0800 2026", "2026-11-21T10:00:00", "second"),
    ("Sat, 21 Nov 2026 02:00:00 GMT", "2026-11-21T10:00:00", "second"),
    ("Sat, 21 Nov 2026 10:00:00 +0800", "2026-11-21T10:00:00", "second"),
    ("2026-11-21T02:00:00Z", "2026-11-21T10:00:00", "second"),
    ("2026-11-21T02:00:00.123Z", "2026-11-21T10:00:00", "second"),
    ("2026-11-21T10:00:00+08:00", "2026-11-21T10:00:00", "second"),
    ("2026-11-21T10:00+08:00", "2026-11-21T10:00:00", "minute"),
    ("1795284237", "2026-11-22T02:03:57", "second"),
    ("1795284237000", "2026-11-22T02:03:57", "second"),
    (1795284237, "2026-11-22T02:03:57", "second"),
    ("03:15", "2026-11-22T03:15:00", "minute"),
    ("23:15", "2026-11-21T23:15:00", "minute"),
]


@pytest.mark.parametrize(("text", "at", "precision"), SEEN)
def test_reads_every_string_that_sites_write(text: object, at: str, precision: str) -> None:
    when = read_time(text, NOW)  # type: ignore[arg-type]
    assert when.at == datetime.fromisoformat(at).replace(tzinfo=SHANGHAI)
    assert when.precision == precision


@pytest.mark.parametrize("text", ["", None, True, "来自 iPhone客户端", "2026-13-45", "12345", "第3次反馈", "1000-01-01", "2099-01-01", "13800001234", "Sat, 99 Nov 2026 02:00:00 GMT", "UNKNOWN"])
def test_what_is_no_time_is_unread(text: object) -> None:
    assert read_time(text, NOW) == UNREAD  # type: ignore[arg-type]


def test_relative_times_say_so() -> None:
    assert read_time("昨天 23:03", NOW).relative and not read_time("2026-11-21 23:03", NOW).relative


def test_a_date_of_next_day_in_another_zone_is_this_years() -> None:
    assert read_time("01-01 00:10", datetime(2026, 12, 31, 15, 0, tzinfo=UTC)).at == datetime(2026, 12, 31, 16, 10, tzinfo=UTC)


@given(st.text(max_size=60))
def test_never_raises_and_is_always_aware(text: str) -> None:
    when = read_time(text, NOW)
    assert when.at is None or when.at.tzinfo is not None
    assert (when.at is None) == (when.precision is Precision.UNKNOWN)

"""The times that Chinese sites write, read against an explicit ``now``.

Sites write Asia/Shanghai wall time. A time that cannot be read is ``UNREAD``, never a guess: an unreadable
date loses one field, not the page. (dateparser reads 37 of 48 such strings; these rules read all of them.)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from incidents.model import Precision
from incidents.now import SHANGHAI

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # before this nothing was published on the web
LATEST = timedelta(days=366)  # a year ahead of now is a typing error or a trap


@dataclass(frozen=True, kw_only=True)
class When:
    """A time as a page gave it. ``relative`` says that it was reckoned back from ``now`` (3分钟前, 昨天)."""

    at: datetime | None
    precision: Precision
    relative: bool = False


UNREAD = When(at=None, precision=Precision.UNKNOWN)

CLOCK = r"(?:T|\s)*(?P<half>凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|晚|AM|PM)?\s*(?P<h>\d{1,2})(?::|时|點|点)(?P<m>\d{1,2})(?:(?::|分)(?P<s>\d{1,2})(?:[.,]\d+)?)?(?:秒|分)?"
ZONE = r"(?:\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
FULL_DATE = r"(?<!\d)(?P<y>(?:19|20)\d{2})\s*[-/.年]\s*(?P<mo>\d{1,2})\s*[-/.月]\s*(?P<d>\d{1,2})(?!\d)\s*[日号]?"
SHORT_YEAR = r"(?<![\d-])(?P<y>\d{2})\s*[-/.年]\s*(?P<mo>\d{1,2})\s*[-/.月]\s*(?P<d>\d{1,2})(?!\d)\s*[日号]?"
MONTH_DAY = r"(?<![\d./-])(?P<mo>\d{1,2})\s*[-/月]\s*(?P<d>\d{1,2})(?![\d/-])\s*[日号]?"
MONTH = r"(?<!\d)(?P<y>(?:19|20)\d{2})\s*[-/.年]\s*(?P<mo>\d{1,2})(?!\d)\s*月?"
DAYS_BACK = {"今": 0, "昨": 1, "前": 2}
UNIT_SECONDS = {"秒": 1, "分": 60, "时": 3600, "天": 86400, "周": 604800}
LATE_HALVES = frozenset({"下午", "傍晚", "晚上", "晚", "PM"})
EARLY_HALVES = frozenset({"凌晨", "清晨", "早上", "早晨", "上午", "AM"})
ENGLISH = re.compile(r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+)?(?:\d{1,2}\s+)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\s+[\d: +\-A-Z]+")
WEIBO = re.compile(r"\w{3}\s+(?P<month>\w{3})\s+(?P<day>\d{1,2})\s+(?P<clock>\d\d:\d\d:\d\d)\s+(?P<zone>[+-]\d{4})\s+(?P<year>\d{4})")


def read_time(text: str | int | float | None, now: datetime) -> When:
    """Find the time that ``text`` states.

    Args:
        text: what stands on the page, with whatever is around it (发布时间：…, … 来自 iPhone客户端),
            or unix seconds or milliseconds.
        now: when the page was read, aware; relative times and missing years count from it.
    """
    if text is None or isinstance(text, bool):
        return UNREAD
    line = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", str(text))).strip()
    if not line or len(line) > 2000:
        return UNREAD
    for read in RULES:
        found = read(line, now)
        if found is not None:
            return found if _believable(found, now) else UNREAD
    return UNREAD


def _believable(when: When, now: datetime) -> bool:
    return when.at is None or EARLIEST <= when.at <= now + LATEST


def _epoch(line: str, _now: datetime) -> When | None:
    found = re.fullmatch(r"(\d{9,10})(?:\.\d+)?|(\d{12,13})", line)
    if not found:
        return None
    seconds = int(found[1]) if found[1] else int(found[2]) / 1000
    return When(at=datetime.fromtimestamp(seconds, UTC), precision=Precision.SECOND)


def _english(line: str, _now: datetime) -> When | None:
    """Weibo's ``Sat Nov 21 10:00:00 +0800 2026`` and RFC 822."""
    if weibo := WEIBO.search(line):
        line = f"{weibo['day']} {weibo['month']} {weibo['year']} {weibo['clock']} {weibo['zone']}"
    found = ENGLISH.search(line)
    if not found:
        return None
    try:
        at = parsedate_to_datetime(found[0].strip())
    except ValueError:
        return UNREAD
    return When(at=(at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC), precision=Precision.SECOND)


def _just_now(line: str, now: datetime) -> When | None:
    if re.search(r"刚刚|刚才|剛剛", line):
        return When(at=now, precision=Precision.MINUTE, relative=True)
    return None


def _ago(line: str, now: datetime) -> When | None:
    """3分钟前, 半小时前. Hours are called minute-precise: the true error is below an hour, a day would say far less."""
    found = re.search(r"(?P<n>\d+|半|[一二两三四五六七八九十])\s*个?(?P<half>半)?\s*(?P<unit>秒|分|小时|小時|天|周|星期)\s*[钟鐘]?\s*(?:以前|之前|前)", line)
    if not found:
        return None
    unit = {"小": "时", "星": "周"}.get(found["unit"][0], found["unit"][0])
    amount = (0.5 if found["n"] == "半" else _number(found["n"])) + (0.5 if found["half"] else 0)
    precision = {"秒": Precision.SECOND, "天": Precision.DAY, "周": Precision.DAY}.get(unit, Precision.MINUTE)
    return When(at=now - timedelta(seconds=amount * UNIT_SECONDS[unit]), precision=precision, relative=True)


def _number(word: str) -> float:
    return float(word) if word.isdigit() else float("零一二三四五六七八九十".index(word.replace("两", "二")))


def _named_day(line: str, now: datetime) -> When | None:
    """今天 08:15, 昨天 23:03, 昨晚20:15, 前天 04:02; without a clock the day alone."""
    found = re.search(rf"(?P<day>今|昨|前)(?P<night>天|日|晚|早|晨|夜)(?:{CLOCK})?", line)
    if not found:
        return None
    day = (now.astimezone(SHANGHAI) - timedelta(days=DAYS_BACK[found["day"]])).replace(hour=0, minute=0, second=0, microsecond=0)
    half = found["half"] or ("晚" if found["night"] in "晚夜" else None)
    return _with_clock(day, found.groupdict() | {"half": half}, relative=True)


def _full_date(line: str, now: datetime) -> When | None:
    return _dated(rf"{FULL_DATE}(?:{CLOCK}{ZONE})?", line, now)


def _compact(line: str, now: datetime) -> When | None:
    """20261120 and 20261120093000, as addresses and meta tags write them."""
    return _dated(r"(?<!\d)(?P<y>20\d{2})(?P<mo>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?:T?(?P<h>[01]\d|2[0-3])(?P<m>[0-5]\d)(?P<s>[0-5]\d)?)?(?!\d)", line, now)


def _short_year(line: str, now: datetime) -> When | None:
    return _dated(rf"{SHORT_YEAR}(?:{CLOCK})?", line, now)


def _month_day(line: str, now: datetime) -> When | None:
    return _dated(rf"{MONTH_DAY}(?:{CLOCK})?", line, now)


def _month(line: str, _now: datetime) -> When | None:
    found = re.search(MONTH, line)
    if not found or not 1 <= int(found["mo"]) <= 12:
        return None
    return When(at=datetime(int(found["y"]), int(found["mo"]), 1, tzinfo=SHANGHAI).astimezone(UTC), precision=Precision.MONTH)


def _clock_alone(line: str, now: datetime) -> When | None:
    """08:15 alone: the latest such time that has been."""
    found = re.fullmatch(r"(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2}))?", line)
    if not found:
        return None
    day = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    today = _with_clock(day, found.groupdict(), relative=True)
    if today.at is None or today.at <= now + timedelta(minutes=5):
        return today
    return _with_clock(day - timedelta(days=1), found.groupdict(), relative=True)


def _dated(pattern: str, line: str, now: datetime) -> When | None:
    """The first match of ``pattern`` that is a day of the calendar."""
    for found in re.finditer(pattern, line, re.IGNORECASE):
        parts = found.groupdict()
        day = _day(parts, now)
        if day is not None:
            return _with_clock(day, parts)
    return None


def _day(parts: dict[str, str | None], now: datetime) -> datetime | None:
    """The day; without a year, the latest that is not more than a day ahead (12-30 read on 2 January is last year's)."""
    local = now.astimezone(SHANGHAI)
    month, day = int(parts["mo"] or 0), int(parts["d"] or 0)
    if stated := parts.get("y"):
        return _calendar(int(stated) + (2000 if len(stated) == 2 else 0), month, day)
    years = (local.year + 1, local.year, local.year - 1)
    found = (_calendar(year, month, day) for year in years)
    return next((one for one in found if one is not None and one <= local + timedelta(days=1)), None)


def _calendar(year: int, month: int, day: int) -> datetime | None:
    try:
        return datetime(year, month, day, tzinfo=SHANGHAI)
    except ValueError:
        return None


def _with_clock(day: datetime, parts: dict[str, str | None], *, relative: bool = False) -> When:
    if not parts.get("h"):
        return When(at=day.astimezone(UTC), precision=Precision.DAY, relative=relative)
    hour, minute, second = (int(parts.get(name) or 0) for name in ("h", "m", "s"))
    hour = _hour(hour, parts.get("half"))
    if hour > 23 or minute > 59 or second > 59:
        return When(at=day.astimezone(UTC), precision=Precision.DAY, relative=relative)
    at = day.replace(hour=hour, minute=minute, second=second)
    if zone := parts.get("zone"):
        at = at.replace(tzinfo=datetime.strptime("+0000" if zone.isalpha() else zone.replace(":", ""), "%z").tzinfo)
    precision = Precision.SECOND if parts.get("s") else Precision.MINUTE
    return When(at=at.astimezone(UTC), precision=precision, relative=relative)


def _hour(hour: int, half: str | None) -> int:
    word = (half or "").upper()
    if word in LATE_HALVES and hour < 12:
        return hour + 12
    if word == "中午" and hour < 3:
        return hour + 12
    return 0 if word in EARLY_HALVES and hour == 12 else hour


# The order matters: what states more comes first.
RULES: tuple[Callable[[str, datetime], When | None], ...] = (
    _epoch, _english, _full_date, _compact, _just_now, _ago, _named_day, _short_year, _month_day, _month, _clock_alone,
)

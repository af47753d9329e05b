"""The counts that Chinese sites write: 1.2万, 10W+, 赞[12], 转发. Missing is *unknown*, never zero."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Count:
    """``floor`` says that the site only told a lower bound (100万+). ``value`` None is unknown."""

    value: int | None
    floor: bool = False


UNKNOWN = Count(value=None)
UNITS = {"": 1, "k": 1_000, "千": 1_000, "w": 10_000, "万": 10_000, "萬": 10_000, "m": 1_000_000, "亿": 100_000_000, "億": 100_000_000}
LARGEST = 10**13  # what is more than this is an id that stands where a count should
# A button that shows its own name and no number has been pressed by nobody.
BARE_WORDS = frozenset({"转发", "轉發", "评论", "評論", "赞", "讚", "点赞", "收藏", "分享", "回复", "回覆", "喜欢", "抢首评", "抢沙发"})
NUMBER = re.compile(r"(?<![\d.])(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)\s*(千万|百万|[kwm千万萬亿億]?)\s*(\+|余|多|以上)?", re.IGNORECASE)


def read_count(raw: object) -> Count:
    """Read one count from a number or the text of a button or cell."""
    if isinstance(raw, bool) or raw is None:
        return UNKNOWN
    if isinstance(raw, int | float):
        return Count(value=int(raw)) if 0 <= raw <= LARGEST else UNKNOWN
    text = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", str(raw))).strip()
    if text in BARE_WORDS:
        return Count(value=0)
    if text.startswith("-"):
        return UNKNOWN
    found = NUMBER.search(text)
    if not found:
        return UNKNOWN
    unit = {"千万": 10_000_000, "百万": 1_000_000}.get(found[2]) or UNITS[found[2].lower()]
    value = int(Decimal(found[1].replace(",", "")) * unit)
    return Count(value=value, floor=bool(found[3])) if value <= LARGEST else UNKNOWN

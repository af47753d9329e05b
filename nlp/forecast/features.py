"""What the grown model looks at: counts at crawl times, pace against the human clock, author, text.

Never who reposted whom: a crawler cannot know it. People's counts come in powers of two, because the ledger
keeps no finer ones. What is unknown is ``UNKNOWN``, and the model has seen it in training.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from incidents.now import shanghai
from nlp.forecast import ForecastInput
from nlp.forecast.seen import Seen
from nlp.forecast.shape import HORIZON, Shape
from nlp.forecast.spread import Floats
from nlp.forecast.wording import likeness

UNKNOWN = -32.0
HOUR = timedelta(hours=1)
LEAST_SPAN = 0.02  # hours; two crawls closer than that show no pace

SIGNS = {
    "headline": r"【", "hashtag": r"#", "name": r"@", "question": r"[？?]", "exclamation": r"[！!]", "digit": r"\d",
    "link": r"https?://", "emoticon": r"\[[^\]]{1,6}\]", "spread_the_word": r"转发|扩散", "picture": r"视频|图",
    "plea": r"求|救|帮", "death": r"死|亡|杀", "state": r"中国|政府|官", "ellipsis": r"……|\.\.\.", "quotation": r"“",
    "latin": r"[a-zA-Z]{3,}",
}
_SIGNS = tuple(re.compile(pattern) for pattern in SIGNS.values())

COUNTS = ("count", "age", "quarter", "half", "three_quarters", "visits", "gap", "added", "pace", "rate", "quickening")
CLOCK = ("born", "hour", "born_sin", "born_cos", "hour_sin", "hour_cos", "left_24h", "left_12h", "weekday", "born_late")
AUTHOR = ("followers", "friends", "posts", "verified", "reach")
TEXT = ("length", *SIGNS, "claim")
WAKING = ("waking_24h", "waking_12h", "waking_pace", "waking_half", "activity", "waking_rate", "share_half",
          "share_quarter", "half_on_half", "weekend")
NAMES = (*COUNTS, *CLOCK, *AUTHOR, *TEXT, *WAKING)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Makes rows of ``NAMES``; ``claims`` and ``bias`` are the weights of :mod:`nlp.forecast.wording`."""

    shape: Shape
    claims: Floats
    bias: float

    def row(self, asked: ForecastInput, seen: Seen) -> list[float]:
        """One number for each of ``NAMES``."""
        curve = Curve.of(seen)
        clock, waking = clock_of(asked, curve, self.shape), waking_of(asked, curve, self.shape)
        return [*counts_of(curve), *clock, *author_of(asked), *self._text(asked.text), *waking]

    def _text(self, text: str | None) -> list[float]:
        if not text:
            return [UNKNOWN] * len(TEXT)
        return [float(len(text)), *(float(len(sign.findall(text))) for sign in _SIGNS), likeness(text, self.claims, self.bias)]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The counts with their origin: nothing at age 0. A count read at once is taken a moment later."""

    ages: Floats
    values: Floats

    @classmethod
    def of(cls, seen: Seen) -> Curve:
        ages = np.maximum(np.array([0.0, *seen.ages]), [0.0, *[LEAST_SPAN] * len(seen.ages)])
        return cls(ages=ages, values=np.array([0.0, *map(float, seen.values)]))

    @property
    def age(self) -> float:
        return float(self.ages[-1])

    @property
    def count(self) -> float:
        return float(self.values[-1])

    def at(self, age: float) -> float:
        """The count at ``age``, by straight line between crawls."""
        return float(np.interp(age, self.ages, self.values))


def counts_of(curve: Curve) -> list[float]:
    age, count = curve.age, curve.count
    gap, added = age - float(curve.ages[-2]), count - float(curve.values[-2])
    pace, rate = _log((added + 0.5) / max(gap, LEAST_SPAN)), _log((count + 0.5) / age)
    shares = [_log(1 + curve.at(share * age)) for share in (0.25, 0.5, 0.75)]
    return [_log(1 + count), _log(age), *shares, float(len(curve.ages) - 1), gap / age, _log(1 + added), pace, rate, pace - rate]


def clock_of(asked: ForecastInput, curve: Curve, shape: Shape) -> list[float]:
    moment = shanghai(asked.first_seen)
    born = moment.hour + moment.minute / 60
    hour = (born + curve.age) % 24
    now, half_day, day = shape.spent(asked.first_seen, [curve.age, 12.0, HORIZON]).tolist()
    turns = [turn for at in (born, hour) for turn in (math.sin(math.tau * at / 24), math.cos(math.tau * at / 24))]
    left = [_log(max(end - now, 1e-3) / now) for end in (day, half_day)]
    return [born, hour, *turns, *left, float(moment.weekday()), float(moment.hour == 23)]


def author_of(asked: ForecastInput) -> list[float]:
    followers, friends, posts = (_band(count) for count in (asked.followers, asked.friends, asked.posts))
    verified = UNKNOWN if asked.verified is None else float(asked.verified)
    reach = UNKNOWN if UNKNOWN in (followers, friends) else followers - friends
    return [followers, friends, posts, verified, reach]


def waking_of(asked: ForecastInput, curve: Curve, shape: Shape) -> list[float]:
    """Pace in hours of human activity instead of hours: a slow night is not a slow post."""
    age, count = curve.age, curve.count
    moment = shanghai(asked.first_seen)
    spans = (curve.age - float(curve.ages[-2]), age / 2)
    begin, last, middle, now, half_day, day = shape.waking(
        asked.first_seen, [0.0, age - spans[0], age - spans[1], age, max(age, 12.0), HORIZON]).tolist()
    added, later = count - float(curve.values[-2]), count - curve.at(age / 2)
    return [
        _log(1 + day - now), _log(1 + half_day - now), _log((added + 0.5) / max(now - last, LEAST_SPAN)),
        _log((later + 0.5) / max(now - middle, LEAST_SPAN)), shape.activity_at(asked.first_seen + age * HOUR),
        _log((count + 0.5) / (now - begin + LEAST_SPAN)), curve.at(age / 2) / max(1.0, count), curve.at(age / 4) / max(1.0, count),
        _log((later + 0.5) / (count - later + 0.5)), float(moment.weekday() >= 5),
    ]


def _band(count: int | None) -> float:
    """log2 of the band's lower bound: 1 500 → 10; nobody → -1."""
    return UNKNOWN if count is None else float(max(0, count).bit_length() - 1)


def _log(value: float) -> float:
    return math.log2(value)

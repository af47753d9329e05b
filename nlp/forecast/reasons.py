"""Why a forecast says what it says, as codes with values; the sentences are in the locale file."""

from __future__ import annotations

from datetime import timedelta

from incidents.model import ForecastReason
from nlp.forecast import ForecastInput
from nlp.forecast.seen import Bounds, Seen
from nlp.forecast.shape import HORIZON, Shape

FASTER, SLOWER = 1.5, 0.67  # ratio of two hourly paces that a person would notice on the chart
BUSY, QUIET = 1.2, 0.6  # activity of the next six hours against the day's mean
LARGE_AUTHOR = 1_000_000  # followers: the band from which an account is called a head account (头部)


def reasons(asked: ForecastInput, seen: Seen, shape: Shape, bounds: Bounds, *, cold: bool) -> tuple[ForecastReason, ...]:
    """What can be read off the input itself: pace, author, hour of the day, quality of the counts."""
    found = [_now(seen), _pace(seen), _author(asked), _hours_ahead(asked, seen, shape)]
    if seen.fell:
        found.append(ForecastReason(code="counts_fell"))
    if _near_ceiling(asked, seen, bounds):
        found.append(ForecastReason(code="ceiling", values={"most": bounds.most}))
    if cold:
        found.append(ForecastReason(code="cold"))
    return tuple(one for one in found if one is not None)


def _near_ceiling(asked: ForecastInput, seen: Seen, bounds: Bounds) -> bool:
    """The training posts were chosen to stay below 1 000 reposts, so what would go far beyond is underrated."""
    return seen.count > bounds.most / 2 or any(threshold > bounds.most for threshold in asked.thresholds)


def _now(seen: Seen) -> ForecastReason:
    return ForecastReason(code="count", values={"hours": round(seen.age, 1), "count": seen.count})


def _pace(seen: Seen) -> ForecastReason | None:
    """The pace of the last interval against the pace before it."""
    if len(seen.ages) < 2 or seen.ages[-2] <= 0 or seen.ages[-1] <= seen.ages[-2]:
        return None
    late = (seen.values[-1] - seen.values[-2]) / (seen.ages[-1] - seen.ages[-2])
    early = seen.values[-2] / seen.ages[-2]
    values = {"late": round(late), "early": round(early)}
    if late >= FASTER * early and late > 1:
        return ForecastReason(code="faster", values=values)
    return ForecastReason(code="slower" if late <= SLOWER * early else "steady", values=values)


def _author(asked: ForecastInput) -> ForecastReason | None:
    if asked.followers is None:
        return ForecastReason(code="author_unknown")
    if asked.followers >= LARGE_AUTHOR:
        return ForecastReason(code="author_large", values={"followers": asked.followers})
    return None


def _hours_ahead(asked: ForecastInput, seen: Seen, shape: Shape) -> ForecastReason | None:
    ahead = [seen.age + step for step in range(1, 7) if seen.age + step <= HORIZON]
    if not ahead:
        return None
    mean = sum(shape.activity_at(asked.first_seen + timedelta(hours=age)) for age in ahead) / len(ahead)
    if mean >= BUSY:
        return ForecastReason(code="busy_hours")
    return ForecastReason(code="quiet_hours") if mean <= QUIET else None

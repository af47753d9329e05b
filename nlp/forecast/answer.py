"""From distributions to the :class:`Forecast` that everybody reads, or to an abstention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from incidents.model import Forecast, ForecastReason, Horizon
from nlp.forecast import ForecastInput
from nlp.forecast.seen import Seen, Unusable, first_reached
from nlp.forecast.shape import Anchors, Shape, crossing, path
from nlp.forecast.spread import Spread


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a model says of one input: growth from the newest count to 12 h and 24 h, and why."""

    to_12h: Spread
    to_24h: Spread
    shape: Shape
    cold: bool
    reasons: tuple[ForecastReason, ...]
    model: str


def forecast(asked: ForecastInput, seen: Seen, judged: Judged, now: datetime) -> Forecast:
    """The forecast of ``asked`` as ``judged``; horizons that have passed at ``now`` are None."""
    spreads = {12.0: judged.to_12h, 24.0: judged.to_24h}
    open_now = tuple((at, spreads[at]) for at in spreads if (now - asked.first_seen).total_seconds() < at * 3600)
    anchors = Anchors(first_seen=asked.first_seen, age=seen.age, observed=seen.count, horizons=open_now)
    points = path(anchors, judged.shape, now)
    horizons: dict[float, Horizon] = {at: s.horizon(seen.count, asked.thresholds) for at, s in open_now}
    return Forecast(
        metric=asked.metric, platform=asked.platform, first_seen=asked.first_seen, made_at=now, observed=seen.count,
        h12=horizons.get(12.0), h24=horizons.get(24.0), path=points,
        crosses_at={t: first_reached(asked, t, now) or crossing(points, t) for t in asked.thresholds},
        cold=judged.cold, reasons=judged.reasons, abstains=None, model=judged.model,
    )


def abstention(asked: ForecastInput, why: Unusable, now: datetime, *, cold: bool, model: str) -> Forecast:
    """Nothing can be said of the future; what was already reached is still told."""
    crosses: Mapping[int, datetime | None] = {t: first_reached(asked, t, now) for t in asked.thresholds}
    return Forecast(
        metric=asked.metric, platform=asked.platform, first_seen=asked.first_seen, made_at=now,
        observed=why.observed, h12=None, h24=None, path=(), crosses_at=crosses, cold=cold,
        reasons=(), abstains=str(why), model=model,
    )

"""A brand's history of forecasts that matured, drawn by chance (seeded), some of them about the morning's own mentions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from incidents.model import Forecast, Horizon
from incidents.settings import Settings
from incidents.store import tables as t
from incidents.store.forecasts import Crossing
from incidents.store.ledger import Ledger
from monitor import track_keeping
from nlp.forecast.track import Matured, report
from tests.dashboard.world import HOUR, NOON

LEVELS = {"05": -1.64, "10": -1.28, "25": -0.67, "50": 0.0, "75": 0.67, "90": 1.28, "95": 1.64}


def matured(names: Sequence[str], threshold: int, scale: float = 1.0) -> list[Matured]:
    """Two forecasts a name, at 1 h and 3 h; ``scale`` is how much wider the truth spreads than what was said."""
    dice, found = random.Random(4), []
    for name in names:
        first = NOON - timedelta(days=dice.uniform(1.2, 20))
        middle, spread = threshold * 2 ** dice.gauss(-1.4, 1.4), dice.uniform(0.6, 1.1)
        came = round(middle * 2 ** (scale * spread * dice.gauss(0, 1)))
        crossed = first + dice.uniform(2, 14) * HOUR if came >= threshold else None
        for age in (1.0, 3.0):
            chance = sum(2 ** (spread * dice.gauss(0, 1)) * middle >= threshold for _ in range(200)) / 200
            q = {level: middle * 2 ** (spread * z) for level, z in LEVELS.items()}
            made = Forecast(metric="reposts", platform="weibo", first_seen=first, made_at=first + age * HOUR, observed=1, h12=None, h24=Horizon(q=q, p_over={threshold: chance}),
                            path=(), crosses_at={}, cold=False, reasons=(), abstains=None, model="grown@1")
            found.append(Matured(name=name, forecast=made, threshold=threshold, came=came, crossed_at=crossed))
    return found


def named(history: list[Matured], own: Sequence[str]) -> list[Matured]:
    """The morning's own mentions stand among the misses and the false alarms, so that they have a name."""
    made = report([one for one in history if one.name not in own])
    shown = [one.name for pair in zip(made.missed, made.false_alarms, strict=False) for one in pair]
    names = dict(zip(shown, own, strict=False))
    return [replace(one, name=names.get(one.name, one.name)) for one in history if one.name not in own]


def keep(ledger: Ledger, settings: Settings, brand_id: str, count: int = 160, scale: float = 1.0) -> dict[str, Any]:
    """Keep the track as the monitor does; returns its content."""
    brand, now = settings.brand(brand_id), NOON
    threshold = brand.viral["reposts"]
    with ledger.engine.connect() as c:
        own = [str(row) for row in c.execute(sa.select(t.mention_brands.c.mention_id).where(t.mention_brands.c.brand == brand_id).order_by(t.mention_brands.c.dated.desc()).limit(8)).scalars()]
    names = (own + [str(100_000 + n) for n in range(count)])[:count]
    history = named(matured(names, threshold, scale), own)
    late = {int(own[0]) + 50_000: Crossing(mention_id=int(own[0]), at=now - timedelta(days=2), count=990, highest=None, abstained="too_many: More than 931.")} if count else {}
    body = {**track_keeping._shared(history, now), "threshold": threshold, "alert_at": track_keeping.asdict_of(brand), "stories": track_keeping._stories([]),
            **track_keeping._alerting(history, late, brand.alert_at.yellow, now)}
    ledger.forecasts.keep_track(brand_id, body, now - timedelta(minutes=12))
    return body

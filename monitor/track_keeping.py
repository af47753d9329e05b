"""The track of each brand: what was foreseen, held against what came, made anew once an hour of its world.

The ledger keeps the newest one; the page 预测战绩 shows it and reckons nothing. Mentions are named by their ids:
words live in one place only, and are erased there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from alerts.drifting import told_of
from incidents.settings import BrandSettings
from incidents.shares import Share
from incidents.store.forecasts import Crossing, Outcome
from incidents.store.story_forecasts import KeptStory
from monitor.pipeline import Tools
from nlp.forecast.track import (
    AGES,
    ALERT_LEVELS,
    ENOUGH,
    WINDOW,
    AtAge,
    Matured,
    at_age,
    correction,
    costs,
    drift,
    leads,
    nearest,
    report,
)

log = logging.getLogger(__name__)

AGAIN = timedelta(hours=1)  # world
METRIC = "reposts"  # the one that the shipped model speaks of
NAMED = 60  # misses and false alarms that are kept by name
ALL = ""  # the track of all brands together: the model is one, so its drift is told there
HOUR = timedelta(hours=1)


def tick(tools: Tools, world: datetime) -> int:
    """Make the tracks that are an hour old; returns how many. Twice in a row, the second makes none."""
    due = [brand for brand in tools.settings.brands if _due(tools, brand.id, world)]
    for brand in due:
        tools.ledger.forecasts.keep_track(brand.id, _track(tools, brand, world), world)
    if _due(tools, ALL, world):
        _watch(tools, world)
    return len(due)


def _due(tools: Tools, brand: str, world: datetime) -> bool:
    found = tools.ledger.forecasts.track(brand)
    return found is None or world - found[0] >= AGAIN


def _track(tools: Tools, brand: BrandSettings, world: datetime) -> dict[str, Any]:
    kept, since, threshold = tools.ledger.forecasts, world - WINDOW, brand.viral.get(METRIC)
    outcomes = kept.history(brand.id, METRIC, since)
    crossed = kept.crossings(brand.id, METRIC, threshold, since - timedelta(hours=24)) if threshold else {}
    matured = _matured(outcomes, threshold or 0, crossed)
    told = {**_shared(matured, world), "threshold": threshold, "alert_at": asdict_of(brand), "stories": _stories(tools.ledger.story_forecasts.outcomes(brand.id, since))}
    return {**told, **_alerting(matured, crossed, brand.alert_at.yellow, world)} if threshold else told


def asdict_of(brand: BrandSettings) -> dict[str, float]:
    """The bounds that were in force: a page must not put today's beside yesterday's figures."""
    return {"yellow": brand.alert_at.yellow, "orange": brand.alert_at.orange}


def _matured(outcomes: Iterable[Outcome], threshold: int, crossed: Mapping[int, Crossing]) -> list[Matured]:
    def when(mention: int) -> datetime | None:
        return crossed[mention].at if mention in crossed else None
    return [Matured(name=str(one.mention_id), forecast=one.forecast, threshold=threshold, came=one.came, crossed_at=when(one.mention_id)) for one in outcomes]


def _shared(matured: Sequence[Matured], world: datetime) -> dict[str, Any]:
    """What needs no threshold: coverage, drift, the correction that is in force."""
    learnt = correction(matured, world)
    return {
        "metric": METRIC, "window_days": WINDOW.days, "enough": ENOUGH, "matured": len({one.name for one in matured}), "looks": len(matured),
        "since": min((one.forecast.made_at for one in matured), default=world).isoformat(), "ages": [_age(at_age(matured, age)) for age in AGES],
        "drift": [asdict(one) for one in drift(nearest(matured, AGES[0]), world)],
        "correction": {"shift": round(learnt.shift, 3), "factor": round(learnt.factor, 3), "count": learnt.count},
    }


def _age(one: AtAge) -> dict[str, Any]:
    bands = [{"low": band.low, "high": band.high, "count": band.count, "said": round(band.said, 4), "came": round(band.came, 4),
              "interval": Share(hits=round(band.came * band.count), count=band.count).interval} for band in one.bands]
    return {"age": one.age, "count": one.count, "covered_80": _share(one.covered_80), "covered_90": _share(one.covered_90), "crossed": _share(one.crossed),
            "brier": one.brier, "said": one.said, "precision": one.precision, "msle": one.msle, "bands": bands}


def _share(one: Share) -> dict[str, Any]:
    low, high = one.interval
    return {"hits": one.hits, "count": one.count, "low": round(low, 4), "high": round(high, 4)}


def _alerting(matured: Sequence[Matured], crossed: Mapping[int, Crossing], alert_at: float, world: datetime) -> dict[str, Any]:
    """Leads, misses and false alarms by name, and what each probability threshold would have cost."""
    made, names = report(matured, alert_at), {one.name for one in matured}
    began = min((one.forecast.made_at for one in matured), default=world)
    days = max(1.0, (world - began) / timedelta(days=1))
    over = [one for mention, one in sorted(crossed.items()) if str(mention) not in names and one.at <= world - timedelta(hours=24)]
    unforeseen = [one for one in over if one.highest is None]
    unfollowed = [one for one in over if one.highest is not None and one.highest < alert_at]  # not followed to 24 h, yet it did cross
    missed = [*(_named(one, matured) for one in made.missed), *(_crossed(one) for one in unfollowed)]
    return {
        "days": round(days, 2), "leads": sorted(round(lead / HOUR, 2) for lead in leads(matured, alert_at).values()),
        "missed": missed[:NAMED], "missed_count": len(missed),
        "false_alarms": [_named(one, matured) for one in made.false_alarms[:NAMED]], "false_alarms_count": len(made.false_alarms),
        "unforeseen": [{"mention": one.mention_id, "crossed_at": one.at.isoformat(), "why": (one.abstained or "").partition(":")[0]} for one in unforeseen[:NAMED]],
        "unforeseen_count": len(unforeseen), "levels": [_level(matured, level, days) for level in ALERT_LEVELS],
    }


def _named(one: Matured, matured: Sequence[Matured]) -> dict[str, Any]:
    """A mention, the highest probability that was said of it before it crossed, and what came."""
    before = [other.chance for other in matured if other.name == one.name and other.chance is not None and (one.crossed_at is None or other.forecast.made_at < one.crossed_at)]
    return {"mention": int(one.name), "came": one.came, "highest": round(max(before), 3) if before else None,
            "crossed_at": one.crossed_at.isoformat() if one.crossed_at else None}


def _crossed(one: Crossing) -> dict[str, Any]:
    return {"mention": one.mention_id, "came": one.count, "highest": None if one.highest is None else round(one.highest, 3), "crossed_at": one.at.isoformat()}


def _level(matured: Sequence[Matured], level: float, days: float) -> dict[str, Any]:
    (line,) = costs(matured, days, [level])
    lead = None if line.median_lead is None else round(line.median_lead / HOUR, 2)
    return {"at": level, "alerts": round(line.alerts_a_day * days), "a_day": round(line.alerts_a_day, 3), "precision": line.precision, "recall": line.recall, "lead": lead}


def _stories(kept: Sequence[KeptStory]) -> dict[str, Any]:
    """How often the heat of a whole story came to lie inside its 80 % band."""
    foreseen = [(one.body["horizons"][-1], one.came) for one in kept if one.came is not None and one.body["horizons"]]
    return _share(Share(hits=sum(last["q10"] <= came <= last["q90"] for last, came in foreseen), count=len(foreseen)))


# -- drift: told once when it begins ---------------------------------------------------------------------------


def _watch(tools: Tools, world: datetime) -> None:
    """All brands together: the intervals of one model. A drift that goes on keeps the day on which it began, so that it
    is told once; when it is over and comes back, it is told again."""
    before = tools.ledger.forecasts.track(ALL)
    outcomes = tools.ledger.forecasts.history(None, METRIC, world - WINDOW)
    body = _shared(_matured(outcomes, 0, {}), world)
    since = (before[1].get("drift_since") if before else None) or world.isoformat()
    tools.ledger.forecasts.keep_track(ALL, {**body, "drift_since": since if body["drift"] else None}, world)
    if body["drift"]:
        log.warning("the forecast's intervals drift: %s", body["drift"])
        for alert in told_of(body["drift"], datetime.fromisoformat(since), tools.telling, world):
            tools.ledger.outbox.add(world=world, **alert)

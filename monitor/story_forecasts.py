"""How large whole stories become: the heat of each open incident's story, foreseen again every ten minutes of its world.

Beside the loop, not in it: no alert waits for it. A tick takes a few stories, longest unseen first, so that many open
incidents make each forecast older and nothing slower.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from incidents import now
from incidents.model import Forecast, Snapshot
from incidents.settings import BrandSettings
from incidents.store.story_forecasts import Due, Members, horizons
from monitor.pipeline import Tools
from nlp.forecast import CountAt, ForecastInput
from nlp.forecast.story import StoryForecast, foresee, heat

AGAIN = timedelta(minutes=10)  # world
AT_ONCE = 4


def tick(tools: Tools) -> int:
    """Foresee what is due; returns how many stories. Twice in a row, the second finds nothing due."""
    world = now.world()
    due = tools.ledger.story_forecasts.due(world - AGAIN, AT_ONCE)
    for one in due:
        brand = tools.brand(one.brand)
        if brand is not None:
            foresee_story(tools, one, brand, world)
    return len(due)


def foresee_story(tools: Tools, one: Due, brand: BrandSettings, world: datetime) -> None:
    """One story: each large member's forecast, the arrivals of new ones, kept with its parts."""
    members = tools.ledger.story_forecasts.members(one.story_id, one.brand)
    forecasts = tools.forecaster.predict([_asked(row, seen) for row, seen in zip(members.rows, members.snapshots, strict=True)], world)
    ends = horizons(one.first_appeared, world)
    made = [foresee(forecasts, members.counts, members.times, (end - world) / timedelta(hours=1), world, brand.weights) for end in ends]
    body = {**_present(members, brand), **_future(members, forecasts, made[-1]),
            "horizons": [_horizon(end, each) for end, each in zip(ends, made, strict=True)] if speaks(forecasts) else []}
    tools.ledger.story_forecasts.keep(one.story_id, body, made_at=world, matures_at=ends[-1])


def speaks(forecasts: Sequence[Forecast]) -> bool:
    """A story none of whose members can be forecast is not foreseen: a band without width would promise what nobody knows."""
    return any(one.abstains is None for one in forecasts)


def _asked(row: Any, snapshots: tuple[Snapshot, ...]) -> ForecastInput:
    metric = "reposts" if row["reposts"] is not None else "comments"
    counts = tuple(CountAt(at=s.at, value=getattr(s, metric), floor=metric in s.floors) for s in snapshots)
    return ForecastInput(platform=row["platform"], metric=metric, first_seen=row["dated"], snapshots=counts, followers=row["followers"],
                         friends=row["friends"], posts=row["posts"], verified=row["verified"], text=row["text"])


def _present(members: Members, brand: BrandSettings) -> dict[str, Any]:
    """What the explanation panel shows of the heat now."""
    found, weights = heat(members.counts, brand.weights), brand.weights
    sums = {name: sum(own.get(name) or 0 for own in members.counts) for name in found.parts}
    return {"now": round(found.total, 1), "unknown": list(found.unknown),
            "parts": {name: {"count": sums[name], "weight": weights[name], "heat": round(part, 1)} for name, part in found.parts.items()}}


def _future(members: Members, forecasts: list[Forecast], made: StoryForecast) -> dict[str, Any]:
    """Whose forecasts were added, why others were not, and how new mentions arrive."""
    why = Counter((one.abstains or "").partition(":")[0] for one in forecasts if one.abstains)
    process = made.arrivals
    return {"members": len(members.times), "foreseen": len(forecasts) - sum(why.values()), "abstained": dict(why), "cold": any(one.cold for one in forecasts),
            "arrivals": None if process is None else {"branching": round(process.branching, 2), "count": process.count}}


def _horizon(end: datetime, made: StoryForecast) -> dict[str, Any]:
    return {"at": end.isoformat(), **{f"q{level}": round(value, 1) for level, value in made.q.items()}, "from_members": round(made.from_members, 1),
            "from_arrivals": round(made.from_arrivals, 1), "coming": {level: round(value, 1) for level, value in made.coming.items()}}

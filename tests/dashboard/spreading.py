"""A statement that was published on the morning's gravest incident, and the forecast of its whole story."""

from __future__ import annotations

from typing import Any

from incidents import published
from incidents.model import Incident
from incidents.settings import Settings
from incidents.store.ledger import Ledger
from tests.dashboard.world import HOUR, MINUTE, NOON


def heat(ledger: Ledger, incident: Incident) -> dict[str, Any]:
    """Kept as monitor/story_forecasts.py keeps it."""
    first = incident.first_appeared
    horizons = [dict(at=(first + hours * HOUR).isoformat(), q10=low, q50=middle, q90=high, from_members=middle - 5300, from_arrivals=300.0, coming={"10": 1.0, "50": 4.0, "90": 11.0})
                for hours, low, middle, high in ((12, 5600.0, 7100.0, 9900.0), (24, 6100.0, 8300.0, 14200.0))]
    body = {"now": 5230.4, "unknown": ["views"], "members": 4, "foreseen": 2, "abstained": {"too_few": 1, "not_fitted": 1}, "cold": True, "horizons": horizons,
            "parts": {"reposts": dict(count=3151, weight=1.0, heat=3151.0), "comments": dict(count=1049, weight=1.0, heat=1049.0), "likes": dict(count=5152, weight=0.2, heat=1030.4)},
            "arrivals": {"branching": 0.45, "count": 6}}
    ledger.story_forecasts.keep(incident.story_id, body, made_at=NOON - 4 * MINUTE, matures_at=first + 24 * HOUR)
    return body


def statement(ledger: Ledger, settings: Settings, incident: Incident, hours_ago: float = 4.2) -> None:
    change = published.publish(incident, "shen", NOON - hours_ago * HOUR, "https://weibo.example/statement/2", "致 N6 车主的第二份说明", NOON)
    ledger.incidents.apply(change, NOON)

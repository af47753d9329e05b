"""What the doctor says of the track record: whether it is long enough to judge by, and whether the intervals hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from incidents import now
from incidents.store.ledger import Ledger
from monitor.finding import Finding, good, note
from monitor.track_keeping import ALL


def look(ledger: Ledger) -> Iterator[Finding]:
    """Nothing before the first track; a drift is worth knowing, but no fault that stops anything."""
    found = ledger.forecasts.track(ALL)
    if found is None:
        return
    body = found[1]
    if body["matured"] < body["enough"]:
        yield good("track", "track_young", count=body["matured"], enough=body["enough"])
    elif body["drift"]:
        since = now.shanghai(datetime.fromisoformat(body["drift_since"]))
        yield note("track", "drift", since=f"{since:%m-%d %H:%M}", **_covered(body))
    else:
        yield good("track", "track", **_covered(body))


def _covered(body: Any) -> dict[str, Any]:
    share = body["ages"][0]["covered_80"]
    return {"covered": round(100 * share["hits"] / max(1, share["count"])), "count": share["count"]}

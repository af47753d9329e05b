"""What is looked after every half minute: blind sources told, forecasts that matured scored, old unmatched mentions let go."""

from __future__ import annotations

import logging

from alerts.blindness import told_of
from incidents import now
from incidents.store import retention
from monitor.pipeline import Tools

log = logging.getLogger(__name__)


def tick(tools: Tools) -> None:
    """Each part may run twice."""
    world = now.world()
    for alert in told_of(tools.ledger.sources.all(), tools.telling, world):
        tools.ledger.outbox.add(world=world, **alert)
    scored = tools.ledger.forecasts.mature(world)
    if scored:
        log.info("%s forecasts matured", scored)
    gone = retention.run(tools.ledger.engine, tools.settings.retention, world)
    if gone:
        log.info("%s mentions let go (retention, erasure)", gone)

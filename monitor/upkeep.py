"""What is looked after every half minute: blind sources told, forecasts that matured scored and their track kept, old
unmatched mentions let go, erased words taken out of the files."""

from __future__ import annotations

import logging

from alerts.blindness import told_of
from incidents import now
from incidents.store import retention, scrub
from monitor import track_keeping
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
    tools.ledger.story_forecasts.mature(world, {brand.id: brand.weights for brand in tools.settings.brands})
    track_keeping.tick(tools, world)
    gone = retention.run(tools.ledger.engine, tools.settings.retention, world)
    if gone:
        log.info("%s mentions let go (retention, erasure)", gone)
    if scrub.step(tools.ledger.engine, tools.settings.archive_url):
        log.info("what was erased has left the files of ledger and archive, too")

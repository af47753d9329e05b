"""The composition root: which judge, which forecaster, which receivers the settings name."""

from __future__ import annotations

import logging

from alerts.escalation import telling
from incidents.errors import ModelError
from incidents.settings import Settings
from incidents.store.ledger import Ledger
from monitor.pipeline import Tools
from nlp.forecast import load as load_forecaster
from nlp.judge import Judge

log = logging.getLogger(__name__)


def tools_for(settings: Settings, ledger: Ledger, worker: str) -> Tools:
    """Everything the loop needs. A sentiment model that cannot be used falls back to the floor model, said aloud."""
    return Tools(ledger=ledger, settings=settings, judge=_judge(settings.models.sentiment), worker=worker,
                 forecaster=load_forecaster(settings.models.forecast, own_matured=ledger.forecasts.matured()), telling=telling(settings))


def _judge(model: str) -> Judge:
    try:
        return Judge(model)
    except ModelError as error:
        if model == "floor":
            raise
        log.warning("%s The floor model takes over.", error)
        return Judge("floor")

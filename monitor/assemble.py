"""The composition root: which judge, which forecaster, which receivers the settings name."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime

from alerts.escalation import telling
from incidents import now
from incidents.model import Forecast, Score
from incidents.settings import Settings
from incidents.store.ledger import Ledger
from monitor.pipeline import Tools
from nlp.forecast import Forecaster, ForecastInput
from nlp.forecast import load as load_forecaster
from nlp.forecast.track import WINDOW, Matured, correction
from nlp.judge import Asked, Judge
from nlp.local import learn

log = logging.getLogger(__name__)


class Recalibrated:
    """The forecaster of the settings, corrected once a world day by one's own matured Weibo reposts (none below track.ENOUGH)."""

    def __init__(self, model: str, ledger: Ledger) -> None:
        self.name, self._ledger = model, ledger
        self._inner: Forecaster = load_forecaster(model, own_matured=ledger.forecasts.matured())
        self._day: date | None = None

    def predict(self, asked: Sequence[ForecastInput], now: datetime) -> list[Forecast]:
        if self._day != now.date():
            self._learn(now)
        return self._inner.predict(asked, now)

    def _learn(self, now: datetime) -> None:
        kept = self._ledger.forecasts
        matured = [Matured(name=str(who), forecast=made, threshold=0, came=came) for who, made, came in kept.outcomes("weibo", "reposts", now - WINDOW)]
        learnt = correction(matured, now)
        self._inner = load_forecaster(self.name, own_matured=kept.matured(), correction=learnt)
        self._day = now.date()
        log.info("Forecaster corrected by %s matured mentions: shift %.3f, factor %.3f", learnt.count, learnt.shift, learnt.factor)


class LocallyCorrected:
    """The judge of the settings; once a world day it learns each brand's own correction from its team's labels."""

    def __init__(self, judge: Judge, ledger: Ledger, brands: Sequence[str]) -> None:
        self.inner, self._ledger, self._brands = judge, ledger, tuple(brands)
        self._day: date | None = None

    @property
    def name(self) -> str:
        return self.inner.name

    def score(self, asked: Sequence[Asked], *, hurry: bool = False) -> list[Score]:
        if self._day != (today := now.world().date()):
            self._learn()
            self._day = today
        return self.inner.score(asked, hurry=hurry)

    def _learn(self) -> None:
        found = {brand: learn([(label.probabilities, label.value) for label in self._ledger.labels.all(brand) if label.field == "sentiment" and label.drawn == "random"])
                 for brand in self._brands}
        used = {brand: one for brand, one in found.items() if one is not None}
        self.inner.correct(used)
        for brand, one in used.items():
            log.info("Sentiment of %s corrected by %s labels: log loss on unseen ones %.3f, was %.3f", brand, one.count, one.after, one.before)


def tools_for(settings: Settings, ledger: Ledger, worker: str) -> Tools:
    """Everything the loop needs. A sentiment model that cannot be used falls back to the floor model, said aloud."""
    return Tools(ledger=ledger, settings=settings, judge=LocallyCorrected(Judge.ready(settings.models.sentiment), ledger, [brand.id for brand in settings.brands]), worker=worker,
                 forecaster=Recalibrated(settings.models.forecast, ledger), telling=telling(settings))

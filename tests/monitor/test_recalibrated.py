"""The forecaster learns from its own matured forecasts, once a world day."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy as sa

from incidents.model import Forecast
from incidents.store import tables as t
from incidents.store.forecasts import ForecastStore
from incidents.store.ledger import Ledger
from incidents.store.stories import forecast_to_json
from monitor.assemble import Recalibrated
from nlp.forecast import CountAt, ForecastInput

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def asked(at: datetime) -> ForecastInput:
    seen = at - timedelta(hours=1)
    counts = tuple(CountAt(at=seen + timedelta(minutes=m), value=v) for m, v in ((15, 20), (40, 60), (60, 90)))
    return ForecastInput(platform="weibo", metric="reposts", first_seen=seen, snapshots=counts, thresholds=(500,))


def keep(engine: sa.Engine, mention: int, made: Forecast, came: int) -> None:
    with engine.begin() as c:
        c.execute(sa.insert(t.forecasts).values(
            story_id=1, mention_id=mention, made_at=made.made_at, metric=made.metric, platform=made.platform, first_seen=made.first_seen, observed=made.observed,
            body=forecast_to_json(made), model=made.model, abstains=None, matures_at=made.first_seen + timedelta(hours=24), came=came))


@pytest.fixture
def kept(tmp_path: Path) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    t.metadata.create_all(engine)
    return engine


def forecaster(engine: sa.Engine) -> Recalibrated:
    return Recalibrated("default", cast(Ledger, cast(Any, SimpleNamespace(forecasts=ForecastStore(engine)))))


def fill(engine: sa.Engine, mentions: int, looks: int = 1) -> None:
    at = NOW - timedelta(days=3)
    (made,) = forecaster(engine).predict([asked(at)], at)
    assert made.h24 is not None
    for n in range(mentions * looks):
        keep(engine, n % mentions, made, round(made.h24.q["50"] * 4))


def test_what_came_four_times_larger_lifts_the_next_forecast(kept: sa.Engine) -> None:
    one = forecaster(kept)
    (before,) = one.predict([asked(NOW)], NOW)
    fill(kept, 40)
    (same_day,), (next_day,) = one.predict([asked(NOW)], NOW), one.predict([asked(LATER)], LATER)
    assert same_day.model == before.model and "~" in next_day.model
    assert before.h24 is not None and next_day.h24 is not None
    assert next_day.h24.q["50"] > before.h24.q["50"]


def test_many_looks_at_few_mentions_correct_nothing(kept: sa.Engine) -> None:
    fill(kept, 10, looks=5)
    (made,) = forecaster(kept).predict([asked(NOW)], NOW)
    assert "~" not in made.model

"""Builders shared by the forecast's tests: a post, its counts, a moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nlp.forecast import CountAt, ForecastInput

BORN = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


@pytest.fixture
def after() -> Callable[[float], datetime]:
    """The moment so many hours after the post appeared."""
    return lambda hours: BORN + timedelta(hours=hours)


@pytest.fixture
def post() -> Callable[..., ForecastInput]:
    """A Weibo post with reposts at hours after appearance."""

    def build(counts: dict[float, int | None], **changes: Any) -> ForecastInput:
        seen = tuple(CountAt(at=BORN + timedelta(hours=hours), value=value) for hours, value in counts.items())
        usual = {"platform": "weibo", "metric": "reposts", "first_seen": BORN, "snapshots": seen, "thresholds": (500,)}
        return ForecastInput(**(usual | changes))

    return build

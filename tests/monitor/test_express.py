"""In a backlog what is urgent goes the whole way to its alert before the rest is even judged."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.escalation import telling
from incidents import now
from incidents.store import tables as t
from monitor import pipeline
from nlp.forecast import load
from nlp.judge import Judge
from tests.incidents.builders import ledger_in, mention, save, settings_in
from tests.monitor.test_triage import CALM, HARM


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pipeline.Tools:
    monkeypatch.setattr(pipeline, "BATCH", 20)
    settings = settings_in(tmp_path)
    return pipeline.Tools(ledger=ledger_in(tmp_path), settings=settings, judge=Judge("floor"), forecaster=load("default", own_matured=0), telling=telling(settings), worker="w")


def waits(tools: pipeline.Tools) -> int:
    return tools.ledger.work.waiting().get("judge", 0)


def told(tools: pipeline.Tools) -> int:
    with tools.ledger.engine.connect() as c:
        return int(c.execute(sa.select(sa.func.count()).select_from(t.outbox)).scalar_one())


def come(tools: pipeline.Tools, calm: int, *texts: str) -> None:
    save(tools.ledger, *(mention(str(n), CALM.format(n), published=now.world()) for n in range(calm)), *(mention(text, text, published=now.world()) for text in texts), at=now.world())


def test_the_urgent_one_has_its_alert_while_the_others_still_wait(tools: pipeline.Tools) -> None:
    come(tools, 60, HARM)
    assert pipeline.express(tools) >= 3  # judged, placed, decided
    assert told(tools) > 0 and waits(tools) == 60


def test_without_a_backlog_nothing_goes_ahead(tools: pipeline.Tools) -> None:
    come(tools, 5, HARM)
    assert pipeline.express(tools) == 0 and waits(tools) == 6
    assert pipeline.tick(tools) > 0 and told(tools) > 0 and waits(tools) == 0


def test_what_comes_while_a_batch_is_put_into_stories_does_not_wait_for_the_next_batch(tools: pipeline.Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    come(tools, 80)
    place, seen = tools.ledger.stories.place, list[int]()

    def placing(waiting: object, world: object) -> int:
        if not seen:
            come(tools, 0, HARM)
        seen.append(told(tools))
        return place(waiting, world)  # type: ignore[arg-type]

    monkeypatch.setattr(tools.ledger.stories, "place", placing)
    pipeline.tick(tools)
    assert len(seen) == 5 and seen[:2] == [0, 0] and seen[2] > 0  # a portion of five, the urgent one alone, then three portions more


def test_nothing_waits_for_ever_and_twice_changes_nothing(tools: pipeline.Tools) -> None:
    come(tools, 60, HARM)
    while pipeline.tick(tools):
        pass
    alerts = told(tools)
    assert waits(tools) == 0 and tools.ledger.work.waiting() == {} and pipeline.tick(tools) == 0 and told(tools) == alerts

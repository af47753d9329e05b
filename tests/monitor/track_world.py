"""A ledger with mentions that were followed for a day, their forecasts, and the tools of the loop over it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from alerts.escalation import telling
from incidents import lifecycle
from incidents.model import Forecast, Grade, Horizon
from incidents.store import tables as t
from incidents.store.ledger import Ledger
from incidents.store.stories import forecast_to_json
from monitor.pipeline import Tools
from nlp.forecast import load
from nlp.judge import Judge
from tests.incidents.builders import (
    HOUR,
    T0,
    counts,
    judge_all,
    ledger_in,
    mention,
    save,
    settings_in,
    verdict,
)

PEOPLE = [{"login": "lin", "name": "林叙", "roles": ["duty", "admin"], "channels": ["ding"]}, {"login": "shen", "name": "沈禾", "roles": ["pr_head"], "channels": ["ding"]},
          {"login": "gu", "name": "顾", "roles": ["lead"], "channels": ["ding"]}, {"login": "zhou", "name": "周", "roles": ["vp"], "channels": ["ding"]}]


def tools_in(folder: Path, **changes: Any) -> Tools:
    changes = {"people": PEOPLE, **changes}
    settings = settings_in(folder, **changes)
    return Tools(ledger=ledger_in(folder, **changes), settings=settings, judge=Judge("floor"), forecaster=load(), telling=telling(settings), worker="t")


def put(ledger: Ledger, name: str, counted: Mapping[float, int], text: str = "") -> int:
    """A mention of the brand with counts at hours after it appeared, judged and placed; returns its id."""
    one = mention(name, text=text or f"雾岛茶第 {name} 件事：{name * 9}")
    receipt = save(ledger, one, snapshots=tuple(counts(one, T0 + hours * HOUR, reposts=n) for hours, n in counted.items()))
    judge_all(ledger)
    return receipt.new_ids[0]


def keep(ledger: Ledger, mention_id: int, *, age: float, chance: float, came: int | None, middle: float = 300, wide: float = 4.0, abstains: str | None = None) -> None:
    """One forecast of a mention, made ``age`` hours after it appeared, as the loop keeps it; ``came`` None has not matured."""
    q = {level: max(60.0, middle * wide**z) for level, z in {"05": -1.3, "10": -1, "25": -0.5, "50": 0, "75": 0.5, "90": 1, "95": 1.3}.items()}
    made = Forecast(metric="reposts", platform="weibo", first_seen=T0, made_at=T0 + age * HOUR, observed=60, h12=None, h24=None if abstains else Horizon(q=q, p_over={500: chance}),
                    path=(), crosses_at={}, cold=True, reasons=(), abstains=abstains, model="grown@1")
    with ledger.engine.begin() as c:
        story = c.execute(sa.select(t.story_mentions.c.story_id).where(t.story_mentions.c.mention_id == mention_id)).scalar_one()
        c.execute(sa.insert(t.forecasts).values(
            story_id=story, mention_id=mention_id, made_at=made.made_at, metric=made.metric, platform=made.platform, first_seen=T0, observed=60,
            body=forecast_to_json(made), model=made.model, abstains=abstains, matures_at=T0 + timedelta(hours=24), came=came))


def open_incident(ledger: Ledger, mention_id: int, at: datetime, grade: Grade = Grade.ORANGE) -> int:
    """An open incident on the mention's story; returns the story's id."""
    with ledger.engine.connect() as c:
        story_id = int(c.execute(sa.select(t.story_mentions.c.story_id).where(t.story_mentions.c.mention_id == mention_id)).scalar_one())
    stirred = ledger.stories.look_at(story_id, at)
    assert stirred is not None
    change = lifecycle.follow(story=stirred.story, verdict=verdict(grade), incident=None, brief={"at": at.isoformat()}, playbook="general", tasks=(),
                              telling=telling(settings_in(Path(), people=PEOPLE)), now=at)
    assert change is not None
    ledger.incidents.apply(change, at)
    return story_id

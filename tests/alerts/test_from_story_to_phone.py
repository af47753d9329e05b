"""One mention that hurts, through the real ledger: graded, briefed, opened, sent; and a second look that changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alerts.deliver import Deliverer
from alerts.escalation import telling
from alerts.policy import grade
from incidents import brief, lifecycle, now
from incidents.lifecycle import NewTask
from incidents.model import Grade, OutboxState
from incidents.store.ledger import Ledger
from tests.alerts.builders import BRAND, PEOPLE, provider, settings_in, until
from tests.incidents.builders import MINUTE, T0, counts, judge_all, ledger_in, mention, save

TASK = NewTask(line="facts", pillar="speed", title="30 分钟事实清单", role="facts_owner", due_at=T0 + 30 * MINUTE, due_words="", evidence_kind="list", evidence_hint="", help="", seed="S3-09")


def look(ledger: Ledger, settings: Any, at: Any) -> int | None:
    """What the pipeline does with a stirred story."""
    who, stirred, incident = telling(settings), ledger.stories.look_at(1, at), ledger.incidents.of_story(1)
    assert stirred is not None
    verdict = grade(stirred.story, None, BRAND, at, Grade.NONE if incident is None else incident.grade)
    said = brief.build(stirred=stirred, forecast=None, verdict=verdict, brand=BRAND, blind=[], tasks=[TASK], telling=who, now=at)
    change = lifecycle.follow(story=stirred.story, verdict=verdict, incident=incident, brief=said, playbook="food_safety", tasks=(TASK,), telling=who, now=at)
    return ledger.incidents.decide(stirred, None, change, at, None)


def test_from_story_to_phone(tmp_path: Path) -> None:
    with provider() as ding:
        settings = settings_in(tmp_path, ding.url, people=[{**PEOPLE[0], "roles": ["duty"], "channels": ["ding"]}])
        ledger, one, two = ledger_in(tmp_path), mention(), mention("2", "雾岛茶喝完我也拉肚子，客服不理人")
        save(ledger, one, two, snapshots=(counts(one, T0, reposts=92),))
        judge_all(ledger, issue="food_safety", signals=("illness",))
        assert look(ledger, settings, T0) is not None
        before = ledger.incidents.of_story(1)
        assert look(ledger, settings, T0 + MINUTE) is None and ledger.incidents.of_story(1) == before  # the same story says the same
        assert before is not None and before.grade == Grade.ORANGE
        with now.frozen(T0 + MINUTE):
            sender = Deliverer(ledger, settings, "t")
            until(lambda: len(ding.accepted) == 1, sender.tick)
            sender.close()
        text = ding.calls[0].json()["markdown"]["text"]
        for words in ("雾岛茶喝出虫子", "身体不适", "**先做** 10:30 前：30 分钟事实清单", "现在 92 次转发", "@13800000001", "/ack/2026-1120-01"):
            assert words in text
        assert [told.state for told in ledger.outbox.of_incident(before.id)] == [OutboxState.SENT]

from __future__ import annotations

from pathlib import Path

import pytest

from incidents.brands import Matcher
from incidents.store.ledger import Ledger, open_ledger
from incidents.store.work import OF_EACH
from monitor.triage import Triage, urgent
from tests.incidents.builders import MINUTE, T0, judge_all, ledger_in, mention, save, settings_in

CALM = "雾岛茶今天新出的桂花口味还可以，第 {} 杯"
HARM = "在雾岛茶喝完上吐下泻，送急诊洗胃"


@pytest.mark.parametrize(("text", "expected"), [(HARM, True), ("不给说法就上 12315 投诉雾岛茶", True), (CALM, False), ("雾岛茶难喝死了", False)])
def test_harm_and_authorities_are_urgent_and_mere_dislike_is_not(text: str, expected: bool) -> None:
    assert urgent("", text) is expected


def backlog(tmp_path: Path, calm: int = 20) -> Ledger:
    ledger = ledger_in(tmp_path)
    save(ledger, *(mention(str(n), CALM.format(n)) for n in range(calm)), mention("harm", HARM, published=T0 + MINUTE))
    return ledger


def claimed(ledger: Ledger, limit: int = 5) -> list[str]:
    return [one.text for one in ledger.work.claim("judge", "w", machine=T0, lasts=MINUTE, limit=limit)]


def test_in_a_backlog_what_is_urgent_is_judged_first_though_it_came_last(tmp_path: Path) -> None:
    ledger = backlog(tmp_path)
    assert Triage().look(ledger.work, more_than=10) == 1
    first = claimed(ledger)
    assert first == [*(CALM.format(n) for n in range(4)), HARM]  # leased with the oldest, and in order of arrival


def test_without_a_backlog_nothing_is_read_twice_and_the_order_is_that_of_arrival(tmp_path: Path) -> None:
    ledger = backlog(tmp_path)
    assert Triage().look(ledger.work, more_than=50) == 0
    assert claimed(ledger)[0] == CALM.format(0)


def test_each_text_is_read_once_and_what_comes_later_is_read_too(tmp_path: Path) -> None:
    ledger, triage = backlog(tmp_path), Triage()
    assert (triage.look(ledger.work, more_than=10), triage.look(ledger.work, more_than=10)) == (1, 0)
    save(ledger, mention("later", "雾岛茶门店着火，有人烧伤送医"))
    assert triage.look(ledger.work, more_than=10) == 1


def test_nothing_waits_for_ever_behind_the_urgent(tmp_path: Path) -> None:
    ledger = backlog(tmp_path)
    Triage().look(ledger.work, more_than=10)
    assert sorted(claimed(ledger, limit=100)) == sorted([HARM, *(CALM.format(n) for n in range(20))])


def test_a_story_stirred_by_something_urgent_is_decided_first_and_only_once(tmp_path: Path) -> None:
    ledger = backlog(tmp_path)
    judge_all(ledger)
    save(ledger, mention("other", "雾岛茶又有人喝完食物中毒进了急诊，全家都在医院", published=T0 + MINUTE))
    judge_all(ledger, signals=("ill",))
    first = ledger.stories.claim_stirred("w", world=T0, machine=T0, lasts=MINUTE, limit=1)[0]
    assert "急诊" in first.story.title
    ledger.incidents.decide(first, None, None, T0, None)
    assert "急诊" not in ledger.stories.claim_stirred("w", world=T0, machine=T0, lasts=MINUTE, limit=1)[0].story.title


def test_a_flood_about_one_brand_does_not_keep_anothers_first_waiting(tmp_path: Path) -> None:
    brands = [{"id": one, "name": name, "any": [name]} for one, name in (("wudao", "雾岛茶"), ("other", "岚茉"))]
    settings = settings_in(tmp_path, brands=brands)
    ledger, matcher = open_ledger(settings), Matcher(settings.brands)
    flood = [mention(str(n), f"{HARM}，单号{n}") for n in range(50)]
    ledger.door.save(source="wb", platform="weibo", tier="online", mentions=[*flood, mention("last", HARM.replace("雾岛茶", "岚茉"))], snapshots=(), matcher=matcher, world=T0)
    assert Triage().look(ledger.work, more_than=10) == 51
    ahead = [one.brand for one in ledger.work.claim("judge", "w", machine=T0, lasts=MINUTE, limit=40, urgent_only=True)]
    assert ahead == ["wudao"] * OF_EACH + ["other"]
    assert {one.brand for one in ledger.work.claim("judge", "w", machine=T0, lasts=MINUTE, urgent_only=True)} == {"wudao"}  # the next go next

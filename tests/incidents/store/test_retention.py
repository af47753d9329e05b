from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from incidents.settings import RetentionSettings
from incidents.store import retention
from incidents.store import tables as t
from incidents.store.ledger import Ledger
from tests.incidents.builders import HOUR, T0, judge_all, ledger_in, mention, save, telling, verdict

DAY = timedelta(days=1)
KEPT = RetentionSettings(mentions=timedelta(days=400), unmatched=timedelta(days=7))
LATER = T0 + 401 * DAY


def count(ledger: Ledger, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    with ledger.engine.connect() as c:
        return int(c.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one())


def drain(ledger: Ledger) -> list[int]:
    """What an archive does with the queue; returns the ids it was told to drop."""
    documents = ledger.index.claim(limit=10_000)
    ledger.index.confirm(documents)
    return [one.mention_id for one in documents if one.gone]


def incident_on(ledger: Ledger, at=T0) -> int:  # type: ignore[no-untyped-def]
    from incidents import lifecycle

    judge_all(ledger, at)
    (stirred,) = ledger.stories.claim_stirred("t", world=at, machine=at, lasts=HOUR)
    change = lifecycle.follow(story=stirred.story, verdict=verdict(), incident=None, brief={"at": at.isoformat(), "lead": stirred.largest["text"]}, playbook="general",
                              tasks=(), telling=telling(), now=at)
    number = ledger.incidents.decide(stirred, None, change, at, None)
    assert number is not None
    return number


def test_what_is_old_goes_in_two_steps_words_first(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"), mention("2"))
    save(ledger, mention("3"), at=LATER - DAY)
    drain(ledger)
    retention.run(ledger.engine, KEPT, LATER)
    assert count(ledger, t.mentions, t.mentions.c.text == "") == 2 and count(ledger, t.mentions) == 3
    assert drain(ledger) == [1, 2]
    retention.run(ledger.engine, KEPT, LATER)
    assert count(ledger, t.mentions) == 1 and count(ledger, t.mention_brands) == 1


def test_nothing_goes_before_its_time_and_twice_changes_nothing(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    assert retention.run(ledger.engine, KEPT, T0 + 400 * DAY) == 0
    assert retention.run(ledger.engine, KEPT, LATER) == 1
    assert retention.run(ledger.engine, KEPT, LATER) == 0  # its document is still in the archive


def test_what_an_open_incident_rests_on_is_held_and_a_closed_one_keeps_a_bare_row(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    number = incident_on(ledger)
    retention.run(ledger.engine, KEPT, LATER)
    assert retention.report(ledger.engine, KEPT, LATER).held == 1
    with ledger.engine.begin() as c:
        c.execute(sa.update(t.incidents).where(t.incidents.c.id == number).values(closed_at=T0))
    drain(ledger)
    retention.run(ledger.engine, KEPT, LATER)
    drain(ledger)
    retention.run(ledger.engine, KEPT, LATER)
    report = retention.report(ledger.engine, KEPT, LATER)
    assert (report.bare, report.held, report.older, count(ledger, t.mentions, t.mentions.c.text != "")) == (1, 0, 0, 0)


def test_a_story_that_loses_its_lead_gets_another_and_an_empty_one_goes(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"))
    judge_all(ledger)
    save(ledger, mention("2"), at=T0 + 2 * DAY)
    judge_all(ledger, T0 + 2 * DAY)
    retention.run(ledger.engine, KEPT, LATER)
    drain(ledger)
    retention.run(ledger.engine, KEPT, LATER)
    story = ledger.stories.look_at(1, LATER)
    assert story is not None and story.story.lead_id == 2
    retention.run(ledger.engine, KEPT, LATER + 3 * DAY)
    drain(ledger)
    retention.run(ledger.engine, KEPT, LATER + 3 * DAY)
    assert (count(ledger, t.stories), count(ledger, t.near_bands), count(ledger, t.scores)) == (0, 0, 0)


def test_the_proof_counts_what_went_and_chains_day_to_day(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("1"), mention("2"))
    save(ledger, mention("3"), at=T0 + DAY)
    for day in (LATER, LATER + DAY):
        for _ in range(2):
            drain(ledger)
            retention.run(ledger.engine, KEPT, day)
    report = retention.report(ledger.engine, KEPT, LATER + DAY)
    assert [let_go for _, let_go, _ in report.days] == [1, 2] and report.oldest is None
    assert len({digest for _, _, digest in report.days}) == 2


def test_unmatched_words_go_after_seven_days_but_the_post_is_not_stored_anew(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    save(ledger, mention("9", "今天天气真好"))
    retention.run(ledger.engine, KEPT, T0 + 8 * DAY)
    assert save(ledger, mention("9", "今天天气真好"), at=T0 + 8 * DAY).stored == 0
    assert count(ledger, t.mentions, t.mentions.c.text == "") == 1


def test_looking_for_what_is_old_reads_an_index_not_the_table(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    m = t.mentions.c
    for old in (sa.select(m.id).where(~m.matched, m.forgotten.is_(None), m.first_seen < T0), sa.select(m.id).where(m.forgotten.is_(None), m.first_seen < T0)):
        sql = old.compile(ledger.engine, compile_kwargs={"literal_binds": True})
        with ledger.engine.connect() as c:
            plan = " ".join(str(row) for row in c.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}"))
        assert "USING" in plan and "INDEX mentions_" in plan, plan


def test_fetches_older_than_a_month_leave_the_log(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    with ledger.engine.begin() as c:
        c.execute(sa.insert(t.fetch_log), [dict(job_id=1, source="wb", due_at=T0 + n * DAY, at=T0 + n * DAY, outcome="ok", pages=1, found=0, new=0, detail="") for n in range(40)])
    retention.run(ledger.engine, KEPT, T0 + 40 * DAY)
    assert count(ledger, t.fetch_log) == 30

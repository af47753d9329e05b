"""接手: only the POST takes it, at the grade that was seen, in the name of the session's person."""

from __future__ import annotations

import re

from incidents.model import Incident, OutboxState
from tests.dashboard import world
from tests.dashboard.conftest import Served


def alone(served: Served) -> Incident:
    found = served.ledger.incidents.by_number("2026-1122-02")
    assert found is not None
    return found


def free(served: Served) -> Incident:
    """The same incident as if nobody had taken it."""
    with served.ledger.engine.begin() as c:
        c.exec_driver_sql(f"UPDATE incidents SET acked_by = NULL, acked_at = NULL, acked_grade = NULL, ack_until = NULL, grade = 2, next_step_at = {int((world.NOON + 13 * world.MINUTE).timestamp() * 1000)} WHERE number = '2026-1122-02'")
    return alone(served)


def test_looking_takes_nothing(served: Served) -> None:
    one = free(served)
    with served.client("lin") as client:
        for _ in range(3):
            text = client.get(f"/ack/{one.number}").text
    assert alone(served).acked_by is None
    assert "我来处理" in text and "原话" in text and "打给顾南乔" in text


def test_one_press_takes_it_and_the_button_becomes_the_next_thing(served: Served) -> None:
    one = free(served)
    with served.client("lin") as client:
        answer = client.post(f"/ack/{one.number}", data={"grade": "2"}, headers={"origin": served.base})
        assert answer.status_code == 303
        text = client.get(answer.headers["location"]).text
    taken = alone(served)
    assert taken.acked_by == "lin" and taken.next_step_at is None and taken.ack_until is not None
    assert "由您（林叙）接手，已停止升级" in text and f'href="/incident?n={one.number}"' in text
    assert all(row.state is not OutboxState.PENDING for row in served.ledger.outbox.of_incident(one.id))


def test_pressing_twice_is_taking_once(served: Served) -> None:
    one = free(served)
    with served.client("lin") as client:
        for _ in range(2):
            assert client.post(f"/ack/{one.number}", data={"grade": "2"}).status_code == 303
    events = [event for event in served.ledger.incidents.events(one.id) if event.kind == "acknowledged"]
    assert len({event.happened_at for event in events}) == len(events)
    assert alone(served).version == one.version + 1


def test_a_raised_grade_is_shown_before_it_can_be_taken(served: Served) -> None:
    one = free(served)
    with served.ledger.engine.begin() as c:
        c.exec_driver_sql(f"UPDATE incidents SET grade = 4 WHERE id = {one.id}")
    with served.client("lin") as client:
        answer = client.post(f"/ack/{one.number}", data={"grade": "2"})
    assert answer.status_code == 409 and "等级变了" in answer.text
    assert re.search(r'name="grade" value="4"', answer.text) and 'class="chip red"' in answer.text
    assert alone(served).acked_by is None


def test_a_viewer_may_look_and_not_take(served: Served) -> None:
    one = free(served)
    with served.client("he") as client:
        assert "<button" not in client.get(f"/ack/{one.number}").text
        assert client.post(f"/ack/{one.number}", data={"grade": "2"}).status_code == 403
    assert alone(served).acked_by is None


def test_whoever_comes_second_reads_who_has_it(served: Served) -> None:
    one = free(served)
    with served.client("shen") as client:
        client.post(f"/ack/{one.number}", data={"grade": "2"})
    with served.client("lin") as client:
        text = client.get(f"/ack/{one.number}").text
    assert "由沈禾接手" in text and "改由我处理" in text


def test_nonsense_takes_nothing(served: Served) -> None:
    one = free(served)
    with served.client("lin") as client:
        for grade in ("", "9", "-1", "two", "²"):
            assert client.post(f"/ack/{one.number}", data={"grade": grade}).status_code == 409
        assert client.get("/ack/<script>").status_code == 404
        assert client.post("/ack/9999", data={"grade": "2"}).status_code in (403, 404)
    assert alone(served).acked_by is None


def test_the_page_needs_a_session_also_for_the_press(served: Served) -> None:
    one = free(served)
    with served.client(None) as client:
        assert client.post(f"/ack/{one.number}", data={"grade": "2"}, headers={"accept": "*/*"}).status_code == 403
    assert alone(served).acked_by is None

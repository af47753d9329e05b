"""The lede, the marks on the curve, the phone: what is said, from values."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from dashboard import lede, phone, reads, spread
from dashboard.desk import Desk
from dashboard.say import sentence
from incidents.model import Event, Span
from incidents.shares import Z80, wilson
from tests.dashboard import world


def test_the_lede_names_the_gravest_then_who_is_alone_then_the_first_thing(place: Desk) -> None:
    incidents = reads.open_incidents()
    shown = reads.burning(tuple(one.id for one in incidents))
    tasks, _, late = reads.my_tasks(("duty", "coordinator"))
    said = lede.sentence(incidents, shown, [task for task, _, _ in tasks], late, world.NOON)
    assert said.startswith("一件橙色仍在涨，一件黄色没人接。您有 ")
    assert lede.sentence(incidents, shown, [], 0, world.NOON) == "一件橙色仍在涨，一件黄色没人接。"


def test_calm_is_only_called_usual_when_that_is_known() -> None:
    assert "平常范围" in lede.calm(12, True)
    assert "高过平常" in lede.calm(900, False)
    assert "平常" not in lede.calm(3, None)


def event(kind: str, minutes: int, line: str = "") -> Event:
    at = world.NOON + timedelta(minutes=minutes)
    return Event(id=minutes, incident_id=1, happened_at=at, known_at=at, kind=kind, by="lin", values={"line": line, "title": f"做 {line}"})


def test_the_curve_carries_what_we_did_and_is_not_crowded() -> None:
    events = [event("task_done", 9, "more"), event("task_done", 300, "far"), event("task_done", 8, "first_statement"), event("clock_breached", 7), event("acknowledged", 2), event("acknowledged", 1)]
    assert [act.words for act in spread.acts_of(sorted(events, key=lambda one: -one.id))] == ["接手", "首次回应", "做 far"]


def test_the_interval_of_a_share_is_wilsons() -> None:
    low, high = wilson(53, 64, Z80)  # 83 %
    assert (round(low, 2), round(high, 2)) == (0.76, 0.88)
    assert wilson(5, 5, Z80)[1] == pytest.approx(1.0) and wilson(0, 5, Z80)[0] == pytest.approx(0.0)


@pytest.mark.parametrize(("text", "at", "wanted"), [
    ("先说好话。刹车失灵了，吓人！后面还有", (5, 9), "刹车失灵了，吓人"), ("没有句号只有一段很长的话" * 9, (40, 44), None), ("一", (0, 1), "一"),
])
def test_a_quote_is_the_sentence_around_the_harm(text: str, at: tuple[int, int], wanted: str | None) -> None:
    said, spans = sentence(text, [Span(name="x", field="text", start=at[0], end=at[1])], 30)
    assert len(said) <= 30 and (wanted is None or said == wanted)
    assert said[spans[0].start:spans[0].end] == text[at[0]:at[1]]


class Receiver(BaseHTTPRequestHandler):
    rows: ClassVar[list[object]] = []
    asked: ClassVar[list[str]] = []
    wait = 0.0

    def do_GET(self) -> None:
        self.asked.append(self.path)
        time.sleep(self.wait)
        body = json.dumps({"accepted": self.rows[int(self.path.split("=")[1]):], "last": len(self.rows)}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[str]:
    Receiver.rows, Receiver.asked, Receiver.wait = [], [], 0.0
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/accepted"
    server.shutdown()


def look_until(watcher: phone.Watcher, title: str) -> phone.Accepted | None:
    for _ in range(60):
        watcher.asked_at = float("-inf")
        if (found := watcher.look()) is not None and found.title == title:
            return found
        time.sleep(0.05)
    return None


def test_the_phone_shows_the_newest_and_asks_only_for_what_is_new(receiver: str) -> None:
    Receiver.rows = [{"world": None, "body": {"msgtype": "markdown", "markdown": {"title": f"第{n}", "text": "x"}}} for n in (1, 2)]
    watcher = phone.Watcher(url=receiver)
    assert look_until(watcher, "第2") is not None
    Receiver.rows.append({"world": None, "body": {"msgtype": "text", "text": {"content": "纯文本"}}})
    assert (found := look_until(watcher, "")) is not None and found.text == "纯文本" and found.number == 3
    assert Receiver.asked[0].endswith("since=0") and Receiver.asked[-1].endswith(("since=2", "since=3"))


def test_a_receiver_that_hangs_holds_no_page_up(receiver: str) -> None:
    Receiver.wait = 3.0
    began = time.monotonic()
    assert phone.Watcher(url=receiver).look() is None
    assert time.monotonic() - began < 0.5


def test_a_phone_that_got_nothing_says_so() -> None:
    assert "还没有收到预警" in phone.picture(None, world.NOON)

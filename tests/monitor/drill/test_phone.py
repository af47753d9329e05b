"""The phone answers as DingTalk's robot does: always HTTP 200, the verdict in ``errcode``."""

from __future__ import annotations

import json

import pytest

from incidents import now
from monitor.drill.chat import markdown
from monitor.drill.phone import Log, Pace, phone_app, sign

SECRET = "SEC0000"
BODY = {"msgtype": "markdown", "markdown": {"title": "◆橙 砚茉", "text": "### ◆ 橙 重大\n**为何现在** 由黄升橙"},
        "at": {"atMobiles": ["13800000001"]}}


def call(client, body=BODY, *, secret=SECRET, token="drill", shift_ms=0, **changed) -> dict:
    stamp = str(int(now.machine().timestamp() * 1000) + shift_ms)
    query = {"access_token": token, "timestamp": stamp, "sign": sign(secret, stamp)}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post("/robot/send", params=query, content=content, headers={"Content-Type": "application/json", **changed})
    assert answer.status_code == 200
    return answer.json()


@pytest.fixture
def phone(tmp_path, serving):
    with serving(phone_app(tmp_path / "phone.jsonl", "drill", SECRET)) as client:
        yield client


def test_a_signed_call_is_accepted_and_kept(phone, minute) -> None:
    with now.frozen(minute(70)):
        assert call(phone) == {"errcode": 0, "errmsg": "ok"}
        call(phone, {"msgtype": "text", "text": {"content": "二"}})
    found = phone.get("/accepted").json()
    assert found["last"] == 2 and [row["n"] for row in phone.get("/accepted?since=1").json()["accepted"]] == [2]
    assert found["accepted"][0]["body"] == BODY and found["accepted"][0]["mobiles"] == ["13800000001"]
    assert found["accepted"][0]["world"] == minute(70).isoformat()


@pytest.mark.parametrize(("wrong", "code"), [
    ({"secret": "SEC1"}, 310000), ({"shift_ms": -3_700_000}, 310000), ({"shift_ms": 3_700_000}, 310000),
    ({"token": "other"}, 300001), ({"body": b"{"}, 40035), ({"body": b"[]"}, 40035), ({"body": b""}, 40035),
    ({"body": {"text": {"content": "a"}}}, 40035), ({"body": {"msgtype": "text", "text": {}}}, 40035),
    ({"body": {"msgtype": "actionCard", "actionCard": {"title": "a"}}}, 40035), ({"body": {"msgtype": "video"}}, 400105),
    ({"body": {"msgtype": ["text"]}}, 400105), ({"Content-Type": "text/plain"}, 43004),
])
def test_what_is_wrong_is_refused_with_the_providers_code(phone, wrong: dict, code: int) -> None:
    assert call(phone, **wrong)["errcode"] == code
    assert phone.get("/accepted").json() == {"accepted": [], "last": 0}


def test_the_twenty_first_in_a_minute_is_refused_and_bans(tmp_path, serving) -> None:
    here = [0.0]
    with serving(phone_app(tmp_path / "p.jsonl", "drill", SECRET, Pace(clock=lambda: here[0]))) as client:
        codes = [call(client)["errcode"] for _ in range(21)]
        here[0] = 599.0
        banned = call(client)["errcode"]
        here[0] = 601.0
        free = call(client)["errcode"]
    assert codes == [0] * 20 + [130101] and (banned, free) == (130101, 0)


def test_the_log_goes_on_after_a_restart_and_a_torn_line(tmp_path) -> None:
    path = tmp_path / "phone.jsonl"
    Log(path).append({"msgtype": "text", "text": {"content": "一"}})
    with path.open("a", encoding="utf-8") as torn:
        torn.write('{"n": 2, "bo')
    again = Log(path)
    assert again.append(BODY)["n"] == 2
    assert [row["n"] for row in Log(path).since(0)] == [1, 2]


def test_the_chat_shows_markdown_and_nothing_else(phone) -> None:
    evil = {"msgtype": "actionCard", "actionCard": {"title": "<b>t</b>", "text": "> “原话”\n[点](javascript:alert(1))\n<script>x</script>",
                                                    "singleTitle": "打开，我来处理", "singleURL": "http://127.0.0.1:1/a?b=1&c=2"}}
    assert call(phone, evil)["errcode"] == 0
    page = phone.get("/").text
    assert "<blockquote>“原话”</blockquote>" in page and "&lt;script&gt;x" in page and "&lt;b&gt;t" in page
    assert "href='javascript" not in page and "href='http://127.0.0.1:1/a?b=1&amp;c=2'" in page


def test_markdown_lines() -> None:
    assert markdown("### **N** <i>\n- 一\n\n[开](https://x.test/)") == (
        "<h3><b>N</b> &lt;i&gt;</h3><p class='dot'>一</p><p><a href='https://x.test/' target='_blank' rel='noopener'>开</a></p>")

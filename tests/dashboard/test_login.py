"""In by password or by a link that works once; out for good."""

from __future__ import annotations

from dashboard.session import COOKIE
from incidents import now
from tests.dashboard import world
from tests.dashboard.conftest import Served


def test_the_right_password_opens_the_page_that_was_asked_for(served: Served) -> None:
    with served.client(None) as client:
        answer = client.post("/login", data={"login": "lin", "password": world.PASSWORD, "next": "/ack/2026-1122-01"}, headers={"origin": served.base})
        assert answer.status_code == 303 and answer.headers["location"] == "/ack/2026-1122-01"
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=lax" in cookie and "secure" not in cookie
        assert "岚野" in client.get("/ack/2026-1122-01").text


def test_a_wrong_password_says_only_that_it_is_wrong(served: Served) -> None:
    with served.client(None) as client:
        known = client.post("/login", data={"login": "lin", "password": "x"})
        unknown = client.post("/login", data={"login": "<b>nobody", "password": "x"})
    assert known.status_code == unknown.status_code == 401
    assert COOKIE not in known.cookies
    assert known.text.replace('value="lin"', 'value="?"') == unknown.text.replace("&lt;b&gt;nobody", "?")


def test_looking_at_a_link_does_not_use_it_and_it_works_once(served: Served) -> None:
    token = served.ledger.people.make_link("shen", now.machine())
    with served.client(None) as client:
        for _ in range(3):  # chat tools fetch links ahead
            assert client.get(f"/login/link?token={token}").status_code == 200
        assert COOKIE not in client.cookies
        assert client.post("/login/link", data={"token": token}).status_code == 303
        assert client.get("/").status_code == 200
    with served.client(None) as again:
        assert again.post("/login/link", data={"token": token}).status_code == 403


def test_log_out_ends_the_session_itself(served: Served) -> None:
    with served.client("lin") as client:
        secret = client.cookies[COOKIE]
        assert client.get("/logout").status_code == 200
        assert client.get("/").status_code == 200  # a GET logs nobody out
        assert client.post("/logout").status_code == 303
    assert served.ledger.people.in_session(secret, now.machine()) is None


def test_a_form_larger_than_ours_is_not_read(served: Served) -> None:
    with served.client(None) as client:
        assert client.post("/login", data={"login": "lin", "password": "x" * 30_000}).status_code == 401


def test_log_ins_are_in_the_audit_without_secrets(served: Served) -> None:
    with served.client(None) as client:
        client.post("/login", data={"login": "lin", "password": world.PASSWORD})
    with served.ledger.engine.connect() as c:
        rows = c.exec_driver_sql('SELECT who, what, "values" FROM audit').all()
    assert ("lin", "login", "{}") in [tuple(row) for row in rows]
    assert world.PASSWORD not in str(rows)

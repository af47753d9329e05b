"""The one gate, over real HTTP and a real WebSocket."""

from __future__ import annotations

import httpx
import pytest
from starlette.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from dashboard.gate import own_origin
from dashboard.paths import own_path
from dashboard.session import COOKIE
from incidents import now
from tests.dashboard.conftest import Served

SOCKET = "/_stcore/stream"


@pytest.mark.parametrize("path", ["/", "/incident?n=1", "/ack/2026-1122-01", "/mentions", "/made-up"])
def test_pages_without_a_session_lead_to_the_log_in_and_back(served: Served, path: str) -> None:
    with served.client(None) as client:
        answer = client.get(path)
    assert answer.status_code == 303
    assert httpx.URL(answer.headers["location"]).params["next"] == path


@pytest.mark.parametrize("path", ["/_stcore/host-config", "/media/x.png", "/static/js/index.js", "/_stcore/upload_file/a/b"])
def test_everything_else_is_refused_without_a_session(served: Served, path: str) -> None:
    with served.client(None, ) as client:
        assert client.get(path, headers={"accept": "*/*"}).status_code == 403
        assert client.put(path, headers={"accept": "*/*"}).status_code == 403


def test_the_socket_is_refused_with_403_without_a_session(served: Served) -> None:
    for cookie in ({}, {"Cookie": f"{COOKIE}=made-up"}):
        with pytest.raises(InvalidStatus) as refused, connect(served.base.replace("http", "ws") + SOCKET, additional_headers=cookie):
            pass
        assert refused.value.response.status_code == 403


def test_the_socket_opens_for_a_session_and_only_from_our_own_pages(served: Served) -> None:
    cookie = {"Cookie": f"{COOKIE}={served.ledger.people.begin_session('lin', now.machine())}"}
    url = served.base.replace("http", "ws") + SOCKET
    with connect(url, additional_headers=cookie, origin=served.base, subprotocols=["streamlit"]) as socket:  # type: ignore[arg-type, list-item]
        assert socket.ping().wait(10)
    with pytest.raises(InvalidStatus), connect(url, additional_headers=cookie, origin="https://evil.example"):  # type: ignore[arg-type]
        pass


def test_a_revoked_session_is_out_at_once(served: Served) -> None:
    with served.client("lin") as client:
        assert client.get("/").status_code == 200
        served.ledger.people.end_session(client.cookies[COOKIE], now.machine())
        assert client.get("/").status_code == 303


def test_a_post_from_another_site_is_refused(served: Served) -> None:
    with served.client("lin") as client:
        for foreign in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site", "origin": served.base}, {"origin": "null"}):
            assert client.post("/logout", headers=foreign).status_code == 403
        assert client.get("/").status_code == 200


def test_every_answer_carries_the_security_headers(served: Served) -> None:
    with served.client("lin") as client:
        for path, policy in (("/", "no-referrer"), ("/login", "same-origin"), ("/ack/x", "same-origin")):
            headers = client.get(path).headers
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == policy


@pytest.mark.parametrize(("path", "wanted"), [
    ("/ack/1", "/ack/1"), ("/incident?n=2026-1122-01", "/incident?n=2026-1122-01"), ("//evil.example", "/"), ("https://evil.example/", "/"), ("/\\evil.example", "/"),
    ("/login?next=/login", "/"), ("/a\r\nSet-Cookie: x", "/"), ("javascript:alert(1)", "/"), (None, "/"), ("", "/"), ("/x\\y", "/"), ("/" + "a" * 600, "/"),
])
def test_next_leads_to_own_pages_only(path: str | None, wanted: str) -> None:
    assert own_path(path) == wanted


def test_who_made_a_request_is_read_from_fetch_metadata_before_origin() -> None:
    def made_by(**headers: str) -> bool:
        return own_origin(Headers({name.replace("_", "-"): value for name, value in headers.items()}))
    assert made_by(host="a.example", origin="http://a.example")
    assert made_by(host="a.example", sec_fetch_site="none")
    assert made_by(host="a.example")  # no browser: nothing of a reader's can be misused
    assert not made_by(host="a.example", origin="http://b.example")
    assert not made_by(host="a.example", origin="http://a.example", sec_fetch_site="cross-site")
    assert not made_by(origin="null")

"""Each reader in their own language; a link changes it and comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.tongue import COOKIE, wanted
from tests.dashboard.browser import browser, chromium
from tests.dashboard.conftest import Served


@pytest.mark.parametrize(("code", "title"), [("zh-Hans", "登录"), ("zh-Hant", "登入"), ("en", "Log in")])
def test_a_link_changes_the_language_and_comes_back(served: Served, code: str, title: str) -> None:
    with served.client(None) as client:
        answer = client.get(f"/language/{code}", params={"next": "/login?next=%2Fack%2F7"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fack%2F7")
        shown = client.get(answer.headers["location"]).text
    assert f"<h1>{title}</h1>" in shown and f'lang="{code}"' in shown
    assert f'href="/language/{code}?' not in shown and shown.count('href="/language/') == 2


def test_two_readers_side_by_side_do_not_disturb_one_another(served: Served) -> None:
    with served.client(None) as one, served.client(None) as other:
        one.cookies.set(COOKIE, "en")
        for _ in range(5):
            assert "<h1>Log in</h1>" in one.get("/login").text
            assert "<h1>登录</h1>" in other.get("/login").text


@pytest.mark.parametrize("following", ["https://evil.example/", "//evil.example", "/login@evil.example"])
def test_the_link_leads_nowhere_else(served: Served, following: str) -> None:
    with served.client(None) as client:
        assert client.get("/language/en", params={"next": following}).headers["location"] == "/"


def test_an_unknown_language_changes_nothing(served: Served) -> None:
    with served.client(None) as client:
        assert "set-cookie" not in client.get("/language/xx").headers
    assert wanted("a=1; yujing_language=en") == "en" and wanted("\x00=;;") is None


@pytest.mark.browser
@pytest.mark.skipif(chromium() is None, reason="Chromium is not installed")
def test_the_switch_on_the_live_page(served: Served, tmp_path: Path) -> None:
    with served.client() as client, browser(tmp_path) as tab:
        tab.cookie(served.base, "yujing_session", client.cookies["yujing_session"])
        tab.size(1440)
        tab.go(f"{served.base}/")
        tab.wait("态势")
        tab.until("document.querySelector('a.tongue[lang=en]')")
        tab.eval("document.querySelector('a.tongue[lang=en]').click()")
        tab.wait("What we do not see")
        tab.until("document.querySelector('a.tongue[lang=zh-Hant]')")
        tab.eval("document.querySelector('a.tongue[lang=zh-Hant]').click()")
        tab.wait("看不見的地方")

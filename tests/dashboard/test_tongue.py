"""Each reader in their own language; a link changes it and comes back."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import session
from dashboard.desk import Desk
from dashboard.say import band, cut
from dashboard.tongue import COOKIE, wanted
from incidents import i18n
from tests.dashboard.browser import Tab, browser, chromium
from tests.dashboard.conftest import Served, words_of
from tests.dashboard.test_pages import BRAKES


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


READ = {"en": ("Name one owner of this incident", "Why Orange"), "zh-Hant": ("指定本事件唯一負責人與後備", "為什麼是橙"), "zh-Hans": ("指定本事件唯一负责人与后备", "为什么是橙")}


@pytest.mark.browser
@pytest.mark.skipif(chromium() is None, reason="Chromium is not installed")
def test_two_people_read_one_room_each_in_their_own_language(served: Served, tmp_path: Path) -> None:
    """Both pages are live: their fragments run again every four seconds, in threads of one process."""
    with ExitStack() as both, served.client() as client:
        tabs: dict[str, Tab] = {code: both.enter_context(browser(tmp_path / code)) for code in ("en", "zh-Hant")}
        for code, tab in tabs.items():
            tab.cookie(served.base, session.COOKIE, client.cookies[session.COOKIE])
            tab.cookie(served.base, COOKIE, code)
            tab.size(1440)
            tab.go(f"{served.base}/incident?n={BRAKES}")
        for _ in range(3):
            for code, tab in tabs.items():
                others = [words for language, pair in READ.items() if language != code for words in pair]
                tab.wait(READ[code][0])
                shown = tab.wait(READ[code][1])  # another fragment of the page: on a slow machine it comes later
                assert not [words for words in others if words in shown]
            time.sleep(4)


@pytest.fixture
def english(page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Pages as somebody sees them who has chosen English."""
    def open_page(view: str, **query: str) -> AppTest:
        page("lin")
        chosen = {**session.cookies(), COOKIE: "en"}
        monkeypatch.setattr(session, "cookies", lambda: chosen)
        test = AppTest.from_file(str(Path(session.__file__).with_name("frame.py")), default_timeout=20).run()
        test.switch_page(view)
        for name, value in query.items():
            test.query_params[name] = value
        return test.run()
    return open_page


def test_the_checklist_is_english_and_the_ledger_keeps_what_was_written(english: Callable[..., AppTest], place: Desk) -> None:
    test = english("views/room.py", n=BRAKES)
    assert "Verify the third party&#x27;s finding before quoting it" in words_of(test)
    incident = place.ledger.incidents.by_number(BRAKES)
    assert incident is not None
    task = next(one for one in place.ledger.incidents.tasks(incident) if one.line == "check_report")
    assert task.title.startswith("核验第三方结论")


def test_letters_are_cut_between_words_and_followers_counted_in_thousands() -> None:
    assert cut("Name one owner of this incident and a deputy", 10) == "Name one owner of…"
    assert cut("指定本事件唯一负责人与后备，公布在事件页", 10) == "指定本事件唯一负责…"
    assert band(16_384) == "1.6 万以上"
    i18n.speak("en")
    assert band(16_384) == "over 16.4k"
    i18n.speak(None)

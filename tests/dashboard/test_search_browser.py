"""The search page in a real browser, behind the gate: answers while one types, not inside an IME's composition; clicks; 390 px."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from dashboard import session
from incidents import now
from tests.dashboard.browser import Tab, browser, chromium
from tests.dashboard.conftest import Served
from tests.dashboard.test_browser import SMALL, TOO_WIDE

pytestmark = [pytest.mark.browser, pytest.mark.skipif(chromium() is None, reason="no Chromium")]
BOX = "document.querySelector('.st-key-q input')"
CHART = "document.querySelector('[class*=st-key-bars_] canvas')"
FOUND = "(document.body.innerText.match(/找到 [0-9,]+ 条/)||[''])[0]"
PAUSE = 1.5  # seconds; a search begins 0.25 s after the last key


@pytest.fixture(scope="module")
def tab(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        found.cookie(served.base, session.COOKIE, served.ledger.people.begin_session("lin", now.machine()))
        yield found


def open_search(tab: Tab, served: Served, wide: int, query: str = "") -> None:
    tab.size(wide)
    tab.go(f"{served.base}/mentions{query}")
    tab.wait("找到")
    tab.until(BOX)
    tab.eval(f"{BOX}.focus()")


def press(tab: Tab, x: float, y: float) -> None:
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        tab.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="none" if kind == "mouseMoved" else "left", clickCount=1)


@pytest.mark.parametrize("wide", [1440, 390])
def test_answers_come_while_one_types(served: Served, tab: Tab, wide: int) -> None:
    open_search(tab, served, wide)
    before = tab.eval(FOUND)
    tab.ask("Input.insertText", text="刹车")
    tab.until(f"{FOUND} == '找到 1 条'")
    tab.until("[...document.querySelectorAll('.hit')].map(e=>e.innerText).join() == '刹车'")
    assert before != "找到 1 条"
    tab.ask("Input.insertText", text=" NEAR/10")
    tab.wait("还没写完")
    tab.until(f"{FOUND} == '找到 1 条'")  # the last good answer stays
    assert tab.eval(f"document.activeElement === {BOX}")
    tab.ask("Input.insertText", text=" 没反应")
    tab.until("!document.body.innerText.includes('还没写完')")
    assert tab.eval(f"{BOX}.value") == "刹车 NEAR/10 没反应"


def test_nothing_is_asked_inside_a_composition(served: Served, tab: Tab) -> None:
    open_search(tab, served, 1440)
    before = tab.eval(FOUND)
    for letters in ("s", "sha", "sha che"):
        tab.ask("Input.imeSetComposition", text=letters, selectionStart=len(letters), selectionEnd=len(letters))
    time.sleep(PAUSE)
    assert tab.eval(f"{BOX}.value") == "sha che" and tab.eval(FOUND) == before
    tab.ask("Input.insertText", text="刹车")
    tab.until(f"{FOUND} == '找到 1 条'")
    assert tab.eval(f"{BOX}.value") == "刹车"


def test_a_bar_narrows_to_its_day_and_the_address_says_so(served: Served, tab: Tab) -> None:
    open_search(tab, served, 1440, "?q=岚野")
    tab.until(CHART)
    time.sleep(PAUSE)
    x, y, wide, high = tab.eval(f"(()=>{{const r={CHART}.getBoundingClientRect();return [r.x,r.y,r.width,r.height]}})()")
    press(tab, x + wide * 0.93, y + high * 0.6)
    tab.wait("每小时的条数")
    tab.until("location.search.includes('from=2026-11-22T00')")
    tab.eval("[...document.querySelectorAll('.st-key-narrow_span_own button')][0].click()")
    tab.wait("每天的条数")


@pytest.mark.parametrize("wide", [1440, 390])
def test_the_page_fits_its_buttons_fit_a_thumb_and_it_asks_nobody_else(served: Served, tab: Tab, wide: int) -> None:
    tab.requests.clear()
    open_search(tab, served, wide, "?q=岚野 -刹车 nofield:x")
    time.sleep(PAUSE)
    assert tab.eval(TOO_WIDE.replace("!e.closest('[data-testid=stTabs]')", "!e.closest('[class*=st-key-facet_]')")) == 0
    assert wide > 640 or tab.eval(SMALL) == []
    ours = (served.base, served.base.replace("http", "ws"), "data:", "blob:")
    assert [url for url in tab.requests if not url.startswith(ours)] == []

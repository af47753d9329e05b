"""In a real browser: nothing that a post says runs or is fetched, pages stand at 1440 and 390 px, refreshes move nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard import session
from incidents import now
from incidents.model import Grade
from incidents.settings import load
from tests.dashboard import world
from tests.dashboard.browser import Tab, browser, chromium
from tests.dashboard.conftest import Served

pytestmark = [pytest.mark.browser, pytest.mark.skipif(chromium() is None, reason="no Chromium")]
BRAKES = "/incident?n=2026-1122-01"
SHIFT = ("new Promise(done=>{let sum=0;const seen=new PerformanceObserver(list=>{for(const one of list.getEntries())if(!one.hadRecentInput)sum+=one.value});"
         "seen.observe({type:'layout-shift'});setTimeout(()=>{seen.disconnect();done(sum)},4500)})")
TOO_WIDE = "[...document.querySelectorAll('.stMain *')].filter(e=>{const r=e.getBoundingClientRect();return r.width>0&&r.right>innerWidth+1&&!e.closest('[data-testid=stTabs]')}).length"
SMALL = ("[...document.querySelectorAll('.stMain button, .stMain a')].filter(e=>{const r=e.getBoundingClientRect();"
         "return r.width>0&&r.height>0&&r.height<44&&getComputedStyle(e).opacity!='0'&&!e.closest('table')&&e.role!='tab'}).map(e=>e.innerText)")


@pytest.fixture(scope="module")
def tab(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        found.cookie(served.base, session.COOKIE, served.ledger.people.begin_session("lin", now.machine()))
        yield found


@pytest.mark.parametrize("wide", [1440, 390])
def test_the_overview_fits_and_a_refresh_moves_nothing(served: Served, tab: Tab, wide: int, tmp_path: Path) -> None:
    tab.size(wide)
    tab.go(served.base + "/")
    tab.wait("其余")
    time.sleep(3)
    assert tab.eval(TOO_WIDE) == 0
    assert tab.eval(SHIFT) < 0.02
    tab.picture(tmp_path / f"overview-{wide}.png")


def test_buttons_are_large_enough_for_a_thumb(served: Served, tab: Tab) -> None:
    tab.size(390)
    for path, words in (("/", "其余"), (BRAKES, "会长到多大")):
        tab.go(served.base + path)
        tab.wait(words)
        time.sleep(2)
        assert tab.eval(SMALL) == []


def test_what_a_post_says_neither_runs_nor_fetches(served: Served, tab: Tab) -> None:
    settings = load(Path(str(served.ledger.engine.url.database)).parent.parent / "yujing.toml")
    story = world.story(served.ledger, settings, (world.ATTACK,), at=world.NOON)
    world.grow(served.ledger, settings, story, Grade.RED, ("harm",), at=world.NOON, final=90, observed=30)
    world.index(served.ledger, settings)
    incident = served.ledger.incidents.of_story(story)
    assert incident is not None
    tab.size(1440)
    tab.requests.clear()
    for path, words in ((f"/incident?n={incident.number}", "会长到多大"), ("/mentions", "查提及"), ("/", "其余"), (f"/ack/{incident.number}", "原话")):
        tab.go(served.base + path)
        tab.wait(words)
        time.sleep(1.5)
    assert tab.dialogs == 0
    assert [url for url in tab.requests if not url.startswith((served.base, served.base.replace("http", "ws"), "data:", "blob:"))] == []
    assert not [url for url in tab.requests if "pixel.png" in url]


def test_a_line_is_opened_and_ticked_by_hand(served: Served, tab: Tab) -> None:
    tab.size(1440)
    tab.go(served.base + BRAKES)
    tab.until("[...document.querySelectorAll('[class*=st-key-opener_] button')].find(e=>e.innerText.includes('12 小时研判'))")
    tab.eval("[...document.querySelectorAll('[class*=st-key-opener_] button')].find(e=>e.innerText.includes('12 小时研判')).click()")
    tab.until("document.querySelector('[class*=st-key-proof_] textarea')")
    tab.eval("document.querySelector('[class*=st-key-proof_] textarea').focus()")
    tab.ask("Input.insertText", text="决策单 3 号，周予安签")
    time.sleep(5)  # a refresh of the checklist passes meanwhile; what is being written stays
    assert tab.eval("document.querySelector('[class*=st-key-proof_] textarea').value") == "决策单 3 号，周予安签"
    tab.eval("[...document.querySelectorAll('[class*=st-key-form_] button')].find(e=>e.innerText.trim()=='打勾').click()")
    tab.wait("决策单 3 号，周予安签")
    events = served.ledger.incidents.events(1)
    assert events[0].kind == "task_done" and events[0].by == "lin"

"""The track record and the statement's effect in a real browser: they fit at 1440 and 390 px, and charts are drawn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard import session
from incidents import now
from incidents.settings import load
from tests.dashboard import followed, spreading
from tests.dashboard.browser import Tab, browser, chromium
from tests.dashboard.conftest import Served
from tests.dashboard.test_browser import SMALL, TOO_WIDE

pytestmark = [pytest.mark.browser, pytest.mark.skipif(chromium() is None, reason="no Chromium")]


@pytest.fixture(scope="module")
def tab(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    settings = load(Path(str(served.ledger.engine.url.database)).parent.parent / "yujing.toml")
    followed.keep(served.ledger, settings, "lanye")
    incident = served.ledger.incidents.by_number("2026-1122-01")
    assert incident is not None
    spreading.heat(served.ledger, incident)
    spreading.statement(served.ledger, settings, incident)
    with browser(tmp_path_factory.mktemp("profile")) as found:
        found.cookie(served.base, session.COOKIE, served.ledger.people.begin_session("lin", now.machine()))
        yield found


@pytest.mark.parametrize("wide", [1440, 390])
@pytest.mark.parametrize(("path", "words"), [("/record", "漏报"), ("/incident?n=2026-1122-01", "声明前的预测是")])
def test_it_fits_and_its_charts_are_drawn(served: Served, tab: Tab, wide: int, path: str, words: str) -> None:
    tab.size(wide)
    tab.go(served.base + path)
    tab.wait(words)
    tab.until("document.querySelectorAll('[class*=st-key-fan_] canvas').length >= " + ("2" if path == "/record" else "1"))
    time.sleep(1.5)
    assert tab.eval(TOO_WIDE) == 0
    assert wide > 640 or tab.eval(SMALL) == []

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crawlers.trial import recognise, try_source
from incidents.errors import SourceError
from tests.crawlers.sites import Forum, Site, serving

PROGRAM = """
import json, sys
from dataclasses import asdict
from crawlers.trial import try_source
print(json.dumps(asdict(try_source(sys.argv[1], allow_hosts=sys.argv[2:], delay=0)), ensure_ascii=False))
"""


def look(site: Site, *allowed: str) -> dict[str, Any]:
    url = f"{site.url}/forum.php?mod=forumdisplay&fid=2"
    done = subprocess.run([sys.executable, "-c", PROGRAM, url, *allowed], cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_look_tells_engine_charset_mentions_and_coverage() -> None:
    with serving(Site(Forum(threads={5: 2, 4: 1, 3: 0, 2: 0, 1: 0}, charset="gbk").answer)) as site:
        told = look(site, site.host)
    assert (told["kind"], told["charset"], told["robots"], told["health"], told["entries"]) == ("discuz", "gb18030", "allowed", "fine", 5)
    assert len(told["mentions"]) == 3 and told["coverage"] == {"published": 1.0, "text": 1.0, "author": 1.0, "counts": 1.0}
    assert len(site.pages()) == 4


@pytest.mark.slow
def test_a_forbidden_source_says_so() -> None:
    with serving(Site(Forum(threads={1: 0}).answer, robots=(200, {}, b"User-agent: *\nDisallow: /"))) as site:
        told = look(site, site.host)
    assert (told["robots"], told["health"], told["mentions"], site.pages()) == ("forbidden", "blocked", [], [])


def test_kinds_are_recognised_by_what_a_page_is() -> None:
    assert recognise(b' {"ok":1}') == "weibo" and recognise(b'<meta name="generator" content="Discuz! X3.5">') == "discuz" and recognise(b"<rss>") == "news"


def test_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(SourceError, match="known: discuz, news, weibo"):
        try_source("http://h/", kind="diskuz")

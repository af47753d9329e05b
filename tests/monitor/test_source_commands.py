from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crawlers.trial import Trial
from incidents import now
from incidents.errors import Refused
from incidents.model import Health
from incidents.settings import load
from incidents.store.ledger import open_ledger
from monitor.source_commands import add_source, free_id, list_sources, pause_source
from tests.crawlers.sites import Forum, Site, serving
from tests.incidents.builders import MINUTE

ROOT = Path(__file__).parents[2]
TEXT = """# ours
allow_hosts = ["{host}"]

[[brands]]
id = "tea"
name = "茶"
any = ["星辰"]

[[sources]]
id = "wb"
name = "微博"
kind = "weibo"
url = "http://w.example/"
"""


def written(folder: Path, host: str = "127.0.0.1:9") -> Path:
    path = folder / "yujing.toml"
    path.write_text(TEXT.format(host=host), encoding="utf-8")
    return path


def showing(health: Health = Health.FINE, kind: str = "news") -> Any:
    return lambda url, **_: Trial(url=url, kind=kind, robots="allowed", charset="utf-8", health=health, reason="", detail="", entries=3, mentions=(), coverage={}, warnings={})


def test_what_can_be_read_is_written_with_what_was_found(tmp_path: Path) -> None:
    path = written(tmp_path)
    done, lines = add_source(path, load(path), "https://www.news.example/rss.xml", wanted={"tier": "local", "brands": ["tea"]}, look=showing())
    found = load(path).source("news-example")
    assert done and (found.kind, found.tier, found.brands, found.name) == ("news", "local", ("tea",), "www.news.example")
    assert any("3 entries" in line for line in lines) and path.read_text(encoding="utf-8").startswith("# ours")


def test_what_cannot_be_read_is_not_written_unless_told_so(tmp_path: Path) -> None:
    path = written(tmp_path)
    before = path.read_text(encoding="utf-8")
    done, lines = add_source(path, load(path), "https://f.example/", wanted={}, look=showing(Health.AUTH_REQUIRED))
    assert not done and path.read_text(encoding="utf-8") == before and any("需要登录" in line for line in lines)
    assert add_source(path, load(path), "https://f.example/", wanted={}, anyway=True, look=showing(Health.AUTH_REQUIRED))[0] and load(path).source("f-example")


@pytest.mark.parametrize(("url", "name", "said"), [("http://w.example/", None, "已经是信源 wb"), ("http://x.example/", "wb", "已被占用")])
def test_twins_are_refused_before_anything_is_asked_of_the_site(tmp_path: Path, url: str, name: str | None, said: str) -> None:
    path = written(tmp_path)
    with pytest.raises(Refused, match=said):
        add_source(path, load(path), url, wanted={"id": name}, look=lambda *_, **__: pytest.fail("the site was asked"))


def test_ids_come_from_the_host_and_are_free(tmp_path: Path) -> None:
    settings = load(written(tmp_path))
    assert free_id(settings, "https://BBS.例子.example/x") == "bbs-example"
    add_source(written(tmp_path), settings, "https://a.example/1", wanted={}, look=showing())
    assert free_id(load(tmp_path / "yujing.toml"), "https://a.example/2") == "a-example-2"


def test_a_pause_reaches_the_workers_that_run_and_a_resume_too(tmp_path: Path) -> None:
    path = written(tmp_path)
    ledger = open_ledger(load(path))
    ledger.sources.sync(load(path).sources, now.world())

    def due() -> list[str]:
        return [job.source for job in ledger.fetches.lease("w", world=now.world() + MINUTE, machine=now.machine(), lasts=-MINUTE)]

    assert due() == ["wb"] and "已暂停" in pause_source(path, load(path), "wb", paused=True)
    assert due() == [] and load(path).source("wb").paused and "已暂停" in list_sources(load(path))[-1]
    pause_source(path, load(path), "wb", paused=False)
    assert due() == ["wb"] and not load(path).source("wb").paused
    with pytest.raises(Refused, match="wb"):
        pause_source(path, load(path), "wc", paused=True)


@pytest.mark.slow
def test_the_command_reads_a_real_site_and_writes_it(tmp_path: Path) -> None:
    with serving(Site(Forum(threads={3: 1, 2: 0, 1: 0}).answer)) as site:
        path = written(tmp_path, site.host)
        url = f"{site.url}/forum.php?mod=forumdisplay&fid=2"
        done = subprocess.run([sys.executable, "-m", "monitor.cli", "source", "add", url, "--id", "cars", "--legal-basis", "written consent"], cwd=ROOT,
                              env={**os.environ, "YUJING_SETTINGS": str(path)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = load(path).source("cars")
    assert (found.kind, found.url, found.legal_basis) == ("discuz", url, "written consent") and "published 100%" in done.stdout

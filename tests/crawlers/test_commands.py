"""The project as a Scrapy user meets it: `scrapy list | check | crawl | shell`, without settings file or ledger."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crawlers.sites import Forum, Site, Weibo, feed, html, serving

ROOT = Path(__file__).parents[2]
FAST = ("-s", "DOWNLOAD_DELAY=0", "-s", "AUTOTHROTTLE_ENABLED=0", "-s", "RETRY_TIMES=0")


def scrapy(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YUJING")}
    return subprocess.run([sys.executable, "-m", "scrapy", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def crawl(tmp_path: Path, kind: str, url: str, *more: str) -> tuple[list[dict[str, object]], str]:
    out = tmp_path / "out.jsonl"
    done = scrapy("crawl", kind, "-a", f"url={url}", "-o", str(out), *FAST, *more)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()], done.stderr


def test_list_and_check() -> None:
    assert scrapy("list").stdout.split() == ["discuz", "news", "weibo"]
    assert scrapy("check").returncode == 0


def test_crawl_weibo_writes_a_line_a_post(tmp_path: Path) -> None:
    with serving(Site(Weibo(posts={str(5300000000000000 - n): n for n in range(12)}).answer)) as site:
        lines, _ = crawl(tmp_path, "weibo", f"{site.url}/api/container/getIndex?containerid=1", "-a", "pages=2")
    assert len(lines) == 10 and lines[0]["published"] == "2026-11-21T02:00:00+00:00"
    assert lines[3]["snapshots"][0]["reposts"] == 3 and site.asked[0] == "/robots.txt"  # type: ignore[index]
    assert site.headers[-1]["User-Agent"].startswith("yujing/") and "http" in site.headers[-1]["User-Agent"]


def test_crawl_discuz_follows_threads_to_their_end(tmp_path: Path) -> None:
    with serving(Site(Forum(threads={3: 12, 2: 0, 1: 1}).answer)) as site:
        lines, _ = crawl(tmp_path, "discuz", f"{site.url}/forum.php?mod=forumdisplay&fid=2")
    assert len([line for line in lines if "text" in line]) == 16 and len(site.pages()) == 5


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "words"), [
    (html("oh", 500), "unreachable (server_error)"), (html("passport.weibo.com 请登录"), "auth_required (login_page)"), (feed({"ok": 1, "data": {"cards": []}}), "")])
def test_trouble_is_said_and_nothing_is_invented(tmp_path: Path, answer: tuple[int, dict[str, str], bytes], words: str) -> None:
    with serving(Site(lambda path, query: answer)) as site:
        lines, said = crawl(tmp_path, "weibo", f"{site.url}/api")
    assert lines == [] and words in said


def test_the_typed_host_is_allowed_and_where_it_leads_to_is_not(tmp_path: Path) -> None:
    with serving(Site(lambda path, query: html("secret"))) as inner, serving(Site(lambda path, query: html("", 302, Location=inner.url))) as outer:
        lines, said = crawl(tmp_path, "news", outer.url)
    assert lines == [] and inner.asked == [] and "blocked (address)" in said


def test_shell_reads_a_page() -> None:
    with serving(Site(lambda path, query: html("<title>标题</title>"))) as site:
        done = scrapy("shell", site.url, "-c", "response.css('title::text').get()", "--nolog")
    assert "标题" in done.stdout


@pytest.mark.slow
def test_files_and_data_are_never_fetched(tmp_path: Path) -> None:
    lines, said = crawl(tmp_path, "news", "file:///etc/hostname")
    assert lines == [] and "hostname" not in json.dumps(lines) and "unreachable" in said

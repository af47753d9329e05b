"""README's "Now watch my brand" is typed as it stands, against a local feed, and ends in settings that can be used."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from incidents.settings import load
from tests.crawlers.sites import Answer, Site, serving

ROOT = Path(__file__).resolve().parents[2]
FEED = ('<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>晚报</title><item><title>砚茉门店停业</title><link>{url}/1.html</link>'
        "<pubDate>Fri, 20 Nov 2026 10:00:00 +0800</pubDate></item></channel></rss>")
ARTICLE = "<html><head><title>砚茉门店停业</title></head><body><article><h1>砚茉门店停业</h1><p>" + "砚茉一家门店今日停业整顿，记者在现场看到有顾客排队退款。" * 8 + "</p></article></body></html>"


@pytest.mark.parametrize("name", ["README.md", pytest.param("README.zh.md", marks=pytest.mark.slow)])
def test_now_watch_my_brand(name: str, tmp_path: Path) -> None:
    block = next(block for block in re.findall(r"^```sh\n(.*?)^```", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL) if "brand add" in block)
    site = Site(lambda path, _query: answer(path))

    def answer(path: str) -> Answer:
        return (200, {"Content-Type": "application/rss+xml"}, FEED.format(url=site.url).encode()) if path == "/rss.xml" else (200, {"Content-Type": "text/html; charset=utf-8"}, ARTICLE.encode())

    with serving(site):
        commands = [shlex.split(line, comments=True) for line in block.splitlines() if line.startswith(".venv/bin/yujing")]
        assert [command[1] for command in commands] == ["brand", "source", "people", "doctor"]
        typed(tmp_path, commands[0])
        (tmp_path / "yujing.toml").write_text(f'allow_hosts = ["{site.host}"]\n' + (tmp_path / "yujing.toml").read_text(encoding="utf-8"), encoding="utf-8")
        typed(tmp_path, [word.replace("https://news.example.com", site.url) for word in commands[1]])
        typed(tmp_path, commands[2], said="一个足够长的口令12345\n")
        assert "✗" not in typed(tmp_path, commands[3])
    settings = load(tmp_path / "yujing.toml")
    assert settings.brands[0].any == ("砚茉", "砚茉茶饮") and settings.sources[0].kind == "news" and settings.people[0].channels == ("log",)


def typed(folder: Path, command: list[str], said: str = "") -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("YUJING_SETTINGS", None)
    done = subprocess.run([sys.executable, "-m", "monitor.cli", *command[1:]], cwd=folder, env=environment, input=said, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

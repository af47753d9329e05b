"""How soon the search page answers in a real browser, with a million mentions stored.

    python bench/search_page.py FOLDER [--mentions 1000000] [--archive sqlite:///FILE]

FOLDER gets a ledger and an archive of the mentions of bench/archive.py (once: some minutes; 3 GB at a million); then the dashboard
is started over it, and headless Chromium types words of one and two characters, the most frequent ones of the corpus first, without
Enter. Counted is the time from the key to the lit answer on the page: the pause that a search waits for (0.25 s), the search itself
(newest 50, histogram, count), 50 mentions from the ledger and the drawing are in it; facets come after. Needs Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import archive as corpus  # this script's folder is first on the path
import httpx
import tomlkit
from fault_world import free_port, wait_for

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dashboard.session import COOKIE
from incidents import now
from incidents.settings import Settings, load
from incidents.store.archive import open_archive
from incidents.store.ledger import open_ledger
from tests.dashboard.browser import Tab, browser

GROUPS = ("most frequent characters", "most frequent pairs", "pairs of the 6 most frequent characters")
EACH = 12  # words of each group
FOUND = "((document.body.innerText.match(/找到 [0-9,]+ 条/)||[''])[0])"
LIT = "[...document.querySelectorAll('.hit')].map(e=>e.innerText.replace(/[^\\u4e00-\\u9fff]/g,''))"  # punctuation may stand between two characters; some are lit in traditional script
ANSWERED = f"({FOUND}!==window.was&&({FOUND}==='找到 0 条'||(document.querySelector('.hit')!==null&&{LIT}.includes(window.word))))"
MENTION = ("id", "key", "source", "platform", "tier", "kind", "url", "title", "text", "quote", "author_name", "published", "precision", "first_seen", "dated",
           "saved_at", "fingerprint", "flags", "matched", "text_hash", "reposts")


def settings_in(folder: Path, archive: str | None) -> Path:
    port = free_port()
    plain: dict[str, Any] = {
        "listen": f"127.0.0.1:{port}", "public_url": f"http://127.0.0.1:{port}",
        "clock": {"origin": corpus.BEGIN + timedelta(days=corpus.DAYS), "speed": 1.0},
        "brands": [{"id": f"brand-{n}", "name": f"品牌{n}", "any": [f"品牌{n}号"]} for n in range(corpus.BRANDS)],
        "sources": [{"id": f"source-{n}", "name": f"来源{n}", "kind": "discuz", "platform": "forum", "url": "http://127.0.0.1:9/f"} for n in range(corpus.SOURCES)],
        "people": [{"login": "ana", "name": "Ana", "roles": ["analyst"]}],
    }
    path = folder / "yujing.toml"
    path.write_text(tomlkit.dumps(plain if archive is None else {"archive": archive, **plain}), encoding="utf-8")
    return path


def milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def mentions(text: str, number: int) -> Iterator[tuple[Any, ...]]:
    for one in corpus.documents(text, number):
        at = milliseconds(one.dated)
        yield (one.mention_id, f"k{one.mention_id}", one.source, one.platform, "online", "post", "https://site.example/x", one.title, one.text, "", one.author, at, "second",
               at, at, at, "f", "[]", 1, "h", one.counts["reposts"])


def fill(settings: Settings, text: str, number: int) -> None:
    """Ledger and archive hold the same mentions; the ledger's other rows are alike for all, only what a row shows is read."""
    ledger = open_ledger(settings)
    ledger.clock.run()
    ledger.people.sync(settings.people)
    ledger.sources.sync(settings.sources, now.world())
    ledger.close()
    with sqlite3.connect(settings.ledger_url.removeprefix("sqlite:///")) as db:
        if db.execute("SELECT count(*) FROM mentions").fetchone()[0] < number:
            db.executemany(f"INSERT OR REPLACE INTO mentions ({', '.join(MENTION)}) VALUES ({', '.join('?' * len(MENTION))})", mentions(text, number))
            db.execute("INSERT OR REPLACE INTO mention_brands (mention_id, brand, spans, inherited, dated) SELECT id, 'brand-1', '[]', 0, dated FROM mentions")
            db.execute("INSERT OR REPLACE INTO scores (mention_id, brand, model, at, negative, neutral, positive, sentiment, alarm, signals) "
                       "SELECT id, 'brand-1', 't', dated, 0.3, 0.3, 0.4, 'positive', 0, '[]' FROM mentions")
    archive = open_archive(settings.archive_url)
    corpus.fill(archive, text, number)
    archive.close()


def answers(base: str) -> bool:
    try:
        return httpx.get(f"{base}/healthz", trust_env=False, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def typed(tab: Tab, word: str) -> float | None:
    """Milliseconds from the key to the answer; None when it did not come within 15 s."""
    tab.eval("document.querySelector('.st-key-q input').select()")
    tab.eval(f"window.word={json.dumps(word)};window.was={FOUND};window.t0=performance.now();window.done=new Promise(r=>{{const n=setInterval(()=>{{"
             f"const ms=performance.now()-window.t0;if({ANSWERED}){{clearInterval(n);r(ms)}}else if(ms>15000){{clearInterval(n);r(null)}}}},10)}});0")
    tab.ask("Input.insertText", text=word)
    found = tab.eval("window.done")
    return None if found is None else float(found)


def measure(base: str, secret: str, words: Sequence[str], profile: Path) -> None:
    with browser(profile) as tab:
        tab.cookie(base, COOKIE, secret)
        tab.size(1440)
        began = time.perf_counter()
        tab.go(f"{base}/mentions")
        tab.wait("找到", 60)
        print(f"first page, nothing typed: {time.perf_counter() - began:.2f} s")
        tab.until("document.querySelector('.st-key-facet_brand')", 60)
        tab.eval("document.querySelector('.st-key-q input').focus()")
        times = []
        for word in words:
            times.append(typed(tab, word))
            print(f"  {word} {'no answer' if times[-1] is None else f'{times[-1]:.0f} ms'} {tab.eval(FOUND)}", flush=True)
            time.sleep(1)
    good = sorted(one for one in times if one is not None)
    print(f"{len(good)} of {len(words)} answered; median {statistics.median(good):.0f} ms, p95 {good[int(0.95 * (len(good) - 1))]:.0f} ms, worst {good[-1]:.0f} ms")


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("folder", type=Path)
    reader.add_argument("--mentions", type=int, default=1_000_000)
    reader.add_argument("--archive", help="an archive that bench/archive.py has filled already")
    chosen = reader.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    path = settings_in(chosen.folder, chosen.archive)
    settings, text = load(path), corpus.characters()
    fill(settings, text, chosen.mentions)
    groups = corpus.groups(text)
    words = [query.words[0] for name in GROUPS for query in groups[name][:EACH]]
    server = subprocess.Popen([sys.executable, "-m", "dashboard.serve"], env={**os.environ, "YUJING_SETTINGS": str(path)})
    try:
        assert wait_for(lambda: answers(settings.public_url), 60), "the dashboard did not start"
        ledger = open_ledger(settings)
        with tempfile.TemporaryDirectory() as profile:
            measure(settings.public_url, ledger.people.begin_session("ana", now.machine()), words, Path(profile))
        ledger.close()
    finally:
        server.terminate()
        server.wait(10)


if __name__ == "__main__":
    main()

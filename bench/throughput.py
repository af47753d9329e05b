"""How many mentions a second go through match + save + claim + score + story, and what memory does meanwhile.

    python bench/throughput.py [--mentions 20000] [--data FOLDER]

One process, the configuration that ships (floor model), SQLite with synchronous=FULL in a new folder.
Texts: the shared labelled set when ``--data`` (or ../shared/data) has it, else the drill's own with varied endings.
Prints one line of figures; ends with 1 when the rate is below 100/s or memory grew beyond 1.1 ×.
"""

from __future__ import annotations

import argparse
import lzma
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from incidents.brands import Matcher
from incidents.model import Author, Mention, Precision, Snapshot
from incidents.settings import parse
from incidents.store.ledger import open_ledger
from monitor import pipeline
from monitor.assemble import tools_for

T0 = datetime(2026, 11, 20, tzinfo=UTC)
PAGE = 20


def texts(folder: Path, number: int) -> list[str]:
    file = folder / "sentiment" / "labelled.tsv.xz"
    if file.exists():
        with lzma.open(file, "rt", encoding="utf-8") as lines:
            found = [line.rstrip("\n").split("\t")[4] for line, _ in zip(lines, range(number + 1), strict=False)][1:]
    else:
        from monitor.drill import plot

        found = [post.text for post in plot.load().posts]
    random.seed(1)
    return [found[i % len(found)] + ("" if i < len(found) else f" {i}") for i in range(number)]


def pages(folder: Path, number: int) -> Iterator[list[Mention]]:
    page: list[Mention] = []
    for i, text in enumerate(texts(folder, number)):
        page.append(Mention(source="wb", platform="weibo", site="bench", native_id=str(i), kind="post", url=f"http://bench/{i}", text=text, author=Author(native_id=str(i % 5000), followers=i),
                            published=T0 + timedelta(seconds=i), precision=Precision.SECOND))
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mentions", type=int, default=20_000)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder), chosen.data, chosen.mentions)


def run(folder: Path, data: Path, number: int) -> int:
    names = [{"id": f"b{n}", "name": f"某品牌{n}", "any": [f"某品牌{n}"]} for n in range(200)]
    settings = parse({"brands": [{"id": "all", "name": "全部", "any": ["*"]}, *names], "people": [{"login": "lin", "name": "林", "roles": ["duty"]}],
                      "sources": [{"id": "wb", "name": "W", "kind": "weibo", "platform": "weibo", "url": "http://127.0.0.1:1/"}]}, folder / "yujing.toml")
    ledger = open_ledger(settings)
    ledger.sources.sync(settings.sources, T0)
    tools, matcher, memory = tools_for(settings, ledger, "bench"), Matcher(settings.brands), psutil.Process().memory_info
    offered = list(pages(data, number))
    spent = {"match + save": 0.0, "claim + score": 0.0, "story": 0.0}
    at_5000, done = 0, 0
    begun = time.perf_counter()
    for count, page in enumerate(offered, 1):
        t = time.perf_counter()
        counts = [Snapshot(key=m.key, at=T0 + timedelta(seconds=count), reposts=count % 90, comments=3, likes=5) for m in page]
        ledger.door.save(source="wb", platform="weibo", tier="online", mentions=page, snapshots=counts, matcher=matcher, world=T0 + timedelta(seconds=count))
        spent["match + save"] += time.perf_counter() - t
        done += len(page)
        if count % 10 == 0 or count == len(offered):
            t = time.perf_counter()
            while pipeline.judge(tools):
                pass
            spent["claim + score"] += time.perf_counter() - t
            t = time.perf_counter()
            while pipeline.group(tools):
                pass
            spent["story"] += time.perf_counter() - t
        if at_5000 == 0 and done >= 5000:
            at_5000 = memory().rss
    seconds, end = time.perf_counter() - begun, memory().rss
    ratio = end / at_5000 if at_5000 else float("nan")
    parts = ", ".join(f"{name} {1000 * value / number:.2f} ms" for name, value in spent.items())
    print(f"mentions {number}, {number / seconds:.0f}/s ({parts} a mention), memory after 5000 {at_5000 / 2**20:.0f} MiB, at the end {end / 2**20:.0f} MiB, ratio {ratio:.2f}, model {tools.judge.name}")
    return 0 if number / seconds >= 100 and not ratio > 1.1 else 1


if __name__ == "__main__":
    sys.exit(main())

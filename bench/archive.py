"""How fast an archive answers with a million mentions in it.

    python bench/archive.py sqlite:///bench-archive.sqlite [--mentions 1000000] [--rounds 3]
    python bench/archive.py elastic+http://127.0.0.1:9200/bench [--raw 100000]

Texts are windows of 60 to 100 characters over Chinese posts (YUJING_SHARED, else ``../shared``; without it, made
of characters drawn by Zipf's law). An archive that holds them already is only asked. Queries come in groups, from
the most frequent characters and pairs of the corpus to rare ones; the first round warms up and is not counted.
``--raw`` compares ingest with the Elasticsearch client's own bulk helper, same documents, fresh indices, alternating.
"""

from __future__ import annotations

import argparse
import gc
import json
import lzma
import os
import random
import resource
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from incidents.query import parse
from incidents.store.archive import open_archive
from incidents.store.index import Document
from incidents.store.search import Archive, Query

BEGIN, DAYS, PORTION = datetime(2025, 11, 1, tzinfo=UTC), 400, 1000
SHARED = Path(os.environ.get("YUJING_SHARED", Path(__file__).resolve().parent.parent.parent / "shared"))
BRANDS, SOURCES, PLATFORMS = 20, 200, ("weibo", "zhihu", "forum", "news", "tieba")
SENTIMENTS = ("negative", "neutral", "positive")


def characters() -> str:
    """A long stretch of text to cut windows from."""
    file = SHARED / "data" / "text" / "covid.txt.xz"
    if file.exists():
        with lzma.open(file, "rt", encoding="utf-8") as lines:
            return lines.read(12_000_000)
    rng, alphabet = random.Random(1), [chr(0x4E00 + 7 * n) for n in range(2800)]
    return "".join(rng.choices(alphabet, weights=[1 / (n + 3) for n in range(2800)], k=4_000_000))


def documents(text: str, number: int) -> Iterator[Document]:
    """``number`` mentions in order of their ids, published within 400 days, most of them soon after one another."""
    rng = random.Random(2)
    step = timedelta(days=DAYS) / number
    for mention_id in range(1, number + 1):
        begin = rng.randrange(len(text) - 120)
        length, brand = rng.randint(60, 100), f"brand-{int(rng.paretovariate(1)) % BRANDS}"
        late = timedelta(hours=rng.expovariate(0.5))  # what was published some hours before it was seen
        yield Document(mention_id=mention_id, version=1, gone=False, title=text[begin + 100 : begin + 115] if mention_id % 4 == 0 else "", text=text[begin : begin + length],
                       author=f"u{rng.randrange(200_000)}", source=f"source-{rng.randrange(SOURCES)}", platform=rng.choice(PLATFORMS), dated=BEGIN + step * mention_id - late,
                       brands=(brand,), sentiments={brand: rng.choice(SENTIMENTS)}, stories=(), counts={"reposts": int(rng.paretovariate(1))})


def groups(text: str) -> dict[str, list[Query]]:
    """Name of the group → its queries."""
    sample = text[:2_000_000]
    is_word = [0x4E00 <= ord(one) <= 0x9FFF for one in sample]
    single = [one for one, _ in Counter(one for one, good in zip(sample, is_word, strict=True) if good).most_common(20)]
    pairs = [one for one, _ in Counter(sample[n : n + 2] for n in range(len(sample) - 1) if is_word[n] and is_word[n + 1]).most_common(60_000)]
    rng = random.Random(3)
    return {
        "most frequent characters": [Query(words=(one,)) for one in single],
        "most frequent pairs": [Query(words=(one,)) for one in pairs[:20]],
        "pairs of the 6 most frequent characters": [Query(words=(a + b,)) for a in single[:6] for b in single[:6]],
        "middling pairs": [Query(words=(one,)) for one in pairs[1000:1020]],
        "rare pairs": [Query(words=(one,)) for one in pairs[-20:]],
        "frequent pair, brand and sentiment": [Query(words=(one,), brand="brand-1", sentiment="negative") for one in pairs[:20]],
        "frequent pair, last 30 days": [Query(words=(one,), since=BEGIN + timedelta(days=DAYS - 30)) for one in pairs[:20]],
        "(a OR b) NOT c": [Query(expr=parse(f'("{rng.choice(pairs[:50])}" OR "{rng.choice(pairs[:50])}") NOT "{rng.choice(pairs[:200])}"')) for _ in range(20)],
        "a NEAR/5 b": [Query(expr=parse(f'"{rng.choice(pairs[:50])}" NEAR/5 "{rng.choice(pairs[:50])}"')) for _ in range(20)],
        "everything": [Query()],
    }


def fill(archive: Archive, text: str, number: int) -> None:
    if (there := archive.count(Query())) >= number:
        return
    if there:
        archive.clear()
    began, portion = time.perf_counter(), list[Document]()
    for one in documents(text, number):
        portion.append(one)
        if len(portion) == PORTION or one.mention_id == number:
            assert archive.write(portion) == []
            portion.clear()
        if one.mention_id % 100_000 == 0:
            print(f"  {one.mention_id:>9} written, {one.mention_id / (time.perf_counter() - began):7.0f}/s", flush=True)
    archive.settle()


def timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def fresh(query: Query) -> Query:
    """The same question in another second far ahead, so that no cache of whole answers knows it."""
    return replace(query, until=query.until or BEGIN + timedelta(days=5000, seconds=random.randrange(10**7)))


def ask(archive: Archive, text: str, rounds: int) -> None:
    calls: dict[str, Callable[[Query], Any]] = {"newest 50": archive.newest, "count": archive.count, "by day": archive.by_day, "facets": archive.facets}
    print(f"{'ms: median / p95 / worst':44}" + "".join(f"{name:>24}" for name in calls))
    for group, queries in groups(text).items():
        columns = []
        for call in calls.values():
            times = [[timed(partial(call, fresh(query))) for query in queries] for _ in range(rounds + 1)]
            flat = sorted(one for row in times[1:] for one in row)
            columns.append(f"{statistics.median(flat):8.1f} /{flat[int(0.95 * (len(flat) - 1))]:7.1f} /{flat[-1]:6.1f}")
        print(f"{group:44}" + "".join(columns), flush=True)
    print(f"largest memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def compare_raw(url: str, text: str, number: int) -> None:
    """Documents a second through ``write`` and through ``helpers.bulk`` (its actions made beforehand), three times each, alternating."""
    from elasticsearch import helpers

    from incidents.store.archive_elastic import ElasticArchive
    from incidents.store.elastic_shelves import body, shelf_of

    rows, rates = list(documents(text, number)), {"archive": list[float](), "raw": list[float]()}
    archive = open_archive(url)
    assert isinstance(archive, ElasticArchive)
    for turn in range(6):
        archive.clear()
        archive.write(list({shelf_of(one.dated): one for one in rows}.values()))  # makes the months' indices
        actions = [{"_index": archive.names.shelf(shelf_of(one.dated)), "_id": str(one.mention_id), "_source": json.loads(body(one))} for one in rows]
        archive.client.cluster.health(index=f"{archive.names.all}-*", wait_for_status="yellow")  # for both: new months are there before the clock starts
        gc.collect()
        gc.freeze()  # the benchmark's own documents are not what is measured
        began = time.perf_counter()
        if turn % 2:
            helpers.bulk(archive.client, actions, chunk_size=500)
        else:
            for start in range(0, number, PORTION):
                archive.write(rows[start : start + PORTION])
        rates["raw" if turn % 2 else "archive"].append(number / (time.perf_counter() - began))
        print(f"  {'raw' if turn % 2 else 'archive'} {number / (time.perf_counter() - began):.0f}/s", flush=True)
    archive.clear()
    mine, raw = statistics.median(rates["archive"]), statistics.median(rates["raw"])
    print(f"ingest of {number}: archive {mine:.0f}/s, bulk helper {raw:.0f}/s, ratio {mine / raw:.2f}")


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("url")
    reader.add_argument("--mentions", type=int, default=1_000_000)
    reader.add_argument("--rounds", type=int, default=3)
    reader.add_argument("--raw", type=int, default=0, metavar="N")
    chosen = reader.parse_args()
    text = characters()
    if chosen.raw:
        compare_raw(chosen.url, text, chosen.raw)
        return
    archive = open_archive(chosen.url)
    fill(archive, text, chosen.mentions)
    if chosen.rounds:
        ask(archive, text, chosen.rounds)
    archive.close()


if __name__ == "__main__":
    main()

"""How long thousands of queries take against one mention (the door does this for every mention).

    python bench/matching.py [--queries 5000] [--mentions 2000]

Queries are of the shape ``(name OR name) AND (word OR word) NOT word``; mentions are windows of 60 to 100 characters
over Chinese posts (see archive.py). First with names as brands have them, rare characters that the posts do not hold;
then with names out of the posts themselves, so that hundreds of queries wake and a score match in every mention.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time

from archive import characters

from incidents.query import Fields, Watchlist, parse


def _word(rng: random.Random, text: str) -> str:
    while True:
        begin = rng.randrange(len(text) - 8)
        word = text[begin : begin + rng.choice((2, 3, 3, 4, 4))]
        if all("\u4e00" <= one <= "\u9fff" for one in word):
            return word


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--queries", type=int, default=5000)
    reader.add_argument("--mentions", type=int, default=2000)
    chosen = reader.parse_args()
    text, rng = characters()[:3_000_000], random.Random(5)
    words = [_word(rng, text) for _ in range(chosen.queries * 5)]
    invented = ["".join(chr(rng.randrange(0x4E00, 0x8000)) for _ in range(rng.choice((2, 3, 4)))) for _ in words]
    mentions = [_mention(rng, text) for _ in range(chosen.mentions)]
    for name, names in (("rare names", invented), ("names out of the posts", words)):
        began = time.perf_counter()
        groups = zip(names[::5], names[1::5], words[2::5], words[3::5], words[4::5], strict=True)
        watchlist = Watchlist({str(n): parse(f"({a} OR {b}) AND ({c} OR {d}) NOT {e}") for n, (a, b, c, d, e) in enumerate(groups)})
        print(f"{name}: {chosen.queries} queries made ready in {time.perf_counter() - began:.2f} s; one mention {_timed(watchlist, mentions)}")


def _mention(rng: random.Random, text: str) -> Fields:
    begin = rng.randrange(len(text) - 120)
    return Fields(text=text[begin : begin + rng.randint(60, 100)], title=text[begin + 100 : begin + 115])


def _timed(watchlist: Watchlist, mentions: list[Fields]) -> str:
    times, found = [], 0
    for mention in mentions:
        start = time.perf_counter()
        found += len(watchlist.match(mention))
        times.append((time.perf_counter() - start) * 1000)
    times.sort()
    return f"median {statistics.median(times):.3f} ms, p95 {times[int(0.95 * len(times))]:.3f} ms; {found / len(mentions):.1f} queries match"


if __name__ == "__main__":
    main()

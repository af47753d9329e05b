"""How frequent each character, pair of characters and Latin word is in general Chinese: ``incidents/frequent.txt``.

    python -m nlp.training.bigrams --data ../shared/data --out incidents/frequent.txt

Counted is in how many texts a term stands, in each genre for itself; its rate is the mean over the genres, so that
a language of one genre (news, reviews) is language too. Kept are the terms whose idf = −ln(rate) is below a bound;
what is not in the table is rarer than that. Levels of 0.5 are all that a sum of a few terms needs.
"""

from __future__ import annotations

import argparse
import lzma
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from incidents.topics import grams

GENRES = {"weibo": ("covid", "rumor"), "news": ("xwlb",), "titles": ("titles", "weibohot")}
EVERY = {"covid": 6, "rumor": 4, "xwlb": 2, "titles": 1, "weibohot": 6}  # one text of so many
LONGEST = 400  # characters of one text: a long news text would hold every pair
BOUND = {1: 8.0, 2: 9.0}  # characters, pairs and words: idf from which a term is not kept
STEP = 0.5


def lines(path: Path, every: int) -> Iterator[str]:
    with lzma.open(path, "rt", encoding="utf-8", errors="replace") as found:
        yield from islice((line.strip() for line in found if len(line) > 7), 0, None, every)


def genres(folder: Path) -> Iterator[tuple[str, str]]:
    for genre, names in GENRES.items():
        for name in names:
            for line in lines(folder / "text" / f"{name}.txt.xz", EVERY[name]):
                yield genre, line
    for line in lines(folder / "sentiment" / "labelled.tsv.xz", 1):
        _, domain, _, _, text = line.split("\t", 4)
        yield domain, text


def rates(texts: Iterable[tuple[str, str]]) -> dict[str, float]:
    """Mean over the genres of the share of texts that hold the term."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    totals: Counter[str] = Counter()
    for genre, text in texts:
        totals[genre] += 1
        counts[genre].update(grams(text[:LONGEST]))
    found: dict[str, float] = defaultdict(float)
    for genre, counted in counts.items():
        for term, number in counted.items():
            if number > 2:
                found[term] += number / totals[genre] / len(totals)
    return found


def table(found: dict[str, float]) -> str:
    """One line for each kind and level: ``kind TAB idf TAB terms`` (pairs and characters run together)."""
    levels: dict[tuple[str, float], list[str]] = defaultdict(list)
    for term, rate in found.items():
        idf = round(-math.log(rate) / STEP) * STEP
        kind = "words" if term.isascii() else ("chars", "pairs")[len(term) - 1]
        if idf < BOUND[1 if kind == "chars" else 2]:
            levels[kind, idf].append(term)
    return "".join(f"{kind}\t{idf}\t{(' ' if kind == 'words' else '').join(sorted(terms))}\n" for (kind, idf), terms in sorted(levels.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    made = table(rates(genres(chosen.data)))
    chosen.out.write_text(made, encoding="utf-8")
    print(f"{len(made.encode())} bytes")


if __name__ == "__main__":
    main()

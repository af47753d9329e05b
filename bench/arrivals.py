"""Measure the arrival process of stories on real cascades: does the 80 % band of the number to come hold?

    python bench/arrivals.py [--since 0.55] [--until 0.85]

The reposts of a Weibo post stand for the mentions of a story. The constants of ``nlp/forecast/story.py`` were chosen on
the oldest 55 % of the file; nothing was chosen on the block between the two shares.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from nlp.forecast.story import arrivals
from nlp.training.forecast_cascades import Cascade, read, shared_folder

PAIRS = ((1, 3), (1, 12), (1, 23), (3, 6), (3, 12), (3, 21), (6, 6), (6, 12), (6, 18), (12, 12))
HOUR = timedelta(hours=1)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=shared_folder() / "data")
    parser.add_argument("--since", type=float, default=0.55)
    parser.add_argument("--until", type=float, default=0.85)
    asked = parser.parse_args(argv)
    cascades = read(asked.data)
    part = cascades[round(asked.since * len(cascades)) : round(asked.until * len(cascades))]
    print("age  ahead  posts  80 % covers  median error (log2)  root mean square")
    for age, ahead in PAIRS:
        print(line(part, age, ahead))
    return 0


def line(part: Sequence[Cascade], age: float, ahead: float) -> str:
    inside, errors = [], []
    for one in part:
        now = one.appeared + age * HOUR
        process = arrivals([one.appeared, *(one.appeared + float(hours) * HOUR for hours in one.hours if hours <= age)], now)
        if process is None:
            continue
        q, came = process.quantiles(ahead), one.count(age + ahead) - one.count(age)
        inside.append(q["10"] <= came <= q["90"])
        errors.append(np.log2(1 + came) - np.log2(1 + q["50"]))
    return f"{age:>2} h  {ahead:>3} h  {len(errors):>5}  {np.mean(inside):.3f}        {np.median(errors):+.2f}                {np.sqrt(np.mean(np.square(errors))):.2f}"


if __name__ == "__main__":
    raise SystemExit(main())

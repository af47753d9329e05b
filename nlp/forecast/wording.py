"""How a text is worded, as one number: hashed character 1- and 2-grams, one weight each.

For Weibo posts the weights say whether the text reads like those that were later debunked (such posts spread in
another rhythm: later, through smaller accounts); for hot lists, whether the title reads like those that became
large. The number is an input of the models and nothing else: it is no verdict, and it is never shown.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from functools import lru_cache
from itertools import pairwise

import numpy as np

from nlp.forecast.spread import Floats

BUCKETS = 1 << 14
LONGEST = 300  # characters; a Weibo post of the training years has at most 140


def grams(text: str) -> dict[int, float]:
    """Hash bucket → weight of the text's grams: 1 + ln(count), scaled to length 1."""
    cut = text[:LONGEST]
    parts = [*cut, *(a + b for a, b in pairwise(cut))]
    counted = Counter(zlib.crc32(part.encode("utf-8", "surrogatepass")) % BUCKETS for part in parts)
    raw = {bucket: 1 + math.log(count) for bucket, count in counted.items()}
    length = math.sqrt(sum(weight * weight for weight in raw.values())) or 1.0
    return {bucket: weight / length for bucket, weight in raw.items()}


@lru_cache(maxsize=4096)  # one post is forecast again at every crawl; its text stays
def _grams(text: str) -> tuple[list[int], Floats]:
    counted = grams(text)
    return list(counted), np.array(list(counted.values()))


def likeness(text: str, weights: Floats, bias: float) -> float:
    """Log odds, on the training mix, of what the weights were trained on."""
    buckets, heavy = _grams(text)
    return bias + float(heavy @ weights[buckets])

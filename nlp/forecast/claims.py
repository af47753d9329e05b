"""Does a text read like the posts that were later debunked? Hashed character 1- and 2-grams, one weight each.

Such posts spread in another rhythm (later, through smaller accounts), so the score is an input of the grown
model and nothing else: it is no verdict on the text, and it is never shown.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from itertools import pairwise

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


def likeness(text: str, weights: Floats, bias: float) -> float:
    """Log odds, on the training mix, that the text is a claim which was later debunked."""
    return bias + sum(weight * float(weights[bucket]) for bucket, weight in grams(text).items())

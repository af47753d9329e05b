"""The sampled mix: its shares, its rounds, and going on after a stop."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from nlp.training.mix import SHARES, Mix

DOMAINS = ["weibo"] * 900 + ["news"] * 200 + ["forum"] * 150 + ["review"] * 3000
LENGTHS = [5 + at * 13 % 90 for at in range(len(DOMAINS))]


def mix() -> Mix:
    return Mix(DOMAINS, LENGTHS, tokens=800, seed=3)


def test_shares_are_kept_whatever_the_sizes() -> None:
    read = Counter(DOMAINS[at] for batch in islice(mix().batches(), 600) for at in batch.places)
    for name, share in SHARES.items():
        assert abs(read[name] / read.total() - share) < 0.03


def test_a_batch_is_no_larger_than_asked() -> None:
    for batch in islice(mix().batches(), 300):
        assert len(batch.places) * max(LENGTHS[at] for at in batch.places) <= 800 or len(batch.places) == 1


def test_a_run_that_was_stopped_reads_on_where_it_was() -> None:
    whole = list(islice(mix().batches(), 200))
    rest = list(islice(mix().batches(after=whole[120].rows), 80))
    assert rest == whole[120:]


def test_every_row_of_a_domain_is_read_before_any_is_read_again() -> None:
    read: Counter[int] = Counter()
    for batch in mix().batches():
        read.update(at for at in batch.places if DOMAINS[at] == "review")
        if sum(read.values()) >= 3000:
            break
    assert max(read.values()) <= 2
    assert len(read) > 2000

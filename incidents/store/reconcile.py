"""The archive held against the ledger: what is missing, older or too much is mended, block by block of ids.

Harmless at any time, also while the queue is being worked off: a document that still waits is only written a little earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from incidents.store.index import PORTION, IndexStore
from incidents.store.search import BLOCK_BITS, Archive, differing, sums

TOGETHER = 8  # blocks mended at once


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """Of ``differing`` blocks of ids ``left`` still wait: ``written`` documents put, ``removed`` taken out, ``refused`` by the archive."""

    differing: int = 0
    left: int = 0
    written: int = 0
    removed: int = 0
    refused: tuple[tuple[int, str], ...] = ()


def reconcile(index: IndexStore, archive: Archive, progress: Callable[[int, int], None] | None = None, limit: int | None = None) -> Reconciled:
    """Make the archive hold what the ledger holds, and look whether it does. ``progress`` is told blocks done, of how many.

    What the archive refuses is noted in the queue, where it is tried again, set aside and shown.
    With ``limit`` only so many blocks are mended, the newest first; ``differing`` and ``left`` say what is left.

    Raises:
        ArchiveDown: the archive does not answer; what was mended stays mended.
    """
    archive.settle()
    every = differing(sums(index.living()), archive.checksums())
    blocks = every[::-1][:limit]
    done = Reconciled(differing=len(every), left=len(every))
    for start in range(0, len(blocks), TOGETHER):
        some = blocks[start : start + TOGETHER]
        done = _and(done, _mend(index, archive, some), left=done.left - len(some))
        if progress is not None:
            progress(start + len(some), len(blocks))
    odd = _still(index, archive, blocks)  # what was refused is in one of these, and tried again
    done = replace(done, refused=_mend(index, archive, odd, thoroughly=True).refused if odd else ())
    index.refuse(dict(done.refused))
    _taken_after_all(index, archive)
    return done


def _taken_after_all(index: IndexStore, archive: Archive) -> None:
    """What was set aside, and came into the archive all the same (by another process, another node's mapping), waits no more."""
    aside, there = index.aside(), dict[int, int]()
    for block in {mention_id >> BLOCK_BITS for mention_id, _ in aside}:
        there |= archive.versions(block)
    index.confirm(index.documents([mention_id for mention_id, version in aside if there.get(mention_id) == version]))


def _and(done: Reconciled, one: Reconciled, *, left: int) -> Reconciled:
    return replace(done, left=left, written=done.written + one.written, removed=done.removed + one.removed, refused=done.refused + one.refused)


def _still(index: IndexStore, archive: Archive, blocks: Sequence[int]) -> list[int]:
    """Mended blocks that differ all the same: Elasticsearch remembers for a moment what was deleted, and takes only newer versions."""
    if not blocks:
        return []
    archive.settle()
    there = archive.checksums()
    return [block for block in blocks if there.get(block) != sums(_here(index, block).items()).get(block)]


def _here(index: IndexStore, block: int) -> dict[int, int]:
    return dict(index.living(block << BLOCK_BITS, (block + 1) << BLOCK_BITS))


def _mend(index: IndexStore, archive: Archive, blocks: Sequence[int], *, thoroughly: bool = False) -> Reconciled:
    extra, missing, foreign = list[int](), list[int](), 0
    for block in blocks:
        there, here = archive.versions(block), _here(index, block)
        extra += [one for one in there if one not in here or there[one] > here[one]]
        missing += [one for one, version in here.items() if there.get(one) != version]
        foreign += len(there.keys() - here.keys())
    archive.remove(list({*extra, *missing}) if thoroughly else extra)
    refused = dict[int, str]()
    for start in range(0, len(missing), PORTION):
        documents = index.documents(missing[start : start + PORTION])
        refused |= dict(archive.write(documents))
        index.confirm([one for one in documents if one.mention_id not in refused])  # what was set aside before waits no more
    return Reconciled(written=len(missing) - len(refused), removed=foreign, refused=tuple(refused.items()))

"""The archive held against the ledger: what is missing, older or too much is mended, block by block of ids.

Harmless at any time, also while the queue is being worked off: a document that still waits is only written a little earlier.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from incidents.store.index import IndexStore
from incidents.store.search import BLOCK_BITS, Archive, differing, sums

PORTION = 500


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """Of ``differing`` blocks of ids ``left`` still wait: ``written`` documents put, ``removed`` taken out, ``refused`` by the archive."""

    differing: int = 0
    left: int = 0
    written: int = 0
    removed: int = 0
    refused: tuple[tuple[int, str], ...] = ()


def reconcile(index: IndexStore, archive: Archive, progress: Callable[[int, int], None] | None = None, limit: int | None = None) -> Reconciled:
    """Make the archive hold what the ledger holds. ``progress`` is told blocks done, of how many.

    With ``limit`` only so many blocks are mended, the newest first; ``differing`` and ``left`` say what is left.

    Raises:
        ArchiveDown: the archive does not answer; what was mended stays mended.
    """
    archive.settle()
    every = differing(sums(index.living()), archive.checksums())
    blocks = every[::-1][:limit]
    done = Reconciled()
    for number, block in enumerate(blocks, 1):
        one = _mend(index, archive, block)
        done = Reconciled(differing=len(every), left=len(every) - number, written=done.written + one.written, removed=done.removed + one.removed, refused=done.refused + one.refused)
        if progress is not None:
            progress(number, len(blocks))
    return done


def _mend(index: IndexStore, archive: Archive, block: int) -> Reconciled:
    there = archive.versions(block)
    here = dict(index.living(block << BLOCK_BITS, (block + 1) << BLOCK_BITS))
    extra = [one for one in there if one not in here or there[one] > here[one]]
    archive.remove(extra)
    missing = [one for one, version in here.items() if there.get(one) != version]
    refused: list[tuple[int, str]] = []
    for start in range(0, len(missing), PORTION):
        documents = index.documents(missing[start : start + PORTION])
        faults = dict(archive.write(documents))
        index.confirm([one for one in documents if one.mention_id not in faults])  # what was set aside before waits no more
        refused += faults.items()
    return Reconciled(written=len(missing) - len(refused), removed=len([one for one in extra if one not in here]), refused=tuple(refused))

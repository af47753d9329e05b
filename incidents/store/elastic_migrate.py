"""A new index for every month while searches and writes go on: ``yujing archive migrate``.

Copied by search (point in time) and bulk, with the documents' own versions; what is written meanwhile is copied
after; then both aliases of the month move in one step. Killed at any point, it leaves the old index answering,
and the next run begins that month anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from incidents.store.archive_elastic import PAGE, ElasticArchive, foreign, speaking
from incidents.store.elastic_shelves import ENCODE, putting
from incidents.store.search import ArchiveDown

CATCH_UPS = 20
KEEP_ALIVE = "5m"
Progress = Callable[[str, int], None]


def migrate(archive: ElasticArchive, *, everything: bool = False, progress: Progress | None = None) -> int:
    """Re-index the months whose mapping is not today's (``everything``: all); returns the number of documents copied.

    Raises:
        ArchiveDown: the server failed; run it again.
    """
    about = archive.indices()
    serving = {name: one for name, one in about.items() if one.get("aliases")}
    for name in about.keys() - serving.keys():  # left by a run that was killed
        _delete(archive, name)
    old = sorted(serving) if everything else foreign(serving)
    copied = 0
    for name in old:
        copied += _move(archive, name, serving[name]["aliases"])
        if progress is not None:
            progress(name, copied)
    archive.forget_known()
    return copied


def _move(archive: ElasticArchive, old: str, aliases: Mapping[str, Any]) -> int:
    shelf, generation = archive.names.read(old) or ("", 0)
    new = archive.names.index(shelf, generation + 1)
    archive.create(new, {})
    copied, reached = _follow(archive, old, new)
    with speaking():
        archive.client.indices.refresh(index=new)
        steps = [{"add": {"index": new, "alias": alias}} for alias in aliases] + [{"remove": {"index": old, "alias": alias}} for alias in aliases]
        archive.client.indices.update_aliases(actions=steps)
    late, _ = _copy(archive, old, new, reached)
    _delete(archive, old)
    return copied + late


def _follow(archive: ElasticArchive, old: str, new: str) -> tuple[int, int]:
    """Copy until a round finds nothing new (or writes never pause: the last round comes after the aliases moved)."""
    copied, reached = 0, -1
    for _ in range(CATCH_UPS):
        number, reached = _copy(archive, old, new, reached)
        copied += number
        if number == 0:
            break
    return copied, reached


def _copy(archive: ElasticArchive, old: str, new: str, after: int) -> tuple[int, int]:
    """Copy what was written to ``old`` after its operation number ``after``; returns how many and the newest number."""
    copied, reached = 0, after
    for hits in _pages(archive, old, {"range": {"_seq_no": {"gt": after}}}):
        if refused := archive.send([putting(hit["_id"], hit["_version"], new, ENCODE(hit["_source"])) for hit in hits]):
            raise ArchiveDown(f"{len(refused)} documents of {old} do not fit today's mapping ({refused[0][1]}): run yujing archive rebuild.")
        copied += len(hits)
        reached = max(reached, *(hit["_seq_no"] for hit in hits))
    return copied, reached


def _pages(archive: ElasticArchive, index: str, query: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
    """All hits of a moment, in pages."""
    with speaking():
        archive.client.indices.refresh(index=index)
        moment = archive.client.open_point_in_time(index=index, keep_alive=KEEP_ALIVE)["id"]
    last: Any = None
    try:
        while True:
            with speaking():
                hits = archive.client.search(pit={"id": moment, "keep_alive": KEEP_ALIVE}, query=query, size=PAGE, sort=["_shard_doc"], version=True,
                                             seq_no_primary_term=True, search_after=last, track_total_hits=False)["hits"]["hits"]
            if not hits:
                return
            yield hits
            last = hits[-1]["sort"]
    finally:
        with speaking():
            archive.client.close_point_in_time(id=moment)


def _delete(archive: ElasticArchive, index: str) -> None:
    with speaking():
        archive.client.indices.delete(index=index, ignore_unavailable=True)

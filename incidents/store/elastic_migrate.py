"""A new index for every month while searches and writes go on: ``yujing archive migrate``.

Copied by search (point in time) and bulk, with the documents' own versions, in the order of the old index's
operation numbers (``_seq_no``), up to its global checkpoint: below it no operation can still appear. How far that
went is kept in the new index, so a run that was killed is taken up there. Then both aliases of the month move in
one step, the old index is closed for writes (which waits for those under way), the rest is copied, and it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from incidents.store.archive_elastic import PAGE, ElasticArchive, foreign
from incidents.store.elastic_errors import speaking
from incidents.store.elastic_shelves import ENCODE, SCHEMA, putting
from incidents.store.search import ArchiveDown

CATCH_UPS = 20
NOTE_EVERY = 10  # pages: a note is a change of the cluster's state, some ten milliseconds
KEEP_ALIVE = "5m"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Migrated:
    """How many months moved, and how many documents were copied by this run (of a run taken up: the rest)."""

    months: int = 0
    copied: int = 0


def migrate(archive: ElasticArchive, *, everything: bool = False, progress: Progress | None = None) -> Migrated:
    """Re-index the months whose mapping is not today's (``everything``: all), and finish what an earlier run began.

    ``progress`` is told (old index, documents copied, of about how many).

    Raises:
        ArchiveDown: the server failed; run it again.
    """
    months = copied = 0
    for old, new in _begun(archive, archive.indices(), everything):
        copied += _Move(archive, old, new, progress).run()
        months += 1
    archive.forget_known()
    return Migrated(months=months, copied=copied)


def _begun(archive: ElasticArchive, about: Mapping[str, Any], everything: bool) -> list[tuple[str, str]]:
    """(old index, new index) of each month that must move or was moving; what belongs to none of them is deleted."""
    sources, strange = {_uuid(one): name for name, one in about.items()}, foreign(about)
    begun = {old: name for name, one in about.items() if (old := sources.get(_note(one).get("from", ""))) and name not in strange}
    known = begun.keys() | set(begun.values())
    serving = [name for name, one in about.items() if one.get("aliases")]
    for name in about.keys() - known - set(serving):
        _delete(archive, name)
    fresh = [name for name in serving if name not in known and (everything or name in strange)]
    return sorted([*begun.items(), *((old, _next(archive, old)) for old in fresh)])


def _next(archive: ElasticArchive, old: str) -> str:
    shelf, generation = archive.names.read(old) or ("", 0)
    return archive.names.index(shelf, generation + 1)


def _note(about: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = about.get("mappings", {}).get("_meta", {})
    return found


def _uuid(about: Mapping[str, Any]) -> str:
    return str(about.get("settings", {}).get("index", {}).get("uuid", ""))


class _Move:
    """One month from ``old`` to ``new``; every step may be done twice."""

    def __init__(self, archive: ElasticArchive, old: str, new: str, progress: Progress | None) -> None:
        self.archive, self.old, self.new, self.progress = archive, old, new, progress
        self.copied = self.total = 0
        self.reached = -1

    def run(self) -> int:
        self._begin()
        for _ in range(CATCH_UPS):
            if self._copy() < PAGE:
                break
        self._switch()
        self._copy()
        _delete(self.archive, self.old)
        return self.copied

    def _begin(self) -> None:
        self.uuid = _uuid(self.archive.indices()[self.old])
        self.archive.create(self.new, {}, self._noted())
        note = _note(self.archive.indices()[self.new])
        self.reached = int(note["reached"]) if note.get("from") == self.uuid else -1
        with speaking():
            self.total = int(self.archive.client.count(index=self.old)["count"])

    def _noted(self) -> Mapping[str, Any]:
        return {"schema": SCHEMA, "from": self.uuid, "reached": self.reached}

    def _switch(self) -> None:
        about = self.archive.indices()
        if self.new not in about or self.new in foreign(about):
            raise ArchiveDown(f"The index {self.new} was deleted while it was filled: run it again.")
        aliases = about[self.old].get("aliases", {})
        steps = [{verb: {"index": index, "alias": alias}} for verb, index in (("add", self.new), ("remove", self.old)) for alias in aliases]
        with speaking():
            self.archive.client.indices.refresh(index=self.new)
            if steps:
                self.archive.client.indices.update_aliases(actions=steps)
            self.archive.client.indices.add_block(index=self.old, block="write")

    def _copy(self) -> int:
        """Copy what was written after ``reached``; returns how many."""
        before, checkpoint = self.copied, _checkpoint(self.archive, self.old)
        for number, hits in enumerate(_pages(self.archive, self.old, {"range": {"_seq_no": {"gt": self.reached}}}), 1):
            self._put(hits)
            if number % NOTE_EVERY == 0:
                self._reach(min(checkpoint, hits[-1]["_seq_no"]))
        self._reach(checkpoint)
        return self.copied - before

    def _put(self, hits: list[Mapping[str, Any]]) -> None:
        if refused := self.archive.send([putting(hit["_id"], hit["_version"], self.new, ENCODE(hit["_source"])) for hit in hits]):
            raise ArchiveDown(f"{len(refused)} documents of {self.old} do not fit today's mapping ({refused[0][1]}): run yujing archive rebuild.")
        self.copied += len(hits)
        if self.progress is not None:
            self.progress(self.old, self.copied, max(self.total, self.copied))

    def _reach(self, number: int) -> None:
        if number > self.reached:
            self.reached = number
            with speaking():
                self.archive.client.indices.put_mapping(index=self.new, meta=self._noted())


def _checkpoint(archive: ElasticArchive, index: str) -> int:
    """The operation number up to which every copy of the index has everything."""
    with speaking():
        shards = archive.client.indices.stats(index=index, level="shards", metric="docs")["indices"][index]["shards"]
    if len(shards) != 1:
        raise ArchiveDown(f"The index {index} has {len(shards)} shards; ours have one: run yujing archive rebuild.")
    return min(int(one["seq_no"]["global_checkpoint"]) for one in shards["0"])


def _pages(archive: ElasticArchive, index: str, query: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
    """All hits of a moment in pages, the oldest operation first."""
    with speaking():
        archive.client.indices.refresh(index=index)
        moment = archive.client.open_point_in_time(index=index, keep_alive=KEEP_ALIVE)["id"]
    last: Any = None
    try:
        while True:
            with speaking():
                hits = archive.client.search(pit={"id": moment, "keep_alive": KEEP_ALIVE}, query=query, size=PAGE, sort=[{"_seq_no": "asc"}], version=True,
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

"""The archive on Elasticsearch 8 or 9 (client 8.19: it speaks to both).

Only what every server and every licence has: search, bulk, aliases, whole indices. Importing this file
costs two seconds, so it is imported only by ``open_archive`` for a URL that asks for it.
"""

from __future__ import annotations

import logging
import random
import ssl
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from elasticsearch import Elasticsearch

from incidents.errors import YujingError
from incidents.query import elastic
from incidents.query.facets import sentiment_token
from incidents.query.terms import keyword
from incidents.store.elastic_address import Address
from incidents.store.elastic_errors import Busy, Exists, Forbidden, TooLarge, refuse_halves, speaking
from incidents.store.elastic_shelves import (
    MAPPINGS,
    OLD,
    SCHEMA,
    SETTINGS,
    Names,
    Operation,
    body,
    deleting,
    ended_by,
    putting,
    shelf_of,
)
from incidents.store.faults import Fault
from incidents.store.index import Document
from incidents.store.search import FACETS, ID_BITS, ArchiveDown, Found, Query, month_begin, second, whole

TIMEOUT_S = 10.0
PORTION, PORTION_BYTES = 1_000, 5_000_000  # each request makes every month it touches durable once
FORGETTING_S = 0.5  # the server's clock for deletes ticks every 0.2 s; only behind a tick it forgets the deleted version
ATTEMPTS, FIRST_WAIT_S, LONGEST_WAIT_S = 6, 0.2, 5.0
TOLD = "errors,items.*.status,items.*.error.type,items.*.error.reason"  # of a bulk's answer: a tenth of it
COPIES_WITHIN = "5s"  # a new month waits so long for its second copy, then goes on with one
PAGE = 1_000
MOST_VALUES = 10_000  # of one facet: more sources than anybody watches
SENTIMENTS = ("negative", "neutral", "positive")
logging.getLogger("elastic_transport").setLevel(logging.ERROR)  # a traceback for each try; we say it once, as ArchiveDown
EVERYTHING: Mapping[str, Any] = {"exists": {"field": "place"}}


class ElasticArchive:
    """Full-text search in indices by month. Nothing is asked of the server before the first call."""

    def __init__(self, address: Address, *, timeout_s: float = TIMEOUT_S, sleep: Callable[[float], None] = time.sleep) -> None:
        self.names = Names(prefix=address.prefix)
        self.client = Elasticsearch(
            list(address.hosts), basic_auth=(address.user, address.password or "") if address.user else None, api_key=address.api_key,
            request_timeout=timeout_s, max_retries=2, retry_on_timeout=False, retry_on_status=(), **_trust(address),
        )
        self._sleep = sleep
        self._known: set[str] | None = None  # shelves that are there with our mapping; None: the server was not looked at

    # -- writing

    def write(self, documents: Sequence[Document]) -> list[tuple[int, str]]:
        refused: list[tuple[int, str]] = []
        for portion in _portions(self._putting(document) for document in documents):
            refused += self.send(portion)
        return refused

    def _putting(self, document: Document) -> Operation:
        shelf = shelf_of(document.dated)
        return putting(str(document.mention_id), document.version, self.names.shelf(shelf), body(document), shelf)

    def remove(self, ids: Sequence[int]) -> None:
        self.settle()  # a search finds only what was refreshed
        for start in range(0, len(ids), PAGE):
            query = {"ids": {"values": [str(one) for one in ids[start : start + PAGE]]}}
            hits = self._search(query=query, size=2 * PAGE, source=False)["hits"]["hits"]
            self.send([deleting(hit["_id"], hit["_index"]) for hit in hits])
        if ids:
            self._sleep(FORGETTING_S)
        self.settle()

    def send(self, operations: Sequence[Operation]) -> list[tuple[int, str]]:
        """Send until each is taken or refused for good. Busy answers are tried again with full jitter."""
        refused: list[tuple[int, str]] = []
        waiting = list(operations)
        for attempt in range(ATTEMPTS):
            if not waiting:
                return refused
            if attempt:
                self._sleep(random.uniform(0, min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt)))
            waiting, why, faults = self._once(waiting)
            refused += faults
        if waiting:
            raise ArchiveDown(f"Elasticsearch takes no more ({why}); {len(waiting)} documents wait in the queue.")
        return refused

    def _once(self, operations: list[Operation]) -> tuple[list[Operation], str, list[tuple[int, str]]]:
        """One bulk request: what must be tried again and why, and what was refused for good."""
        if shelves := {one.shelf for one in operations if one.shelf}:
            self._ensure(shelves)
        lines: Any = "\n".join([one.lines for one in operations])  # as one text: the client encodes it once
        try:
            with speaking():
                answer = self.client.bulk(operations=lines, filter_path=TOLD)
        except Busy as busy:
            return operations, str(busy), []
        except TooLarge:
            return self._halves(operations)
        if not answer["errors"]:
            return [], "", []
        return self._sorted(operations, answer["items"])

    def _halves(self, operations: list[Operation]) -> tuple[list[Operation], str, list[tuple[int, str]]]:
        if len(operations) == 1:
            return [], "", [(operations[0].mention_id, "larger than the server takes in one request")]
        middle = len(operations) // 2
        faults = self.send(operations[:middle]) + self.send(operations[middle:])
        return [], "", faults

    def _sorted(self, operations: list[Operation], answers: Iterable[Mapping[str, Any]]) -> tuple[list[Operation], str, list[tuple[int, str]]]:
        again, why, faults = list[Operation](), "", list[tuple[int, str]]()
        for operation, answer in zip(operations, answers, strict=True):
            said = answer[operation.verb]
            fault = f"{said['error'].get('type')}: {said['error'].get('reason')}" if "error" in said else ""
            if said["status"] == 404 and operation.verb == "delete":
                continue
            if said["status"] in (403, 404, 429) or said["status"] >= 500:
                again.append(operation)
                why = fault
                if said["status"] == 404:
                    self._known = None  # the month's alias went away behind our back
            elif said["status"] >= 400 and said["status"] != 409:  # 409: a newer version is there
                faults.append((operation.mention_id, fault[:300]))
        if faults and operations[0].shelf:
            self._known = None
            self._look()  # when the mapping is to blame, it is not the documents' fault
        return again, why, faults

    # -- asking

    def newest(self, query: Query, *, limit: int = 50, before: int | None = None) -> Found:
        places: list[int] = []
        for floor in dict.fromkeys((self._recent(before), 0)):
            places += self._places(query, limit - len(places), places[-1] if places else before, floor)
        return Found(ids=tuple(place & ((1 << ID_BITS) - 1) for place in places), before=places[-1] if places and len(places) == limit else None)

    def _recent(self, before: int | None) -> int:
        """The place where the last month but one begins: whoever asks for a page mostly finds it there, and a year of months can sleep."""
        months = self._look() - {OLD}
        if not months:
            return 0
        newest = max(months) if before is None else min(max(months), shelf_of(datetime.fromtimestamp(before >> ID_BITS, UTC)))
        return 0 if newest == OLD else second(month_begin(month_begin(datetime.strptime(newest, "%Y.%m").replace(tzinfo=UTC)) - timedelta(days=1)))

    def _places(self, query: Query, limit: int, before: int | None, floor: int) -> list[int]:
        """Up to ``limit`` places from ``floor`` on and before ``before``, the newest first."""
        places: list[int] = []
        asked = _asked(query, floor)
        while len(places) < limit:
            wanted = min(PAGE, limit - len(places))
            last = places[-1] if places else before
            hits = self._search(query=asked, size=wanted, sort=[{"place": "desc"}], source=False, track_total_hits=False,
                                **({} if last is None else {"search_after": [last]}))["hits"]["hits"]
            places += [hit["sort"][0] for hit in hits]
            if len(hits) < wanted:
                break
        return places

    def count(self, query: Query) -> int:
        self._look()
        with speaking():
            answer = self.client.count(index=self.names.all, query=_asked(query), ignore_unavailable=True)
        refuse_halves(answer)
        return int(answer["count"])

    def by_day(self, query: Query) -> dict[str, int]:
        return self._by("day", "yyyy-MM-dd", query)

    def by_hour(self, query: Query) -> dict[str, int]:
        return self._by("hour", "yyyy-MM-dd'T'HH", query)

    def _by(self, interval: str, name: str, query: Query) -> dict[str, int]:
        stretches = {"field": "dated", "calendar_interval": interval, "time_zone": "+08:00", "format": name, "min_doc_count": 1}
        buckets = self._counted(query, {"found": {"date_histogram": stretches}}).get("found", {}).get("buckets", [])
        return {bucket["key_as_string"]: bucket["doc_count"] for bucket in buckets}

    def facets(self, query: Query) -> dict[str, dict[str, int]]:
        towards = {sentiment_token(one, query.brand and keyword(query.brand)): one for one in SENTIMENTS}
        fields = {"brand": "brands", "source": "source", "platform": "platform", "sentiment": "sentiments"}
        counted = self._counted(query, {name: {"terms": {"field": fields[name], "size": MOST_VALUES, **({"include": list(towards)} if name == "sentiment" else {})}}
                                        for name in FACETS})
        return {name: {towards.get(one["key"], one["key"]) if name == "sentiment" else one["key"]: one["doc_count"]
                       for one in counted.get(name, {}).get("buckets", [])} for name in FACETS}

    def _counted(self, query: Query, aggregations: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = self._search(query=_asked(query), size=0, aggs=aggregations, track_total_hits=False)
        found: Mapping[str, Any] = answer.get("aggregations", {})  # none when there is no index yet
        return found

    def _search(self, **wanted: Any) -> Any:
        self._look()
        with speaking():
            answer = self.client.search(index=self.names.all, ignore_unavailable=True, allow_partial_search_results=False, **wanted)
        refuse_halves(answer)
        return answer.body

    # -- comparing with the ledger

    def checksums(self) -> dict[int, tuple[int, int]]:
        found: dict[int, tuple[int, int]] = {}
        after: Mapping[str, Any] = {}
        while True:
            blocks = {"size": MOST_VALUES, "sources": [{"block": {"terms": {"field": "block"}}}], **({"after": after} if after else {})}
            answer = self._search(query=EVERYTHING, size=0, aggs={"blocks": {"composite": blocks, "aggs": {"marks": {"sum": {"field": "mark"}}}}})
            buckets = answer.get("aggregations", {}).get("blocks", {}).get("buckets", [])
            found |= {bucket["key"]["block"]: (bucket["doc_count"], int(bucket["marks"]["value"])) for bucket in buckets}
            if len(buckets) < MOST_VALUES:
                return found
            after = buckets[-1]["key"]

    def versions(self, block: int) -> dict[int, int]:
        """As the protocol says; a mention that lies in two months counts as newer than any, so that it is put right."""
        found: dict[int, int] = {}
        last: list[Any] = []
        while True:
            hits = self._search(query={"term": {"block": block}}, size=PAGE, sort=[{"place": "asc"}], version=True, source=False,
                                **({"search_after": last} if last else {}))["hits"]["hits"]
            for hit in hits:
                found[int(hit["_id"])] = sys.maxsize if int(hit["_id"]) in found else hit["_version"]
            if len(hits) < PAGE:
                return found
            last = hits[-1]["sort"]

    # -- months

    def drop_months_before(self, moment: datetime) -> int:
        gone = 0
        for index in self.indices():
            shelf, _ = self.names.read(index) or ("", 0)
            if ended_by(shelf, moment):
                with speaking():
                    gone += int(self.client.count(index=index, query=EVERYTHING)["count"])
                    self.client.indices.delete(index=index, ignore_unavailable=True)
        self.forget_known()
        return gone

    def indices(self) -> dict[str, Any]:
        """Our indices by name, with mapping, settings and aliases."""
        with speaking():
            found: dict[str, Any] = self.client.indices.get(index=self.names.pattern, expand_wildcards="all").body
        return {name: about for name, about in found.items() if self.names.read(name) is not None}

    def _ensure(self, shelves: set[str]) -> None:
        """Make the months that are missing; refuse to go on with a mapping that is not ours."""
        known = self._look()
        for shelf in sorted(shelves - known):
            self.create(self.names.index(shelf, 1), {self.names.all: {}, self.names.shelf(shelf): {}})
            known.add(shelf)

    def create(self, index: str, aliases: Mapping[str, Any], note: Mapping[str, Any] | None = None) -> None:
        """Make an empty index of today's mapping, with its second copy where there are two nodes; harmless when another process was faster."""
        try:
            with speaking():
                self.client.indices.create(index=index, settings=SETTINGS, mappings={**MAPPINGS, "_meta": note or MAPPINGS["_meta"]}, aliases=aliases, wait_for_active_shards="all", timeout=COPIES_WITHIN)
        except Exists:
            return

    def _look(self) -> set[str]:
        """The shelves that are there; looked up once, and again after anything odd."""
        if self._known is None:
            self._refuse_other_servers()
            about = self.indices()
            if other := foreign(about):
                raise ArchiveDown(f"The index {other[0]} has another mapping than this Yujing writes: run yujing archive migrate.", "mapping", index=other[0])
            self._known = {alias.removeprefix(f"{self.names.all}-") for one in about.values() for alias in one.get("aliases", {}) if alias != self.names.all}
        return self._known

    def forget_known(self) -> None:
        """Look at the months anew before the next call."""
        self._known = None

    def _refuse_other_servers(self) -> None:
        try:
            with speaking():
                version = str(self.client.info()["version"]["number"])
        except Forbidden:
            return  # a login for our indices alone may not ask; it works all the same
        if version.split(".")[0] not in ("8", "9"):
            raise ArchiveDown(f"This Elasticsearch is version {version}; Yujing works with 8 and 9.", "old_version", version=version)

    def faults(self) -> list[Fault]:
        self._known = None
        try:
            self._look()
            about = self.indices()
            red = self._red(list(about))
        except ArchiveDown as error:
            return [error.fault]
        blocked = [name for name, one in about.items() if one.get("aliases") and "blocks" in one.get("settings", {}).get("index", {})]
        return [Fault(code="blocked", values={"index": name}) for name in blocked] + ([Fault(code="nodes")] if red else [])

    def _red(self, names: list[str]) -> bool:
        try:
            with speaking():
                return bool(names) and self.client.cluster.health(index=names)["status"] == "red"
        except Forbidden:
            return False  # a login for our indices alone may not ask

    def settle(self) -> None:
        with speaking():
            self.client.indices.refresh(index=self.names.all, ignore_unavailable=True)

    def clear(self) -> None:
        names = list(self.indices())
        for name in names:
            with speaking():
                self.client.indices.delete(index=name, ignore_unavailable=True)
        self._known = None

    def close(self) -> None:
        self.client.close()


def foreign(about: Mapping[str, Any]) -> list[str]:
    """Indices whose mapping is not today's."""
    return sorted(name for name, one in about.items() if one.get("mappings", {}).get("_meta", {}).get("schema") != SCHEMA)


def _asked(query: Query, floor: int = 0) -> Mapping[str, Any]:
    """``query`` as a filter, of places from ``floor`` on."""
    node = whole(query)
    clauses = [EVERYTHING if node is None else elastic.reading(node, query.brand and keyword(query.brand))]
    since = max(floor, second(query.since)) if query.since is not None else floor
    bounds = {**({"gte": since} if since else {}), **({"lt": second(query.until)} if query.until is not None else {})}
    return {"bool": {"filter": [*clauses, *([{"range": {"place": bounds}}] if bounds else [])]}}


def _trust(address: Address) -> dict[str, Any]:
    """Certificate and host name are always checked, against the system's authorities or the one that the URL names."""
    if not address.ca:
        return {}
    try:
        return {"ssl_context": ssl.create_default_context(cafile=address.ca)}
    except OSError as error:
        raise YujingError(f"The archive's URL names {address.ca} as the file of its authority, but no certificate can be read from it ({error}).") from error


def _portions(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    portion, size = list[Operation](), 0
    for one in operations:
        bytes_ = 3 * len(one.lines)
        if portion and (len(portion) == PORTION or size + bytes_ > PORTION_BYTES):
            yield portion
            portion, size = [], 0
        portion.append(one)
        size += bytes_
    if portion:
        yield portion


__all__ = ["ElasticArchive", "foreign"]

"""What SQLite's archive counts beforehand (days, properties) is what counting the mentions gives, whatever is written and removed."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from incidents.now import SHANGHAI
from incidents.store.archive import open_archive
from incidents.store.archive_sqlite import SqliteArchive
from incidents.store.search import Query, by_hour
from tests.incidents.archive.builders import document
from tests.incidents.builders import HOUR, T0

ALL = (Query(since=T0 - timedelta(days=999)), Query(words=("雾岛茶",)))  # everything, said in ways that are counted one by one


@pytest.fixture
def archive(tmp_path: Path) -> SqliteArchive:
    found = open_archive(f"sqlite:///{tmp_path}/a.sqlite")
    assert isinstance(found, SqliteArchive)
    return found


def churn(archive: SqliteArchive, rng: random.Random) -> None:
    """A batch of new, newer, older and gone documents, or a removal."""
    if rng.random() < 0.2:
        archive.remove([rng.randrange(60) for _ in range(5)])
        return
    archive.write([document(rng.randrange(60), version=rng.randint(1, 5), gone=rng.random() < 0.2, source=rng.choice("abc"), platform=rng.choice(("weibo", "小红书")),
                            dated=T0 + rng.randrange(200) * HOUR, sentiments={"tea": rng.choice(("negative", "neutral"))}) for _ in range(8)])


@pytest.mark.parametrize("seed", range(5))
def test_counted_beforehand_is_counted_one_by_one(archive: SqliteArchive, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(40):
        churn(archive, rng)
        for query in ALL:
            assert archive.by_day(Query()) == archive.by_day(query) and archive.count(Query()) == archive.count(query)
            assert archive.facets(Query()) == archive.facets(query)


@pytest.mark.parametrize("seed", range(20))
def test_everything_between_any_two_moments(archive: SqliteArchive, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(10):
        churn(archive, rng)
    bounds = [None, datetime(1969, 1, 1, tzinfo=SHANGHAI), datetime(1970, 1, 1, 3, tzinfo=SHANGHAI), *(T0 + timedelta(minutes=rng.randrange(-999, 16_000)) for _ in range(6))]
    for since in bounds:
        for until in (*bounds, None if since is None else since + timedelta(hours=rng.randrange(60))):
            plain, worded = Query(since=since, until=until), Query(words=("雾岛茶",), since=since, until=until)
            assert archive.by_day(plain) == archive.by_day(worded) and archive.count(plain) == archive.count(worded), (since, until)


def test_facets_follow_what_another_process_writes(archive: SqliteArchive, tmp_path: Path) -> None:
    other, asked = open_archive(f"sqlite:///{tmp_path}/a.sqlite"), Query(words=("茶",))
    archive.write([document(1, source="a")])
    assert other.facets(asked)["source"] == {"a": 1}
    archive.write([document(1, version=2, source="b"), document(900, source="a")])
    assert other.facets(asked)["source"] == {"a": 1, "b": 1}
    archive.clear()
    archive.write([document(900, source="c")])
    assert other.facets(asked)["source"] == {"c": 1} == other.facets(Query())["source"]


def test_hours_are_those_of_shanghai_and_the_same_one_by_one(archive: SqliteArchive) -> None:
    begin = datetime(2026, 11, 22, tzinfo=SHANGHAI)
    archive.write([document(n, dated=begin + timedelta(minutes=7 * n)) for n in range(1, 200)])
    query, end = Query(words=("茶",)), begin + 12 * HOUR
    one_by_one = by_hour(_Slow(archive), query, begin, end)  # type: ignore[arg-type]
    assert by_hour(archive, query, begin, end) == one_by_one
    assert min(one_by_one) == "2026-11-22T00" and max(one_by_one) == "2026-11-22T11" and sum(one_by_one.values()) == 102


class _Slow:
    """An archive that cannot count hours in one pass."""

    def __init__(self, archive: SqliteArchive) -> None:
        self.count = archive.count

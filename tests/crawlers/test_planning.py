import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crawlers.parse.result import PageResult
from crawlers.planning import last_complete, plan
from crawlers.trips import Trip
from incidents.model import Follow, Mention, ParseResult, Snapshot
from incidents.store.door import Known
from incidents.store.fetches import FetchJob, Standing

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
OLD = Known(first_seen=NOW - timedelta(days=1), comments=3)


def job(**changes: Any) -> FetchJob:
    values: dict[str, Any] = dict(id=1, source="s", kind="list", url="http://h/", mention_id=None, payload={}, due_at=NOW, attempts=0, runs=1, unchanged=0, token=3)
    return FetchJob(**{**values, **changes})


def post(native_id: str) -> Mention:
    return Mention(source="s", platform="p", site="h", native_id=native_id, kind="post", url="http://h/1", text="x")


def threads(**replies: int | None) -> PageResult:
    return PageResult(follow=tuple(Follow(url=f"http://h/{tid}", kind="thread", key=f"p:h:{tid}") for tid in replies),
                      snapshots=tuple(Snapshot(key=f"p:h:{tid}", at=NOW, comments=count) for tid, count in replies.items()))


def decide(result: PageResult, known: dict[str, Known] | None = None, standing: dict[str, Standing] | None = None, before: datetime | None = NOW) -> tuple[list[str], bool]:
    plans, unsettled = plan(result, known=known or {}, standing=standing or {}, before=before, world=NOW)
    return [one.follow.url for one in plans], Trip(kind="list", url="u", pages=2).weigh(result.entries - result.pinned, unsettled)


def read(seen: int) -> Standing:
    return Standing(payload={"seen": seen}, ended=True)


def test_a_thread_is_opened_when_new_or_when_its_replies_changed() -> None:
    standing = {"http://h/t1": read(3), "http://h/t2": read(3), "http://h/t3": read(3)}
    assert decide(threads(t1=3, t2=4, t3=None, t4=0), standing=standing) == (["http://h/t2", "http://h/t4"], False)
    assert decide(threads(t1=3), standing=standing) == ([], True)


def test_a_page_of_old_posts_is_settled_only_after_a_complete_visit() -> None:
    page = PageResult(mentions=(post("1"), post("2")))
    known = {"p:h:1": OLD, "p:h:2": OLD}
    assert decide(page, known) == ([], True) and decide(page, known, before=None) == ([], False)
    assert decide(page, {"p:h:1": OLD}) == ([], False)
    assert decide(page, known | {"p:h:2": Known(first_seen=NOW + timedelta(seconds=1), comments=None)}) == ([], False)


def test_pinned_entries_neither_settle_a_page_nor_unsettle_it() -> None:
    old_and_pinned = PageResult(mentions=(post("1"), post("2")), pinned=frozenset({"p:h:2"}))
    assert decide(old_and_pinned, {"p:h:1": OLD}) == ([], True)
    assert decide(PageResult(mentions=(post("2"),), pinned=frozenset({"p:h:2"})), {"p:h:2": OLD}) == ([], False)


def test_articles_are_planned_once() -> None:
    page = PageResult(follow=(Follow(url="http://h/a", kind="article", key="p:h:a"),))
    assert decide(page)[0] == ["http://h/a"] and decide(page, known={"p:h:a": OLD})[0] == []
    assert decide(page, standing={"http://h/a": Standing(payload={}, ended=True)})[0] == []


def test_a_lease_that_nobody_finished_makes_the_last_visit_incomplete() -> None:
    payload = {"read_at": NOW.isoformat(), "token": 2}
    assert last_complete(job(payload=payload)) == NOW
    assert last_complete(job(payload=payload, token=4)) is None and last_complete(job(payload=payload, attempts=1)) is None and last_complete(job()) is None


def test_a_trip_stops_at_settled_pages_repeats_and_its_limit() -> None:
    def onward(trip: Trip, *pages: str, settled: bool = False) -> list[bool]:
        gone_on = []
        for number, key in enumerate(pages):
            result = PageResult(mentions=(post(key),), next_page=f"http://h/?page={number + 2}")
            trip.take(f"http://h/?page={number + 1}", result)
            gone_on.append(trip.onward(result, settled=settled) is not None)
        return gone_on

    assert onward(Trip(kind="list", url="u", most_pages=9), "1", "2", "2", "2") == [True, True, True, False]
    assert onward(Trip(kind="list", url="u", most_pages=2), "1", "2") == [True, False]
    assert onward(Trip(kind="list", url="u", most_pages=9), "1", settled=True) == [False]
    assert onward(Trip(kind="revisit", url="u"), "1") == [False]


def test_after_news_that_filled_a_page_as_many_old_entries_are_read_again() -> None:
    first = Trip(kind="list", url="u", pages=1)
    assert not first.weigh(frozenset("abcde"), frozenset("abcde")) and first.deep
    usual = Trip(kind="list", url="u", pages=1)
    assert not usual.weigh(frozenset("abcde"), frozenset("a")) and not usual.deep
    again = Trip(kind="list", url="u", pages=1, span=8)
    assert not again.weigh(frozenset("abcde"), frozenset()) and again.weigh(frozenset("fgh"), frozenset())


@pytest.mark.parametrize("seed", range(60))
def test_whatever_moves_while_a_list_is_read_nothing_stays_unread(seed: int) -> None:
    """A model of a list of which posts arrive at the top and vanish anywhere between two page reads."""
    chance = random.Random(seed)
    posts, number, known, payload, at = [str(n) for n in range(23)], 23, dict[str, Known](), dict[str, Any](), NOW
    for visit in range(12):
        at += timedelta(minutes=10)
        moves = visit < 10  # two quiet visits at the end
        trip = Trip(kind="list", url="u", most_pages=99, span=payload.get("span", 0))
        before, page = payload.get("read_at"), 1
        while page:
            for _ in range(chance.choice((0, 0, 1, 2, 6)) if moves else 0):
                if chance.random() < 0.5:
                    number += 1
                    posts.insert(0, str(number))
                elif posts:
                    posts.pop(chance.randrange(len(posts)))
            shown = posts[(page - 1) * 5 : page * 5]
            result = PageResult(mentions=tuple(post(key) for key in shown), next_page=f"u?{page + 1}" if page * 5 < len(posts) else None)
            trip.take(f"u?{page}", result)
            _, unsettled = plan(result, known=known, standing={}, before=before, world=at)
            settled = trip.weigh(result.entries, unsettled)
            known |= {key: Known(first_seen=at, comments=None) for key in result.entries if key not in known}
            page = page + 1 if trip.onward(result, settled=settled) else 0
        payload = {"read_at": at, "span": len(trip.met) if trip.deep else 0}
    assert {f"p:h:{key}" for key in posts} <= known.keys()


def test_a_very_long_thread_goes_on_in_the_next_trip() -> None:
    trip = Trip(kind="thread", url="u")
    for number in range(25):
        result = PageResult(mentions=(post(str(number)),), next_page=f"http://h/?page={number + 2}")
        trip.take(f"http://h/?page={number + 1}", result)
        if trip.onward(result, settled=False) is None:
            break
    assert trip.pages == 20 and trip.more_url == "http://h/?page=21"
    assert isinstance(result, ParseResult)

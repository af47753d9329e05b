"""The look at a story: what the rules and the forecast want to know of it, in seven prepared statements.

The statements are built once, with bound parameters: building one costs more than SQLite takes to answer it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from incidents.model import METRICS, Snapshot, Story
from incidents.store import tables as t

GROWTH_MEMBERS = 200  # members, largest first, over which growth is summed
RELEVANT = 0.5


@dataclass(frozen=True, kw_only=True)
class Stirred:
    """A story that must be looked at, with its largest member's own numbers for the forecast."""

    story: Story
    metric: str
    snapshots: tuple[Snapshot, ...]
    largest: Mapping[str, Any]  # the member's row: platform, published, followers, friends, posts, verified, text, url, signals
    saved_at: datetime | None  # machine: when what stirred it was saved
    token: int


def look(c: Connection, row: Mapping[Any, Any], world: datetime) -> Stirred:
    """Read a story as the rules want it. ``row`` is its row as claimed (its ``stirred`` is what will be settled)."""
    one = {"story": row["id"], "brand": row["brand"]}
    sums = c.execute(_SUMS, one).mappings().one()
    places = c.execute(_PLACES, one).all()
    largest = {"signals": [], **(c.execute(_LARGEST, one).mappings().first() or c.execute(_LEAD, {"lead": row["lead_id"]}).mappings().one())}
    story = Story(
        id=row["id"], brand=row["brand"], lead_id=row["lead_id"], title=row["title"], first_appeared=row["first_appeared"], first_known=row["first_known"],
        mentions=sums["mentions"], negatives=sums["negatives"] or 0, authors=sums["authors"], platforms=_distinct(places, 0),
        sources=_distinct(places, 1), tiers=_distinct(places, 2), signals=_signals(c, one), issue=row["issue"],
        observed={name: sums[name] for name in METRICS if sums[name] is not None},
        growth_1h=_growth(c, one, world), largest_id=largest["id"], stirred_version=row["stirred"])
    metric = "reposts" if largest["reposts"] is not None else "comments"
    return Stirred(story=story, metric=metric, snapshots=snapshots_of(c, largest["id"]), largest=largest,
                   saved_at=row["stirred_saved_at"], token=row["token"] + 1)


def _distinct(rows: Sequence[Any], column: int) -> tuple[str, ...]:
    return tuple(sorted({row[column] for row in rows}))


def _signals(c: Connection, one: Mapping[str, Any]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (signals,) in c.execute(_SIGNALS, one):
        found.update({name for name, *_ in signals})
    return found


def _growth(c: Connection, one: Mapping[str, Any], world: datetime) -> int | None:
    """Reposts and comments added in the last hour, over the largest members that were counted before and within it."""
    added, known = c.execute(_GROWTH, {**one, "hour_ago": world - timedelta(hours=1)}).one()
    return int(added) if known else None


def snapshots_of(c: Connection, mention_id: int) -> tuple[Snapshot, ...]:
    """All that was seen of one mention, oldest first."""
    rows = c.execute(_SNAPSHOTS, {"mention": mention_id}).mappings()
    return tuple(Snapshot(key=str(mention_id), at=r["at"], floors=frozenset(filter(None, r["floors"].split(","))), **{n: r[n] for n in METRICS}) for r in rows)


# -- the statements ------------------------------------------------------------------------------------------

_m, _sc, _sm, _s = t.mentions.c, t.scores.c, t.story_mentions.c, t.snapshots.c
_STORY, _BRAND = sa.bindparam("story", type_=sa.Integer), sa.bindparam("brand", type_=sa.Text)
_HOUR_AGO = sa.bindparam("hour_ago", type_=t.UtcTime)
_JOINED = sa.join(t.story_mentions, t.mentions, _m.id == _sm.mention_id).join(t.scores, sa.and_(_sc.mention_id == _sm.mention_id, _sc.brand == _sm.brand))
_COUNTED = sa.and_(_sm.story_id == _STORY, _sm.brand == _BRAND, sa.or_(_sc.relevance.is_(None), _sc.relevance >= RELEVANT), _sc.noise.is_(None))
_MEMBER = (_m.id, _m.platform, _m.published, _m.dated, _m.followers, _m.friends, _m.posts, _m.verified, _m.title, _m.text, _m.url, _m.author_name,
           _m.reposts, _m.comments, _m.likes, _m.views, _m.tombstone_at)

_SUMS = sa.select(
    sa.func.count().label("mentions"), sa.func.count(sa.distinct(_m.author)).label("authors"), sa.func.sum(sa.case((_sc.alarm, 1), else_=0)).label("negatives"),
    *(sa.func.max(_m[name]).label(name) for name in METRICS)).select_from(_JOINED).where(_COUNTED)
_PLACES = sa.select(_m.platform, _m.source, _m.tier).distinct().select_from(_JOINED).where(_COUNTED)
# The member with most reposts (then comments); what its author asked us to forget comes last.
_LARGEST = (sa.select(*_MEMBER, _sc.signals).select_from(_JOINED).where(_COUNTED)
            .order_by(_m.forgotten.isnot(None), sa.func.coalesce(_m.reposts, -1).desc(), sa.func.coalesce(_m.comments, -1).desc(), _m.dated).limit(1))
_LEAD = sa.select(*_MEMBER).where(_m.id == sa.bindparam("lead", type_=sa.Integer))
_SIGNALS = sa.select(_sc.signals).select_from(_JOINED).where(_COUNTED, sa.func.json_array_length(_sc.signals) > 0)
_SNAPSHOTS = sa.select(t.snapshots).where(_s.mention_id == sa.bindparam("mention", type_=sa.Integer)).order_by(_s.at)


def _growth_statement() -> sa.Select[Any, int]:
    top = (sa.select(_m.id, _m.reposts, _m.comments, _m.dated).select_from(_JOINED).where(_COUNTED, _m.counted_at > _HOUR_AGO)
           .order_by(sa.func.coalesce(_m.reposts, 0).desc()).limit(GROWTH_MEMBERS).subquery())
    before = (sa.select(_s.mention_id, _s.reposts, _s.comments, sa.func.max(_s.at)).join(top, top.c.id == _s.mention_id)
              .where(_s.at <= _HOUR_AGO).group_by(_s.mention_id).subquery())
    old = sa.func.coalesce(before.c.reposts, 0) + sa.func.coalesce(before.c.comments, 0)
    new = sa.func.coalesce(top.c.reposts, 0) + sa.func.coalesce(top.c.comments, 0)
    known = sa.or_(before.c.mention_id.isnot(None), top.c.dated > _HOUR_AGO)  # a post younger than an hour began at zero
    return (sa.select(sa.func.sum(new - sa.func.coalesce(old, 0)), sa.func.count())
            .select_from(sa.outerjoin(top, before, before.c.mention_id == top.c.id)).where(known))


_GROWTH = _growth_statement()

# For other looks at the members that count (forecasts of whole stories).
MEMBER, JOINED, COUNTED = _MEMBER, _JOINED, _COUNTED

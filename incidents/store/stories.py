"""Stories in the ledger: placing mentions, and the look at a stirred story that the rules decide on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from incidents import stories as rules
from incidents.model import METRICS, Forecast, Snapshot, Story
from incidents.store import tables as t
from incidents.store.door import queue_index
from incidents.store.engine import new_id, reading, writing
from incidents.store.work import Waiting
from incidents.text import excerpt

CANDIDATES = 8  # near-copies compared one by one, newest first
GROWTH_MEMBERS = 200  # members, largest first, over which growth is summed
RELEVANT = 0.5


@dataclass(frozen=True, kw_only=True)
class Stirred:
    """A story that must be looked at, with its largest member's own numbers for the forecast."""

    story: Story
    metric: str
    snapshots: tuple[Snapshot, ...]
    largest: Mapping[str, Any]  # the member's row: platform, published, followers, friends, posts, verified, text, url
    saved_at: datetime | None  # machine: when what stirred it was saved
    token: int


class StoryStore:
    """Place, look, remember what was foreseen."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def place(self, waiting: Sequence[Waiting], world: datetime) -> int:
        """Put each mention into a story of its brand (one that runs, or a new one). Twice changes nothing."""
        signed = [(one, rules.signature(one.title, one.text)) for one in waiting]
        with writing(self._engine) as c:
            placed = [one.mention_id for one, own in signed if _place_one(c, one, own, world)]
            queue_index(c, placed, bump=True)
        return len(placed)

    def claim_stirred(self, worker: str, *, world: datetime, machine: datetime, lasts: timedelta, limit: int = 64) -> list[Stirred]:
        """Stories with news, or whose forecast is due, leased to ``worker``; longest waiting first."""
        s = t.stories.c
        free = sa.and_(sa.or_(s.stirred > s.decided, s.look_again_at <= world), sa.or_(s.lease_until.is_(None), s.lease_until < machine))
        with reading(self._engine) as c:
            if c.execute(sa.select(s.id).where(free).limit(1)).first() is None:
                return []
        with writing(self._engine) as c:
            rows = c.execute(sa.select(t.stories).where(free).order_by(s.stirred_saved_at).limit(limit)).mappings().all()
            c.execute(sa.update(t.stories).where(s.id.in_([r["id"] for r in rows])).values(lease_by=worker, lease_until=machine + lasts, token=s.token + 1))
        with reading(self._engine) as c:
            return [look(c, row, world) for row in rows]

    def give_back(self, stirred: Stirred) -> None:
        """End the claim without a decision, so that the story is claimed again at once."""
        s = t.stories.c
        with writing(self._engine) as c:
            c.execute(sa.update(t.stories).where(s.id == stirred.story.id, s.token == stirred.token).values(lease_by=None, lease_until=None))

    def look_at(self, story_id: int, world: datetime) -> Stirred | None:
        """The same view of one story, without a claim (tests, pages)."""
        with reading(self._engine) as c:
            row = c.execute(sa.select(t.stories).where(t.stories.c.id == story_id)).mappings().first()
            return None if row is None else look(c, row, world)

    def snapshots(self, mention_id: int) -> list[Snapshot]:
        with reading(self._engine) as c:
            return list(_snapshots(c, mention_id))


def keep_forecast(c: Connection, stirred: Stirred, forecast: Forecast) -> None:
    """Every forecast is kept, so that it can be held against what came."""
    c.execute(sa.insert(t.forecasts).values(
        story_id=stirred.story.id, mention_id=stirred.story.largest_id, made_at=forecast.made_at, metric=forecast.metric,
        platform=forecast.platform, first_seen=forecast.first_seen, observed=forecast.observed, body=forecast_to_json(forecast),
        model=forecast.model, abstains=forecast.abstains, matures_at=forecast.first_seen + timedelta(hours=24)))


def settle(c: Connection, stirred: Stirred, look_again_at: datetime | None) -> None:
    """The story was decided on as it stood when claimed; what stirred it since keeps it waiting."""
    s = t.stories.c
    done = stirred.story.stirred_version
    c.execute(sa.update(t.stories).where(s.id == stirred.story.id, s.token == stirred.token)
              .values(decided=done, lease_by=None, lease_until=None, look_again_at=look_again_at,
                      stirred_saved_at=sa.case((s.stirred > done, s.stirred_saved_at), else_=None)))


def _place_one(c: Connection, one: Waiting, own: rules.Signature | None, world: datetime) -> bool:
    w = t.work.c
    if c.execute(sa.delete(t.work).where(w.kind == "place", w.mention_id == one.mention_id, w.brand == one.brand)).rowcount == 0:
        return False
    score = c.execute(sa.select(t.scores).where(t.scores.c.mention_id == one.mention_id, t.scores.c.brand == one.brand)).mappings().one()
    issue = score["issue"] if rules.joins_by_issue(issue=score["issue"], sentiment=score["sentiment"], noise=score["noise"], relevance=score["relevance"]) else None
    where = rules.place(own=own, root_story=_root_story(c, one), candidates=_candidates(c, one, own) if own else (),
                        issue_story=_issue_story(c, one, issue) if issue else None)
    story_id = where.story_id or _new_story(c, one, issue, world)
    c.execute(sa.insert(t.story_mentions).values(mention_id=one.mention_id, brand=one.brand, story_id=story_id, why=where.why, at=world))
    if own is not None:
        c.execute(sa.insert(t.near_bands), [dict(brand=one.brand, band=band, mention_id=one.mention_id, at=one.dated) for band in own.bands()])
    s = t.stories.c
    c.execute(sa.update(t.stories).where(s.id == story_id).values(
        stirred=s.stirred + 1, stirred_saved_at=sa.func.coalesce(s.stirred_saved_at, sa.literal(one.saved_at, t.UtcTime)),
        first_appeared=sa.func.min(s.first_appeared, sa.literal(one.dated, t.UtcTime)),
        last_known=sa.func.max(s.last_known, sa.literal(one.dated, t.UtcTime)), issue=sa.func.coalesce(s.issue, issue)))
    return True


def _root_story(c: Connection, one: Waiting) -> int | None:
    if one.root_key is None:
        return None
    root = sa.select(t.mentions.c.id).where(t.mentions.c.key == one.root_key).scalar_subquery()
    return c.execute(sa.select(t.story_mentions.c.story_id).where(t.story_mentions.c.mention_id == root, t.story_mentions.c.brand == one.brand)).scalar()


def _candidates(c: Connection, one: Waiting, own: rules.Signature) -> tuple[rules.Candidate, ...]:
    n, sm, m = t.near_bands.c, t.story_mentions.c, t.mentions.c
    near = sa.select(n.mention_id).where(n.brand == one.brand, n.band.in_(own.bands())).distinct().order_by(n.mention_id.desc()).limit(CANDIDATES).subquery()
    rows = c.execute(sa.select(sm.story_id, m.id, m.title, m.text).join(near, near.c.mention_id == m.id)
                     .join(t.story_mentions, sa.and_(sm.mention_id == m.id, sm.brand == one.brand))).all()
    signed = ((r.story_id, r.id, rules.signature(r.title, r.text)) for r in rows)
    return tuple(rules.Candidate(story_id=s, mention_id=i, signature=g) for s, i, g in signed if g is not None)


def _issue_story(c: Connection, one: Waiting, issue: str) -> int | None:
    s = t.stories.c
    row = c.execute(sa.select(s.id, s.last_known).where(s.brand == one.brand, s.issue == issue).order_by(s.last_known.desc()).limit(1)).first()
    return row.id if row is not None and rules.still_running(row.last_known, one.dated) else None


def _new_story(c: Connection, one: Waiting, issue: str | None, world: datetime) -> int:
    made = c.execute(sa.insert(t.stories).values(brand=one.brand, lead_id=one.mention_id, title=excerpt(one.title or one.text, 60), issue=issue,
                                                 first_appeared=one.dated, first_known=world, last_known=one.dated))
    return new_id(made)


def look(c: Connection, row: Mapping[Any, Any], world: datetime) -> Stirred:
    """Read a story as the rules want it. ``row`` is its row as claimed (its ``stirred`` is what will be settled)."""
    story_id, brand = row["id"], row["brand"]
    m, sc, sm = t.mentions.c, t.scores.c, t.story_mentions.c
    joined = sa.join(t.story_mentions, t.mentions, m.id == sm.mention_id).join(t.scores, sa.and_(sc.mention_id == sm.mention_id, sc.brand == brand))
    relevant = sa.or_(sc.relevance.is_(None), sc.relevance >= RELEVANT)
    counted = sa.and_(sm.story_id == story_id, sm.brand == brand, relevant, sc.noise.is_(None))
    sums = c.execute(sa.select(sa.func.count().label("mentions"), sa.func.count(sa.distinct(m.author)).label("authors"),
                               sa.func.sum(sa.case((sc.alarm, 1), else_=0)).label("negatives"),
                               *(sa.func.max(m[name]).label(name) for name in METRICS)).select_from(joined).where(counted)).mappings().one()
    places = c.execute(sa.select(m.platform, m.source, m.tier).distinct().select_from(joined).where(counted)).all()
    largest = _largest(c, joined, counted, row["lead_id"])
    story = Story(
        id=story_id, brand=brand, lead_id=row["lead_id"], title=row["title"], first_appeared=row["first_appeared"], first_known=row["first_known"],
        mentions=sums["mentions"], negatives=sums["negatives"] or 0, authors=sums["authors"], platforms=_distinct(places, 0),
        sources=_distinct(places, 1), tiers=_distinct(places, 2), signals=_signals(c, joined, counted), issue=row["issue"],
        observed={name: sums[name] for name in METRICS if sums[name] is not None},
        growth_1h=_growth(c, joined, counted, world), largest_id=largest["id"], stirred_version=row["stirred"])
    metric = "reposts" if largest["reposts"] is not None else "comments"
    return Stirred(story=story, metric=metric, snapshots=_snapshots(c, largest["id"]), largest=largest,
                   saved_at=row["stirred_saved_at"], token=row["token"] + 1)


def _distinct(rows: Sequence[Any], column: int) -> tuple[str, ...]:
    return tuple(sorted({row[column] for row in rows}))


def _largest(c: Connection, joined: sa.Join, counted: sa.ColumnElement[bool], lead_id: int) -> Mapping[str, Any]:
    """The member with most reposts (then comments); the first one where nothing was counted."""
    m = t.mentions.c
    columns = (m.id, m.platform, m.published, m.dated, m.followers, m.friends, m.posts, m.verified, m.title, m.text, m.url, m.author_name,
               m.reposts, m.comments, m.likes, m.views, m.tombstone_at)
    signals = t.scores.c.signals
    order = (m.forgotten.isnot(None), sa.func.coalesce(m.reposts, -1).desc(), sa.func.coalesce(m.comments, -1).desc(), m.dated)
    row = c.execute(sa.select(*columns, signals).select_from(joined).where(counted).order_by(*order).limit(1)).mappings().first()
    row = row or c.execute(sa.select(*columns).where(m.id == lead_id)).mappings().one()
    return dict(row)


def _signals(c: Connection, joined: sa.Join, counted: sa.ColumnElement[bool]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (signals,) in c.execute(sa.select(t.scores.c.signals).select_from(joined).where(counted, sa.func.json_array_length(t.scores.c.signals) > 0)):
        found.update({name for name, *_ in signals})
    return found


def _growth(c: Connection, joined: sa.Join, counted: sa.ColumnElement[bool], world: datetime) -> int | None:
    """Reposts and comments added in the last hour, over the largest members that were counted before and within it."""
    m, s = t.mentions.c, t.snapshots.c
    top = (sa.select(m.id, m.reposts, m.comments, m.dated).select_from(joined).where(counted, m.counted_at > world - timedelta(hours=1))
           .order_by(sa.func.coalesce(m.reposts, 0).desc()).limit(GROWTH_MEMBERS).subquery())
    hour_ago = world - timedelta(hours=1)
    newest = (sa.select(s.mention_id, s.reposts, s.comments, sa.func.max(s.at)).join(top, top.c.id == s.mention_id)
              .where(s.at <= hour_ago).group_by(s.mention_id).subquery())
    old = sa.func.coalesce(newest.c.reposts, 0) + sa.func.coalesce(newest.c.comments, 0)
    new = sa.func.coalesce(top.c.reposts, 0) + sa.func.coalesce(top.c.comments, 0)
    known = sa.or_(newest.c.mention_id.isnot(None), top.c.dated > hour_ago)  # a post younger than an hour began at zero
    row = c.execute(sa.select(sa.func.sum(new - sa.func.coalesce(old, 0)), sa.func.count())
                    .select_from(sa.outerjoin(top, newest, newest.c.mention_id == top.c.id)).where(known)).one()
    return int(row[0]) if row[1] else None


def _snapshots(c: Connection, mention_id: int) -> tuple[Snapshot, ...]:
    rows = c.execute(sa.select(t.snapshots).where(t.snapshots.c.mention_id == mention_id).order_by(t.snapshots.c.at)).mappings()
    return tuple(Snapshot(key=str(mention_id), at=r["at"], floors=frozenset(filter(None, r["floors"].split(","))), **{n: r[n] for n in METRICS}) for r in rows)


def forecast_to_json(forecast: Forecast) -> dict[str, Any]:
    """The forecast as kept; ``forecast_from_row`` is its inverse."""
    def horizon(h: Any) -> Any:
        return None if h is None else {"q": dict(h.q), "p_over": {str(k): v for k, v in h.p_over.items()}}
    return {
        "h12": horizon(forecast.h12), "h24": horizon(forecast.h24), "cold": forecast.cold,
        "path": [{**asdict(p), "at": p.at.isoformat()} for p in forecast.path],
        "crosses_at": {str(k): v.isoformat() if v else None for k, v in forecast.crosses_at.items()},
        "reasons": [{"code": r.code, "values": dict(r.values)} for r in forecast.reasons],
    }


def forecast_from_row(row: Mapping[Any, Any]) -> Forecast:
    from incidents.model import ForecastReason, Horizon, PathPoint

    body = row["body"]
    def horizon(h: Any) -> Horizon | None:
        return None if h is None else Horizon(q=h["q"], p_over={int(k): v for k, v in h["p_over"].items()})
    return Forecast(
        metric=row["metric"], platform=row["platform"], first_seen=row["first_seen"], made_at=row["made_at"], observed=row["observed"],
        h12=horizon(body["h12"]), h24=horizon(body["h24"]), cold=body["cold"], model=row["model"], abstains=row["abstains"],
        path=tuple(PathPoint(**{**p, "at": datetime.fromisoformat(p["at"])}) for p in body["path"]),
        crosses_at={int(k): datetime.fromisoformat(v) if v else None for k, v in body["crosses_at"].items()},
        reasons=tuple(ForecastReason(code=r["code"], values=r["values"]) for r in body["reasons"]))

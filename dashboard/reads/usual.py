"""What was told to whom, what is not seen, what is mine to do, and what a brand's usual day is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from dashboard import desk
from dashboard.reads.kept import ROWS, briefly
from incidents import now
from incidents.model import Task
from incidents.store import tables as t
from incidents.store.engine import reading
from incidents.store.incidents import task_from_row
from incidents.store.outbox import Told
from incidents.store.sources import SourceState

LOCAL = 8 * 3600 * 1000  # Asia/Shanghai has no summer time since 1991
DAY = 86_400_000


@briefly(2.0)
def sources() -> tuple[SourceState, ...]:
    return tuple(desk.here().ledger.sources.all())


@briefly(2.0)
def alerts(dead: bool = False) -> tuple[Told, ...]:
    outbox = desk.here().ledger.outbox
    return tuple(outbox.dead(ROWS) if dead else outbox.newest(ROWS))


@briefly(2.0)
def titles(ids: tuple[int, ...]) -> dict[int, tuple[str, str]]:
    """Incident id → (number, title)."""
    i = t.incidents.c
    with reading(desk.here().ledger.engine) as c:
        return {row.id: (row.number, row.title) for row in c.execute(sa.select(i.id, i.number, i.title).where(i.id.in_(ids[:ROWS])))}


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Alerts told to one person today, and what people said of all alerts in 30 days."""

    today: int
    right_today: int
    wrong_today: int
    right: int
    wrong: int


@briefly(5.0)
def budget(login: str, day_start: datetime) -> Budget:
    o = t.outbox.c
    told = o.state.in_(("sent", "unconfirmed"))
    rated = sa.func.coalesce(o.rating, "")
    right, wrong = sa.case((rated == "right", 1), else_=0), sa.case((rated.startswith("wrong"), 1), else_=0)
    with reading(desk.here().ledger.engine) as c:
        mine = c.execute(sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(right), 0), sa.func.coalesce(sa.func.sum(wrong), 0))
                         .where(told, o.person == login, o.sent_at >= day_start)).one()
        every = c.execute(sa.select(sa.func.coalesce(sa.func.sum(right), 0), sa.func.coalesce(sa.func.sum(wrong), 0))
                          .where(o.rating.isnot(None), o.created_at >= day_start - timedelta(days=30))).one()
    return Budget(today=mine[0], right_today=mine[1], wrong_today=mine[2], right=every[0], wrong=every[1])


@briefly(2.0)
def my_tasks(roles: tuple[str, ...], limit: int = 6) -> tuple[tuple[tuple[Task, str, str], ...], int, int]:
    """(open lines of one's roles in open incidents with brand and number, how many in all, how many due and undone before now)."""
    k, i = t.tasks.c, t.incidents.c
    at = now.world()
    mine = sa.and_(i.closed_at.is_(None), k.done_at.is_(None), k.role.in_(roles), i.episode == k.episode)
    joined = t.tasks.join(t.incidents, i.id == k.incident_id)
    with reading(desk.here().ledger.engine) as c:
        many, late = c.execute(sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(sa.case((k.due_at <= at, 1), else_=0)), 0)).select_from(joined).where(mine)).one()
        rows = c.execute(sa.select(t.tasks, i.brand, i.number).select_from(joined).where(mine).order_by(k.due_at.is_(None), i.grade.desc(), k.due_at).limit(limit)).mappings().all()
    return tuple((task_from_row(row), row["brand"], row["number"]) for row in rows), int(many), int(late)


@dataclass(frozen=True, kw_only=True)
class Volume:
    """Mentions of one brand today, and its usual range up to this hour (None: too few days to say)."""

    brand: str
    today: int
    usual: tuple[int, int] | None
    hours: tuple[int, ...]  # today, hour by hour


ENOUGH_DAYS = 5


@briefly(30.0)
def volumes(brands: tuple[str, ...], at_minute: datetime) -> tuple[Volume, ...]:
    """Each brand against its own last 14 days, counted up to the same minute of the day."""
    start = _day_start(at_minute)
    passed = int((at_minute - start).total_seconds() * 1000)
    d = sa.type_coerce(t.mention_brands.c.dated, sa.BigInteger)
    day, hour = (d + LOCAL) // DAY, ((d + LOCAL) % DAY) // 3_600_000
    begin, today = int(start.timestamp() * 1000), (int(start.timestamp() * 1000) + LOCAL) // DAY
    found = []
    with reading(desk.here().ledger.engine) as c:
        for brand in brands:
            own = t.mention_brands.c.brand == brand
            days = dict(c.execute(sa.select(day, sa.func.count()).where(own, d >= begin - 14 * DAY, d < begin, (d + LOCAL) % DAY < passed).group_by(day)).all())
            hours = dict(c.execute(sa.select(hour, sa.func.count()).where(own, d >= begin, d <= begin + passed).group_by(hour)).all())
            known = c.execute(sa.select(sa.func.min(d)).where(own)).scalar()
            found.append(_volume(brand, days, hours, today, known, at_minute))
    return tuple(found)


def _volume(brand: str, days: dict[int, int], hours: dict[int, int], today: int, known: int | None, at: datetime) -> Volume:
    first = today if known is None else max(today - 14, (known + LOCAL) // DAY + 1)  # the first, broken day does not count
    past = sorted(days.get(one, 0) for one in range(first, today))
    usual = None
    if len(past) >= ENOUGH_DAYS:
        usual = (past[round((len(past) - 1) * 0.1)], past[round((len(past) - 1) * 0.9)])
    return Volume(brand=brand, today=sum(hours.values()), usual=usual, hours=tuple(hours.get(h, 0) for h in range(now.shanghai(at).hour + 1)))


def _day_start(at: datetime) -> datetime:
    return now.shanghai(at).replace(hour=0, minute=0, second=0, microsecond=0)


def day_start(at: datetime) -> datetime:
    """Midnight in Shanghai before ``at``."""
    return _day_start(at)


@briefly(2.0)
def preference(login: str, name: str) -> str | None:
    return desk.here().ledger.people.preference(login, name)


def anybody_has_a_password() -> bool:
    p = t.people.c
    with reading(desk.here().ledger.engine) as c:
        return c.execute(sa.select(p.id).where(p.password.isnot(None), p.active).limit(1)).first() is not None

"""The world clock, kept in the ledger so that every process reads the same and a stopped drill stands still."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from incidents import now
from incidents.errors import LedgerError
from incidents.settings import Settings
from incidents.store import tables as t
from incidents.store.engine import reading, writing

BEAT = timedelta(seconds=1)  # machine time between two heartbeats of the supervisor


class ClockStore:
    """World time of a ledger. On real sources (speed 1, no origin) it is the machine's own."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings

    @property
    def _real(self) -> bool:
        return self._settings.clock.origin is None and self._settings.clock.speed == 1.0

    def run(self) -> None:
        """The supervisor's call: let the world go on from where it stood (or begin it)."""
        moment = now.machine()
        with writing(self._engine) as c:
            row = c.execute(sa.select(t.clock)).mappings().first()
            origin = self._settings.clock.origin or moment
            if row is None:
                c.execute(sa.insert(t.clock).values(id=1, origin=origin, speed=self._settings.clock.speed, world=origin,
                                                    machine=None if self._real else moment, reserved_until=origin))
            else:
                self._check(row["speed"], row["origin"])
                if not self._real:
                    c.execute(sa.update(t.clock).values(world=row["reserved_until"], machine=moment))
        self.beat()
        self.follow()

    def _check(self, speed: float, origin: datetime) -> None:
        wanted = self._settings.clock
        if speed != wanted.speed or (wanted.origin is not None and wanted.origin != origin):
            raise LedgerError(
                f"This ledger was begun at speed {speed:g} from {origin.isoformat()}; the settings say {wanted.speed:g}"
                f"{'' if wanted.origin is None else ' from ' + wanted.origin.isoformat()}. "
                "Set [clock] back, or point `data` at a new folder."
            )

    def beat(self) -> None:
        """Reserve the world time until after the next beat: after a kill the world resumes there and never runs back."""
        if self._real:
            return
        with writing(self._engine) as c:
            row = c.execute(sa.select(t.clock.c.world, t.clock.c.machine, t.clock.c.speed)).one()
            if row.machine is None:
                return
            ahead = now.Anchor(world=row.world, machine=row.machine, speed=row.speed).at(now.machine() + 2 * BEAT)
            c.execute(sa.update(t.clock).values(reserved_until=ahead))

    def stand(self) -> None:
        """Stop the world where it is."""
        if self._real:
            return
        with writing(self._engine) as c:
            row = c.execute(sa.select(t.clock.c.world, t.clock.c.machine, t.clock.c.speed)).one()
            if row.machine is not None:
                here = now.Anchor(world=row.world, machine=row.machine, speed=row.speed).at(now.machine())
                c.execute(sa.update(t.clock).values(world=here, machine=None, reserved_until=here))
        self.follow()

    def follow(self) -> None:
        """Set this process's ``now.world()`` by the ledger."""
        with reading(self._engine) as c:
            row = c.execute(sa.select(t.clock)).mappings().first()
        if row is None or self._real:
            now.start(None)
            return
        self._check(row["speed"], row["origin"])
        if row["machine"] is None:  # standing: the world is read, not run
            now.start(now.Anchor(world=row["world"], machine=now.machine(), speed=1e-9))
        else:
            now.start(now.Anchor(world=row["world"], machine=row["machine"], speed=row["speed"]))

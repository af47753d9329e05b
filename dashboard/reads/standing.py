"""Who does not do the work, for the top of the pages."""

from __future__ import annotations

from dashboard import desk
from dashboard.reads.kept import briefly, moment
from incidents import now
from incidents.store import standing
from incidents.store.standing import Standstill

SETTLING_S = 60.0  # the page comes up before the others do: what waited while all was off is no standstill yet
_BEGUN = now.monotonic()


def standstills() -> tuple[Standstill, ...]:
    """() is well."""
    return () if now.monotonic() - _BEGUN < SETTLING_S else _standstills()


@briefly(5.0)
def _standstills() -> tuple[Standstill, ...]:
    return standing.look(desk.here().ledger.engine, world=moment(), machine=now.machine())

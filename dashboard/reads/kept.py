"""The short memory of the reads, and world time."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from typing import ParamSpec, TypeVar

from dashboard import desk
from incidents import now

P = ParamSpec("P")
R = TypeVar("R")

ROWS = 200  # of any table on any page


def briefly(seconds: float) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep an answer for ``seconds`` of machine time; arguments must be hashable. At most 2 000 answers are kept."""
    def wrap(ask: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(ask)
        def kept(*args: P.args, **kwargs: P.kwargs) -> R:
            here, at = desk.here(), now.monotonic()
            key = (ask.__name__, args, tuple(sorted(kwargs.items())))
            found = here.kept.get(key)
            if found is not None and at - found[0] < seconds:
                return found[1]  # type: ignore[no-any-return]
            answer = ask(*args, **kwargs)
            if len(here.kept) > 2_000:
                here.kept.clear()
            here.kept[key] = (at, answer)
            return answer
        return kept
    return wrap


def forget() -> None:
    """What was kept is old: somebody has just changed something."""
    desk.here().kept.clear()


@briefly(3.0)
def _follow() -> None:
    desk.here().ledger.clock.follow()


def moment() -> datetime:
    """World time, with this process's clock in step with the ledger's (the supervisor may have stopped or restarted it)."""
    _follow()
    return now.world()

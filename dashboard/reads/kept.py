"""The short memory of the reads, and world time."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

from dashboard import desk
from incidents import now

P = ParamSpec("P")
R = TypeVar("R")

ROWS = 200  # of any table on any page
MANY, MOST = 200, 2_000  # answers: from so many on old ones are dropped; never more than so many
LONGEST_S = 60.0  # no answer is kept for longer


def briefly(seconds: float) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep an answer for ``seconds`` of machine time; arguments must be hashable. Old ones are dropped when there are many."""
    def wrap(ask: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(ask)
        def kept(*args: P.args, **kwargs: P.kwargs) -> R:
            here, at = desk.here(), now.monotonic()
            key = (ask.__name__, args, tuple(sorted(kwargs.items())))
            found = here.kept.get(key)
            if found is not None and at - found[0] < seconds:
                return found[1]  # type: ignore[no-any-return]
            answer = ask(*args, **kwargs)
            if len(here.kept) > MANY:
                _drop(here.kept, at - LONGEST_S)
            here.kept[key] = (at, answer)
            return answer
        return kept
    return wrap


def _drop(kept: dict[Any, tuple[float, Any]], before: float) -> None:
    """Let go of what nobody may use any more: who types a search leaves an answer of fifty mentions behind at each pause."""
    for key, (at, _) in list(kept.items()):
        if at < before or len(kept) > MOST:
            kept.pop(key, None)


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

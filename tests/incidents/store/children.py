"""Real processes for tests: forked, so that they start in a moment, and killed for real."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable


def begin(work: Callable[[], None]) -> int:
    """Run ``work`` in a child; returns its process id."""
    if (child := os.fork()) == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def end_of(child: int) -> int:
    """Wait for the child; its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run(work: Callable[[], None]) -> int:
    return end_of(begin(work))


def die() -> None:
    """The end that nothing can catch."""
    os.kill(os.getpid(), signal.SIGKILL)

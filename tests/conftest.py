"""What all tests share: where training data may lie, and a clock that is put back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents import now

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def real_time_after() -> Iterator[None]:
    """No test leaves its world clock to the next."""
    yield
    now.start(None)


@pytest.fixture
def shared() -> Path:
    """The folder of other people's data, for tests only; skipped by name where it is not."""
    folder = Path(os.environ.get("YUJING_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("no shared data (set YUJING_SHARED)")
    return folder

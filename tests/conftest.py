"""What all tests share: where training data may lie, a clock that is put back, and which tests `make check` leaves to `make test`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from incidents import now

ROOT = Path(__file__).resolve().parent.parent
PROCESS = re.compile(r"\bsubprocess\b|\bserving\(|\bprovider\(|HTTPServer|\bAppTest\b|\bSupervisor\(|\bPopen\b")
LONG = frozenset((  # files that start nothing and still take seconds (measured with --durations; more than 1.5 s each)
    "tests/incidents/store/test_migrations.py", "tests/nlp/test_evaluate.py", "tests/nlp/risk/test_cases.py", "tests/crawlers/parse/test_news.py",
    "tests/nlp/training/test_labelled.py", "tests/incidents/test_stories_agree.py", "tests/incidents/test_incidents.py", "tests/incidents/store/test_damage.py",
    "tests/incidents/query/test_agreement.py", "tests/incidents/store/test_scrub.py", "tests/incidents/query/test_watch.py", "tests/incidents/store/test_ledger_sqlite.py",
    "tests/monitor/drill/test_growth.py", "tests/monitor/test_track_keeping.py", "tests/monitor/test_doctor.py", "tests/incidents/store/test_erasure.py",
    "tests/incidents/store/test_eager.py",
))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is not a fast test of pure code: ``process`` by what the file starts, ``long`` by what was measured."""
    for one in items:
        if one.path.is_relative_to(ROOT / "tests" / "dashboard") or starts_something(one.path):
            one.add_marker(pytest.mark.process)
        if one.path.is_relative_to(ROOT) and one.path.relative_to(ROOT).as_posix() in LONG:
            one.add_marker(pytest.mark.long)


@lru_cache(maxsize=1024)
def starts_something(file: Path) -> bool:
    return PROCESS.search(file.read_text(encoding="utf-8")) is not None


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

"""The rows of the fault matrix that take a minute or less each, as ``make faults`` runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("row", [4, 5, 6, 7, 10, 17, 18])
def test_the_row_keeps_its_promise(row: int) -> None:
    done = subprocess.run([sys.executable, "bench/faults.py", "--rows", str(row)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=590)
    if done.stdout.startswith("skip"):
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0 and done.stdout.startswith("ok"), done.stdout + done.stderr[-2000:]


@pytest.mark.slow
def test_killed_at_random_nothing_is_lost() -> None:
    done = subprocess.run([sys.executable, "bench/faults.py", "--rows", "1", "--kills", "12"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=590)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]

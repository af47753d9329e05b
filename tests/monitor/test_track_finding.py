from __future__ import annotations

from pathlib import Path

import pytest

from monitor import track_finding
from tests.incidents.builders import HOUR, T0, ledger_in


def body(matured: int, hits: int, *, drift: bool = False) -> dict[str, object]:
    return {"matured": matured, "enough": 30, "ages": [{"covered_80": {"hits": hits, "count": matured}}], "drift": [{}] if drift else [],
            "drift_since": T0.isoformat() if drift else None}


@pytest.mark.parametrize(("kept", "mark", "wanted"), [
    (body(12, 9), "✓", "12 条提及有了结果"), (body(100, 81), "✓", "覆盖 81%"), (body(100, 40, drift=True), "!", "自 11-20 10:00 起不再可靠")])
def test_the_doctor_says_whether_the_intervals_hold(tmp_path: Path, kept: dict[str, object], mark: str, wanted: str) -> None:
    ledger = ledger_in(tmp_path)
    assert list(track_finding.look(ledger)) == []
    ledger.forecasts.keep_track("", kept, T0 + HOUR)
    (finding,) = track_finding.look(ledger)
    assert finding.line().startswith(f"{mark} track:") and wanted in finding.what and not finding.bad

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from incidents.errors import ModelError
from nlp.forecast import shipped


def test_an_altered_file_is_not_read(tmp_path, monkeypatch):
    content = bytearray((shipped.FOLDER / shipped.GROWN_ARRAYS).read_bytes())
    content[-100] ^= 1
    (tmp_path / shipped.GROWN_ARRAYS).write_bytes(content)
    table = json.loads((shipped.FOLDER / shipped.GROWN).read_text(encoding="utf-8"))
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    with pytest.raises(ModelError, match="is not the one that was trained"):
        shipped.arrays(shipped.GROWN_ARRAYS, table)


def test_a_missing_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    with pytest.raises(ModelError, match=r"nothing\.json"):
        shipped.read("nothing.json")


def test_a_weibo_forecast_needs_no_heavy_library():
    """LightGBM, scikit-learn, scipy and torch stay unread until something asks for them."""
    asked = {
        "id": 1, "platform": "weibo", "metric": "reposts", "first_seen": "2026-11-20T10:00:00+08:00", "text": "转发",
        "now": "2026-11-20T11:00:00+08:00", "snapshots": [{"at": "2026-11-20T11:00:00+08:00", "reposts": 40}],
    }
    code = (
        "import sys; from nlp.forecast.lines import run; run(sys.stdin.buffer, sys.stdout.buffer); "
        "print([m for m in ('lightgbm', 'sklearn', 'scipy', 'torch', 'pandas') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], input=json.dumps(asked), capture_output=True, text=True, check=True).stdout
    answer, loaded = said.splitlines()
    assert json.loads(answer)["24h"] and loaded == "[]"

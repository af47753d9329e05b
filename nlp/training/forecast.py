"""Train everything that forecasts: ``python -m nlp.training.forecast --data FOLDER``.

FOLDER holds ``cascades/`` and ``hot/``. The model files are written into the package; the same data gives the
same files, byte for byte.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from nlp.forecast import shipped
from nlp.training import forecast_szabo
from nlp.training.forecast_cascades import Cascade, read, shared_folder

VERSION = "1"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=shared_folder() / "data")
    parser.add_argument("--into", type=Path, default=shipped.FOLDER)
    asked = parser.parse_args(argv)
    asked.into.mkdir(parents=True, exist_ok=True)
    cascades = read(asked.data)
    print(f"{len(cascades)} cascades, {cascades[0].appeared:%Y-%m-%d} to {cascades[-1].appeared:%Y-%m-%d}", flush=True)
    train_szabo(cascades, asked.into)
    return 0


def train_szabo(cascades: Sequence[Cascade], into: Path) -> None:
    table = {
        "version": VERSION, "cascades": len(cascades), "until": f"{cascades[-1].appeared:%Y-%m-%d}",
        "series": {"weibo/reposts": forecast_szabo.fit(cascades)},
    }
    (into / shipped.SZABO).write_text(json.dumps(table, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"Szabo–Huberman: {shipped.SZABO} written", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())

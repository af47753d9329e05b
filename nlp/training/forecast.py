"""Train everything that forecasts: ``python -m nlp.training.forecast --data FOLDER``.

FOLDER holds ``cascades/`` and ``hot/``. The model files are written into the package; the same data gives the
same numbers.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nlp.forecast import shipped
from nlp.training import forecast_grown, forecast_szabo
from nlp.training.forecast_cascades import Cascade, read, shared_folder

VERSION = "1"
say = partial(print, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=shared_folder() / "data", help="folder with cascades/ and hot/")
    parser.add_argument("--into", type=Path, default=shipped.FOLDER, help="where the model files go")
    asked = parser.parse_args(argv)
    asked.into.mkdir(parents=True, exist_ok=True)
    cascades = read(asked.data)
    say(f"{len(cascades)} cascades, {cascades[0].appeared:%Y-%m-%d} to {cascades[-1].appeared:%Y-%m-%d}")
    train_szabo(cascades, asked.into)
    train_grown(cascades, asked.into)
    return 0


def train_szabo(cascades: Sequence[Cascade], into: Path) -> None:
    """Constants and residuals of the log-linear law."""
    write(into / shipped.SZABO, {**_origin(cascades), "series": {"weibo/reposts": forecast_szabo.fit(cascades)}})


def train_grown(cascades: Sequence[Cascade], into: Path) -> None:
    """The forest and its residuals."""
    table, arrays = forecast_grown.fit(cascades, say=say)
    write(into / shipped.GROWN, {**_origin(cascades), **table})
    named: dict[str, Any] = dict(arrays)
    np.savez_compressed(into / shipped.GROWN_ARRAYS, **named)
    say(f"{shipped.GROWN_ARRAYS} written, {(into / shipped.GROWN_ARRAYS).stat().st_size / 1e6:.1f} MB")


def _origin(cascades: Sequence[Cascade]) -> dict[str, Any]:
    return {"version": VERSION, "cascades": len(cascades), "until": f"{cascades[-1].appeared:%Y-%m-%d}"}


def write(path: Path, table: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(table, ensure_ascii=False) + "\n", encoding="utf-8")
    say(f"{path.name} written")


if __name__ == "__main__":
    raise SystemExit(main())

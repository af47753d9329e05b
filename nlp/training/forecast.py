"""Train everything that forecasts: ``python -m nlp.training.forecast --data FOLDER``.

FOLDER holds ``cascades/`` and ``hot/``. The model files are written into the package; the same data gives the
same numbers. About 10 minutes on one idle core, most of it for the hot lists; ``--only`` trains one model.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nlp.forecast import shipped
from nlp.training import forecast_cascades, forecast_grown, forecast_hot, forecast_lists, forecast_szabo
from nlp.training.forecast_cascades import Cascade
from nlp.training.forecast_lists import Entry

VERSION = "1"
LISTS_VERSION = "2"
MODELS = ("szabo-huberman", "grown", *forecast_lists.LISTS)
say = partial(print, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=forecast_cascades.shared_folder() / "data", help="folder with cascades/ and hot/")
    parser.add_argument("--into", type=Path, default=shipped.FOLDER, help="where the model files go")
    parser.add_argument("--only", choices=MODELS, action="append", help="train this one (may be given again)")
    asked = parser.parse_args(argv)
    asked.into.mkdir(parents=True, exist_ok=True)
    wanted = asked.only or MODELS
    if {"szabo-huberman", "grown"} & set(wanted):
        cascades = forecast_cascades.read(asked.data)
        say(f"{len(cascades)} cascades, {cascades[0].appeared:%Y-%m-%d} to {cascades[-1].appeared:%Y-%m-%d}")
        if "szabo-huberman" in wanted:
            train_szabo(cascades, asked.into)
        if "grown" in wanted:
            train_grown(cascades, asked.into)
    for name in forecast_lists.LISTS:
        if name in wanted:
            train_list(name, forecast_lists.read(asked.data, name), asked.into)
    return 0


def train_szabo(cascades: Sequence[Cascade], into: Path) -> None:
    """Constants and residuals of the log-linear law."""
    write(into / shipped.SZABO, {**_origin(cascades), "series": {"weibo/reposts": forecast_szabo.fit(cascades)}})


def train_grown(cascades: Sequence[Cascade], into: Path) -> None:
    """The forest and its residuals."""
    table, arrays = forecast_grown.fit(cascades, say=say)
    save(into / shipped.GROWN_ARRAYS, arrays)
    write(into / shipped.GROWN, {**_origin(cascades), **table, **digests(into / shipped.GROWN_ARRAYS)})


def train_list(name: str, entries: Sequence[Entry], into: Path) -> None:
    """One hot list: a table, and in one file of arrays the two boosters (LightGBM's own text, as bytes), wording and levels."""
    table, boosters, made = forecast_hot.fit(name, entries, say=say)
    texts = {part: np.frombuffer(text.encode("utf-8"), dtype=np.uint8) for part, text in boosters.items()}
    save(into / f"{name}.npz", {**texts, **made})
    write(into / f"{name}.json", {"version": LISTS_VERSION, "until": f"{entries[-1].first_seen:%Y-%m-%d}", **table, **digests(into / f"{name}.npz")})


def _origin(cascades: Sequence[Cascade]) -> dict[str, Any]:
    return {"version": VERSION, "cascades": len(cascades), "until": f"{cascades[-1].appeared:%Y-%m-%d}"}


def digests(*files: Path) -> dict[str, dict[str, str]]:
    """SHA-256 of the files that belong to a table: what is altered afterwards is not read."""
    return {"sha256": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}}


def write(path: Path, table: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(table, ensure_ascii=False) + "\n", encoding="utf-8")
    say(f"{path.name} written")


def save(path: Path, arrays: Mapping[str, Any]) -> None:
    named: dict[str, Any] = dict(arrays)
    np.savez_compressed(path, **named)
    say(f"{path.name} written, {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    raise SystemExit(main())

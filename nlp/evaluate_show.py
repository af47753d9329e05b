"""What an evaluation looks like: tables for a terminal, pictures for people."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from incidents.errors import ModelError
from incidents.now import cpu_seconds
from nlp.sentiment.reading import CLASSES, Ask, Reading, SentimentModel
from nlp.sentiment.remember import Remembering
from nlp.training.labelled import Row


class Share(Protocol):
    """A share between 0 and 1."""

    @property
    def value(self) -> float: ...


class Result(Protocol):
    """What the tables need of a result of nlp.evaluate."""

    @property
    def rows(self) -> int: ...

    @property
    def accuracy(self) -> Share: ...

    @property
    def macro_f1(self) -> Share: ...


BINS = 10
SLOWEST = 5


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Texts a second of CPU time, nothing cached, and the single texts that took longest (ms, characters)."""

    a_second: float
    slowest: tuple[tuple[float, int], ...]


def speed(model: SentimentModel, texts: Sequence[Ask], batch: int = 256) -> Speed:
    """Read ``texts`` in batches as ``yujing score`` does; then the longest ones singly."""
    model.read(texts[:batch])
    begun = cpu_seconds()
    for at in range(0, len(texts), batch):
        model.read(texts[at : at + batch])
    rate = len(texts) / max(1e-9, cpu_seconds() - begun)
    singly = [(_alone(model, ask), len(ask.text)) for ask in sorted(texts, key=lambda ask: -len(ask.text))[:40]]
    return Speed(a_second=rate, slowest=tuple(sorted(singly, reverse=True)[:SLOWEST]))


def _alone(model: SentimentModel, ask: Ask) -> float:
    begun = cpu_seconds()
    model.read([ask])
    return 1000 * (cpu_seconds() - begun)


def speed_line(name: str, found: Speed) -> str:
    slow = ", ".join(f"{milliseconds:.0f} ms ({length} characters)" for milliseconds, length in found.slowest)
    return f"{name}: {found.a_second:.0f} texts/s of CPU time, nothing cached; slowest single texts {slow}"


def kept_line(model: SentimentModel, texts: Sequence[Ask]) -> str:
    """What remembering is worth: the same texts a second time, as reposts come in. Apart from the speed itself."""
    remembering = Remembering(model)
    remembering.read(texts)
    begun = cpu_seconds()
    remembering.read(texts)
    return f"{model.name}: {len(texts) / max(1e-9, cpu_seconds() - begun):.0f} texts/s of CPU time of texts that were read before (the cache alone)"


def progress(what: str) -> None:
    """Say on stderr what is being measured: the whole takes minutes."""
    sys.stderr.write(f"… {what}\n")
    sys.stderr.flush()


def side_by_side(by_model: Mapping[str, Mapping[str, Result]]) -> list[str]:
    """Accuracy and macro-F1 of several models on the same rows."""
    names = list(by_model)
    lines = [f"{'':24}{'rows':>6}  " + "  ".join(f"{name[:22]:>22}" for name in names)]
    for group, first in sorted(by_model[names[0]].items()):
        cells = [f"{100 * by_model[name][group].accuracy.value:.1f} / {100 * by_model[name][group].macro_f1.value:.1f}" for name in names]
        lines.append(f"{group:24}{first.rows:6}  " + "  ".join(f"{cell:>22}" for cell in cells))
    return lines


def confusion(rows: Sequence[Row], readings: Sequence[Reading]) -> list[str]:
    """Of each domain's three-class rows: what was labelled (down) and what was said (across)."""
    lines = []
    for domain in dict.fromkeys(row.domain for row in rows if row.scheme == "three"):
        counts = np.zeros((3, 3), np.int64)
        for row, reading in zip(rows, readings, strict=True):
            if row.domain == domain and row.scheme == "three":
                counts[CLASSES.index(row.label), int(np.argmax(reading.probabilities))] += 1
        lines.append(f"{domain + ', labelled (down), said (across)':36}" + "".join(f"{name:>10}" for name in CLASSES))
        lines.extend(f"  {name:34}" + "".join(f"{n:10}" for n in line) for name, line in zip(CLASSES, counts.tolist(), strict=True))
    return lines


def reliability_plot(by_domain: Mapping[str, tuple[NDArray[np.float64], NDArray[np.bool_]]], path: Path) -> None:
    """Said and came true, by domain, as a PNG; each value is (probability of the chosen class, whether it was right).

    Raises:
        ModelError: matplotlib (the extra ``training``) is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ModelError("The reliability plot needs matplotlib: pip install matplotlib.") from error
    figure = Figure(figsize=(5, 5))
    axes = figure.subplots()
    axes.plot((0.3, 1), (0.3, 1), linestyle="--", color="grey", linewidth=1)
    for domain, (sure, hit) in by_domain.items():
        said, came = _bins(sure, hit)
        axes.plot(said, came, marker="o", markersize=4, label=domain)
    axes.set(xlabel="probability of the chosen class", ylabel="share that was right", xlim=(0.3, 1), ylim=(0.3, 1))
    axes.legend()
    figure.savefig(path, dpi=120, bbox_inches="tight")


def _bins(sure: NDArray[np.float64], hit: NDArray[np.bool_]) -> tuple[list[float], list[float]]:
    """Means of BINS groups of equal size."""
    parts = [part for part in np.array_split(np.argsort(sure), BINS) if len(part)]
    return [float(sure[part].mean()) for part in parts], [float(hit[part].mean()) for part in parts]

"""Every figure of the judgement by one command: ``yujing evaluate [--model NAME] [--unknown] [--out FOLDER]``.

Sentiment by source and domain reads the held-out part of the shared labelled set, which no training and no choice has
seen; each figure comes with a 95 % bootstrap interval (Efron 1979, percentile, 400 draws). The hard cases and all that is
judged beside sentiment read the cases of nlp/cases and need no shared data. ``nlp/floors.json`` holds what must be
reached; it only rises.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from incidents.errors import ModelError
from nlp import evaluate_beside as beside
from nlp import evaluate_show as show
from nlp.peers import Snow
from nlp.sentiment.choose import SHIPPED, load
from nlp.sentiment.reading import CLASSES, DOMAINS, Ask, Reading, SentimentModel
from nlp.training.labelled import Row, labelled_file, rows

FLOORS = Path(__file__).with_name("floors.json")
HARD = Path(__file__).with_name("hard_cases.toml")
DRAWS, SEED, BINS = 400, 20261122, 15
Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A share between 0 and 1 with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.value:5.1f} [{100 * self.low:.1f}–{100 * self.high:.1f}]"


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was measured on the rows of one source or domain.

    ``accuracy`` and ``macro_f1`` are among the classes that the annotators had to choose from; ``ece`` is the
    expected calibration error of the chosen class. ``recall`` and ``precision`` are those of ``alarm`` on
    negative rows, ``neutral`` the share of rows that the model calls neutral when all classes are open.
    """

    rows: int
    accuracy: Figure
    macro_f1: Figure
    ece: float
    recall: Figure
    precision: Figure
    neutral: float


@dataclass(frozen=True, kw_only=True)
class _Answers:
    """Rows as numbers: probabilities among the allowed classes, the chosen and the right class, alarms, negatives."""

    shares: Floats
    chosen: Whole
    right: Whole
    alarms: NDArray[np.bool_]
    negative: NDArray[np.bool_]
    neutral: NDArray[np.bool_]

    def part(self, places: Whole) -> _Answers:
        return _Answers(**{name: values[places] for name, values in vars(self).items()})


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m nlp.evaluate", description=__doc__)
    arguments(parser)
    asked = parser.parse_args()
    return run(asked.model or [SHIPPED], sys.stdout, unknown=asked.unknown, part=asked.part, peer_rows=asked.peer_rows, out_folder=asked.out)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``yujing evaluate``."""
    parser.add_argument("--model", action="append", metavar="NAME|FOLDER|HUB-ID", help="as for yujing score, and snownlp; given twice or more: side by side")
    parser.add_argument("--unknown", action="store_true", help="do not tell the model the domain")
    parser.add_argument("--part", default="test", choices=("dev", "test"))
    parser.add_argument("--peer-rows", type=int, default=60, metavar="N", help="rows of each source on which the models, the floor and SnowNLP are put side by side; 0: not at all")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where the reliability plot, sentiment-NAME.json and judgement.json go")


Also = Callable[[str], list[str]]


def run(models: Sequence[str], out: TextIO, *, unknown: bool = False, part: str = "test", peer_rows: int = 0, out_folder: Path | None = None,
        also: Sequence[Also] = (beside.working, beside.stories)) -> int:
    """Print the tables of the models; 1 when a figure is below its floor. Without the labelled set only what ships is measured.

    What stands beside sentiment is measured with the first of the models that a judge can work with; ``also`` are
    slower parts that are given that model. Progress goes to stderr.
    """
    if out_folder is not None:
        out_folder.mkdir(parents=True, exist_ok=True)
    every, bound = _every_row(out), part == "test" and not unknown
    held_out = [row for row in every if row.part == part]
    below = [line for model in models for line in _one(model, held_out, out, unknown=unknown, bound=bound, folder=out_folder)]
    if peer_rows and held_out:
        show.progress(f"side by side with the floor and SnowNLP on {peer_rows} rows of each source")
        _peers(models, _some(held_out, peer_rows), out, unknown=unknown)
    below += _beside(models, [row.text for row in every], out, out_folder, also)
    for line in below:
        out.write(f"below its floor: {line}\n")
    return int(bool(below))


def _every_row(out: TextIO) -> list[Row]:
    if not labelled_file().exists():
        out.write("There is no shared labelled set: sentiment by domain and escalation in real texts are left out. "
                  f"Set YUJING_SHARED to the folder of the training data ({labelled_file().name} under data/sentiment).\n\n")
        return []
    show.progress("reading the labelled set")
    return list(rows(labelled_file()))


def _beside(models: Sequence[str], texts: Sequence[str], out: TextIO, folder: Path | None, also: Sequence[Also]) -> list[str]:
    """Print what is judged beside sentiment; the figures that are below their floors."""
    model = next((name for name in models if name != "snownlp"), SHIPPED)
    show.progress(f"the judgement beside sentiment, with {model}")
    lines, below = beside.judgement(model, texts, json.loads(FLOORS.read_text(encoding="utf-8"))["judgement"], folder)
    out.write("\n".join(lines) + "\n\n")
    for part in also:
        show.progress((part.__doc__ or "more").partition(":")[0])
        out.write("\n".join(part(model)) + "\n\n")
    return below


def _one(model: str, held_out: Sequence[Row], out: TextIO, *, unknown: bool, bound: bool, folder: Path | None) -> list[str]:
    """Print what one model reaches; the figures that are below its floors."""
    loaded = chosen(model)
    if not held_out:
        out.write("\n".join([f"# {loaded.name}", *hard(loaded)]) + "\n\n")
        return []
    show.progress(f"{loaded.name} reads {len(held_out)} held-out texts")
    readings = loaded.read(_asks(held_out, unknown))
    results = results_of(held_out, readings)
    show.progress(f"the speed of {loaded.name}")
    rates = [show.speed_line(loaded.name, show.speed(loaded, _asks(_mix(held_out), unknown))), show.kept_line(loaded, _asks(_mix(held_out), unknown))]
    lines = [f"# {loaded.name}", *table(results), "", *show.confusion(held_out, readings), "", *hard(loaded), "", *rates]
    out.write("\n".join(lines) + "\n\n")
    if folder is not None:
        show.reliability_plot(_reliability(held_out, readings), folder / f"reliability-{Path(model).name}.png")
        (folder / f"sentiment-{Path(model).name}.json").write_text(json.dumps({name: asdict(one) for name, one in results.items()}, indent=1), encoding="utf-8")
    return under(results, floors(model)) if bound else []


def _peers(models: Sequence[str], some: Sequence[Row], out: TextIO, *, unknown: bool) -> None:
    """The models, the floor and SnowNLP on the same few rows: accuracy / macro-F1, and speed."""
    names = list(dict.fromkeys([*models, "floor", "snownlp"]))
    found, speeds = {}, []
    for name in names:
        try:
            loaded = chosen(name)
        except ModelError as error:
            out.write(f"{name} is left out: {error}\n")
            continue
        found[name] = results_of(some, loaded.read(_asks(some, unknown)))
        speeds.append(show.speed_line(loaded.name, show.speed(loaded, _asks(some, unknown))))
    out.write("\n".join(["# side by side, accuracy / macro-F1", *show.side_by_side(found), "", *speeds]) + "\n")


def chosen(model: str) -> SentimentModel:
    """As nlp.sentiment.choose, nothing remembered, and the peer ``snownlp``."""
    return Snow() if model == "snownlp" else load(model)


def _asks(part: Sequence[Row], unknown: bool) -> list[Ask]:
    return [Ask(text=row.text, domain=None if unknown else row.domain) for row in part]


def _some(held_out: Sequence[Row], most: int) -> list[Row]:
    """The first ``most`` rows of each source: the split is by hash, so their order means nothing."""
    by_source: defaultdict[str, list[Row]] = defaultdict(list)
    for row in held_out:
        by_source[row.source].append(row)
    return [row for part in by_source.values() for row in part[:most]]


def _mix(held_out: Sequence[Row], most: int = 2000) -> list[Row]:
    """A mix as sources bring it: half weibo, a quarter news, the rest forums and reviews."""
    mixed: list[Row] = []
    for domain, share in {"weibo": 0.5, "news": 0.25, "forum": 0.15, "review": 0.1}.items():
        mixed.extend([row for row in held_out if row.domain == domain][: round(most * share)])
    return sorted(mixed, key=lambda row: row.text[-8:])  # domains by turns, as they come in


def _reliability(held_out: Sequence[Row], readings: Sequence[Reading]) -> dict[str, tuple[Floats, NDArray[np.bool_]]]:
    answers = _answers(held_out, readings)
    domains = np.array([row.domain for row in held_out])
    hits, sure = answers.chosen == answers.right, answers.shares.max(axis=1)
    return {name: (sure[domains == name], hits[domains == name]) for name in DOMAINS if (domains == name).any()}


def measure(model: SentimentModel, held_out: Sequence[Row], *, unknown: bool = False) -> dict[str, Result]:
    """Results by domain and, under ``domain/source``, by source."""
    return results_of(held_out, model.read(_asks(held_out, unknown)))


def results_of(held_out: Sequence[Row], readings: Sequence[Reading]) -> dict[str, Result]:
    """As ``measure``, of readings that are there."""
    answers = _answers(held_out, readings)
    groups = {domain: [row.domain == domain for row in held_out] for domain in DOMAINS}
    for domain, source in sorted({(row.domain, row.source) for row in held_out}):
        groups[f"{domain}/{source}"] = [row.source == source and row.domain == domain for row in held_out]
    return {name: _result(answers.part(np.flatnonzero(mine))) for name, mine in groups.items() if any(mine)}


def table(results: Mapping[str, Result]) -> list[str]:
    """The results as lines for a terminal; shares in per cent with their intervals."""
    lines = [f"{'':24}{'rows':>6}  {'accuracy':19}{'macro-F1':19}{'ECE':>5}  {'recall of negatives':20}{'precision':19}{'neutral':>7}"]
    lines.extend(
        f"{name:24}{r.rows:6}  {r.accuracy!s:19}{r.macro_f1!s:19}{100 * r.ece:5.1f}  {r.recall!s:20}{r.precision!s:19}{100 * r.neutral:7.1f}"
        for name, r in sorted(results.items())
    )
    return lines


def hard(model: SentimentModel, path: Path = HARD) -> list[str]:
    """Sarcasm, coded words, quiet complaints: how many are right, and how many complaints raise the alarm."""
    cases = tomllib.loads(path.read_text(encoding="utf-8"))["cases"]
    readings = model.read([Ask(text=case["text"], domain="weibo") for case in cases])
    lines = []
    for kind in dict.fromkeys(case["kind"] for case in cases):
        mine = [(case, reading) for case, reading in zip(cases, readings, strict=True) if case["kind"] == kind]
        right = sum(CLASSES[int(np.argmax(reading.probabilities))] == case["label"] for case, reading in mine)
        alarmed = sum(reading.alarm for _, reading in mine)
        lines.append(f"hard cases, {kind:8} {right} of {len(mine)} right, alarm on {alarmed}")
    return lines


def floors(model: str, path: Path = FLOORS) -> Mapping[str, Mapping[str, float]]:
    """What a model must reach, by domain: accuracy, macro_f1, recall (at least) and ece (at most)."""
    found: Mapping[str, Mapping[str, Mapping[str, float]]] = json.loads(path.read_text(encoding="utf-8"))["models"]
    return found.get(model, {})


def under(results: Mapping[str, Result], wanted: Mapping[str, Mapping[str, float]]) -> list[str]:
    """One line for each figure that is below its floor (for ece: above)."""
    lines = []
    for name, figures in wanted.items():
        for figure, bound in figures.items():
            value = getattr(results[name], figure)
            value = value.value if isinstance(value, Figure) else value
            if (value > bound) if figure == "ece" else (value < bound):
                lines.append(f"{name} {figure} is {value:.4f}, its floor {bound:.4f}")
    return lines


def _answers(held_out: Sequence[Row], readings: Sequence[Reading]) -> _Answers:
    open_to_all = np.array([reading.probabilities for reading in readings])
    shares, right = np.zeros((len(held_out), 3)), np.zeros(len(held_out), np.int64)
    for at, row in enumerate(held_out):
        shares[at], right[at] = _among(row, open_to_all[at])
    return _Answers(
        shares=shares,
        chosen=shares.argmax(axis=1),
        right=right,
        alarms=np.array([reading.alarm for reading in readings]),
        negative=np.array([row.label == "negative" for row in held_out]),
        neutral=open_to_all.argmax(axis=1) == 1,
    )


def _among(row: Row, probabilities: Floats) -> tuple[Floats, int]:
    """Probabilities among what the annotators could say, and what they said; "non-negative" takes place 1."""
    if row.scheme == "partial":
        return np.array([probabilities[0], 1 - probabilities[0], 0.0]), int(row.label != "negative")
    mask = np.isin(np.arange(3), row.allowed)
    total = probabilities[mask].sum() or 1.0
    return np.where(mask, probabilities / total, 0.0), CLASSES.index(row.label)


def _result(answers: _Answers) -> Result:
    return Result(
        rows=len(answers.right),
        accuracy=_figure(answers, lambda a: float((a.chosen == a.right).mean())),
        macro_f1=_figure(answers, _macro_f1),
        ece=_ece(answers),
        recall=_figure(answers, lambda a: float(a.alarms[a.negative].mean()) if a.negative.any() else 0.0),
        precision=_figure(answers, lambda a: float(a.negative[a.alarms].mean()) if a.alarms.any() else 0.0),
        neutral=float(answers.neutral.mean()),
    )


def _figure(answers: _Answers, measured: Callable[[_Answers], float]) -> Figure:
    dice = np.random.default_rng(SEED)
    count = len(answers.right)
    draws = [measured(answers.part(dice.integers(0, count, count))) for _ in range(DRAWS)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return Figure(value=measured(answers), low=float(low), high=float(high))


def _macro_f1(answers: _Answers) -> float:
    """Mean F1 of the classes that occur among the labels."""
    pairs = np.bincount(answers.right * 3 + answers.chosen, minlength=9).reshape(3, 3)
    said, labelled, both = pairs.sum(axis=0), pairs.sum(axis=1), pairs.diagonal()
    present = labelled > 0
    return float((2 * both[present] / (said + labelled)[present]).mean())


def _ece(answers: _Answers) -> float:
    """Expected calibration error of the chosen class in bins of equal width (Naeini et al. 2015)."""
    sure = answers.shares.max(axis=1)
    hit = answers.chosen == answers.right
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = [abs(sure[bins == at].mean() - hit[bins == at].mean()) * (bins == at).mean() for at in np.unique(bins)]
    return float(sum(gaps))


if __name__ == "__main__":
    sys.exit(main())

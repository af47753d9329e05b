"""What ``yujing evaluate`` prints beside the sentiment: the judgement's other figures, how ``yujing score`` works, story grouping."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from threading import Thread
from typing import Any

from incidents.errors import ModelError
from incidents.now import monotonic
from nlp.judge import Judge
from nlp.risk import evaluate as risk
from nlp.risk.cases import cases

ROOT = Path(__file__).resolve().parent.parent
STORIES = ROOT / "bench" / "stories.py"
HIGH_WATER = "VmHWM:"  # peak resident memory in /proc/PID/status (proc(5)), in kB


def judgement(model: str, texts: Iterable[str], bounds: Mapping[str, Mapping[str, float]], folder: Path | None) -> tuple[list[str], list[str]]:
    """The tables of issue, nature, signals and the rest with this sentiment model beside the rules, and what is below its floor.

    ``texts`` are those of the labelled set, for the second table of escalation; the figures are also written to
    ``judgement.json`` in ``folder``.

    Raises:
        ModelError: the judge cannot work with this model.
    """
    judge = Judge(model)
    found, told = [*risk.figures(judge), *risk.read_figures(judge, texts)], risk.beliefs(judge)
    if folder is not None:
        rows = [_row(one) for one in found] + [{"field": "issue.p", "half": half, "ece": risk.error(told, sealed=half == "sealed")} for half in ("open", "sealed")]
        (folder / "judgement.json").write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
    lines = [f"# judgement beside sentiment, with {judge.name}", *risk.table(found), "", *risk.calibration(told)]
    return lines, under(found, risk.error(told, sealed=True), bounds)


def _row(one: risk.Line) -> dict[str, Any]:
    shares = {"recall": one.recall} if one.name == "all" else {"precision": one.precision, "recall": one.recall}
    figures = {name: {"value": share.value, "low": share.interval[0], "high": share.interval[1], "count": share.count} for name, share in shares.items()}
    return {"field": one.field, "class": one.name, "half": "sealed" if one.sealed else "open", **figures}


def under(found: Sequence[risk.Line], ece: float, bounds: Mapping[str, Mapping[str, float]]) -> list[str]:
    """One line for each figure of the sealed half that is below its floor (for ece: above). What was not measured has none."""
    whole = {one.field: one for one in found if one.sealed and one.name in ("all", "together") and one.recall.count}
    lines = []
    for name, wanted in bounds.items():
        for figure, bound in wanted.items():
            value = ece if figure == "ece" else _value(whole.get(name), figure)
            if value is not None and ((value > bound) if figure == "ece" else (value < bound)):
                lines.append(f"{name} {figure} is {value:.4f}, its floor {bound:.4f}")
    return lines


def _value(one: risk.Line | None, figure: str) -> float | None:
    if one is None:
        return None
    return one.precision.value if figure == "precision" else one.recall.value


def working(model: str, most: int = 1000) -> list[str]:
    """Run ``yujing score`` on the cases' texts in a process of its own: time to its first answer, lines a second, peak memory."""
    texts = [case.text for name in ("issue", "nature", "harm", "relevance", "escalation") for case in cases(name)][:most]
    lines = [json.dumps({"id": at, "text": text, "brand": "小米"}).encode() + b"\n" for at, text in enumerate(texts)]
    begun = monotonic()
    with subprocess.Popen([sys.executable, "-m", "monitor.cli", "score", "--model", model], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as child:
        if child.stdin is None or child.stdout is None:
            raise ModelError("No pipe to yujing score.")
        _write(child.stdin, lines[:1])
        if not child.stdout.readline():
            raise ModelError(f"yujing score --model {model} answered nothing.")
        first = monotonic() - begun
        writer = Thread(target=_write, args=(child.stdin, lines[1:]))
        writer.start()
        answered = sum(bool(child.stdout.readline()) for _ in lines[1:])
        rest, peak = monotonic() - begun - first, _high_water(child.pid)
        writer.join()
    return [f"yujing score --model {model}: first answer after {first:.1f} s, then {answered / max(1e-9, rest):.0f} lines/s by the clock; peak memory {peak}"]


def _write(pipe: Any, lines: Sequence[bytes]) -> None:
    for line in lines:
        pipe.write(line)
    pipe.flush()


def _high_water(number: int) -> str:
    """Peak resident memory of a process that runs; only Linux says."""
    status = Path(f"/proc/{number}/status")
    if not status.exists():
        return "not known here"
    return next(f"{int(line.split()[1]) / 1024:.0f} MiB" for line in status.read_text(encoding="ascii", errors="replace").splitlines() if line.startswith(HIGH_WATER))


def stories(model: str) -> list[str]:
    """The table of bench/stories.py, run as a process: nlp knows neither the tests' events nor the ledger's placing."""
    if not STORIES.exists():
        return ["Story grouping is measured by bench/stories.py of the repository, which is not here."]
    done = subprocess.run([sys.executable, str(STORIES), "--model", model], capture_output=True, text=True, encoding="utf-8", cwd=ROOT, check=False)
    if done.returncode:
        return [f"bench/stories.py ended with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}"]
    return ["# story grouping (pairs of mentions of one brand; floors: tests/incidents/test_stories_agree.py)", *done.stdout.splitlines()]

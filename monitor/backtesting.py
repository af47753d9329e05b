"""``yujing backtest``: the forecaster held against stored history, from the ledger or from a folder of JSON lines.

The history is walked as it was seen: at each crawl the forecaster knows the counts up to then and no more. What is
shown is the shipped model without the local correction, so that the figures do not rest on the outcomes themselves.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from incidents import now
from incidents.errors import Refused
from incidents.jsonlines import Answer, Line, answer_each
from incidents.settings import BrandSettings, Settings
from incidents.store.forecasts import FollowedMention
from incidents.store.ledger import Ledger, open_ledger
from nlp.forecast import CountAt, ForecastInput, load
from nlp.forecast.backtest import Followed, days_of, plots, told, walk
from nlp.forecast.lines import read

THRESHOLD = 500  # where neither the command nor the brand nor the line names one
METRIC = "reposts"  # the shipped model speaks of Weibo reposts; of anything else it abstains, and the table counts that


def from_ledger(settings: Settings, brand: str | None, threshold: int | None, folder: Path | None, out: TextIO) -> int:
    """Walk each brand's stored mentions (or one ``brand``'s); prints a table for each.

    Raises:
        Refused: there is no such brand.
    """
    chosen = [one for one in settings.brands if brand in (None, one.id)]
    if not chosen:
        known = ", ".join(one.id for one in settings.brands) or "none"
        raise Refused(f"There is no brand {brand!r} in the settings; known: {known}.")
    ledger = open_ledger(settings)
    try:
        for one in chosen:
            history = _stored(ledger, one)
            _show(one.id, history, threshold or one.viral.get(METRIC, THRESHOLD), folder / one.id if folder and len(chosen) > 1 else folder, out)
    finally:
        ledger.close()
    return 0


def _stored(ledger: Ledger, brand: BrandSettings) -> list[Followed]:
    until = now.world() - timedelta(hours=24)  # younger ones have not matured
    return [Followed(name=one.name, asked=_asked(one)) for one in ledger.forecasts.followed(brand.id, METRIC, until)]


def _asked(one: FollowedMention) -> ForecastInput:
    counts = tuple(CountAt(at=at, value=value, floor=floor) for at, value, floor in one.counts)
    return ForecastInput(platform=one.platform, metric=METRIC, first_seen=one.first_seen, snapshots=counts, followers=one.followers,
                         friends=one.friends, posts=one.posts, verified=one.verified, text=one.text)


def from_folder(source: Path, threshold: int | None, folder: Path | None, out: TextIO) -> int:
    """Walk every ``*.jsonl`` of a folder (or one such file), one mention a line, in the shape that ``yujing forecast`` reads
    (``now`` is not needed). Without ``threshold`` each line's own first one counts; lines of different ones are told apart.

    Returns:
        The exit status: 1 when a line could not be used, else 0.

    Raises:
        Refused: there is no such folder, or no JSON lines in it.
    """
    files = [source] if source.is_file() else sorted(source.glob("*.jsonl"))
    if not files:
        raise Refused(f"There are no files *.jsonl in {source}.")
    history: list[Followed] = []
    faults = [fault for file in files for fault in _lines(file, history)]
    for fault in faults:
        print(fault, file=out)
    groups: dict[int, list[Followed]] = {}
    for one in history:
        groups.setdefault(threshold or next(iter(one.asked.thresholds), THRESHOLD), []).append(one)
    for at, part in sorted(groups.items()):
        _show(source.name, part, at, folder / str(at) if folder and len(groups) > 1 else folder, out)
    return int(bool(faults))


def _lines(file: Path, history: list[Followed]) -> Iterator[str]:
    """Fill ``history``; gives what could not be used."""
    answers = io.BytesIO()

    def keep(line: Line) -> Answer:
        history.append(Followed(name=str(line.id), asked=read(line)))
        return {}

    with file.open("rb") as lines:
        answer_each(lines, answers, keep)
    for answer in map(json.loads, answers.getvalue().splitlines()):
        if "error" in answer:
            yield f"{file.name} line {answer['line']}: {answer['error']}"


def _show(title: str, history: Sequence[Followed], threshold: int, folder: Path | None, out: TextIO) -> None:
    named = _each_once(history)
    days = days_of(named)
    walked = walk(named, load(), threshold)
    print(f"# {title}: will it reach {threshold} within 24 h?\n\n{told(walked, days)}", file=out)
    if folder is not None and walked.matured:
        for path in plots(walked.matured, days, folder):
            print(f"written: {path}", file=out)


def _each_once(history: Sequence[Followed]) -> list[Followed]:
    """The same id twice (two files, two crawls) is one mention with the counts of both."""
    found: dict[str, Followed] = {}
    for one in history:
        before = found.get(one.name)
        found[one.name] = one if before is None else replace(before, asked=replace(before.asked, snapshots=(*before.asked.snapshots, *one.asked.snapshots)))
    return list(found.values())

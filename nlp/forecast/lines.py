"""``yujing forecast``: one JSON line in, one forecast out (the fields are those of docs/commands.md)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, BinaryIO

from incidents.i18n import words
from incidents.jsonlines import Answer, Line, LineError, answer_each, moment
from incidents.model import Forecast, Horizon
from nlp.forecast import CountAt, Forecaster, ForecastInput, load

LARGEST = 10**15  # no platform counts higher; beyond it a number is a mistake
BESIDE = ("discussions", "reads", "originals", "heat", "answers", "rank")


def run(stdin: BinaryIO, stdout: BinaryIO, forecaster: Forecaster | None = None) -> int:
    """Answer every line; the exit status is 1 when one could not be used, else 0 (abstaining is an answer)."""
    ready = forecaster or load()
    return answer_each(stdin, stdout, lambda line: _answer(line, ready))


def _answer(line: Line, forecaster: Forecaster) -> Answer:
    asked, now = read(line), _moment(line, "now")
    return written(line.id, forecaster.predict([asked], now)[0])


def read(line: Line) -> ForecastInput:
    """The question that ``line`` asks.

    Raises:
        LineError: a field is missing or not of its kind.
    """
    author = _table(line.fields.get("author"), "author")
    metric = line.required("metric")
    return ForecastInput(
        platform=line.required("platform"), metric=metric, first_seen=_moment(line, "first_seen"),
        snapshots=tuple(_snapshot(one, metric) for one in _list(line.fields.get("snapshots"), "snapshots")),
        thresholds=tuple(_threshold(one) for one in _list(line.fields.get("thresholds"), "thresholds")),
        followers=_whole(author, "followers"), friends=_whole(author, "friends"), posts=_whole(author, "posts"),
        verified=_yes_or_no(author, "verified"), text=line.string("text"), category=line.string("category"),
    )


def written(line_id: str | int, made: Forecast) -> Answer:
    """``made`` as a line says it: every documented field, null where there is nothing."""
    return {
        "id": line_id, "12h": _horizon(made.h12), "24h": _horizon(made.h24),
        "path": [{"at": p.at.isoformat(), "q10": p.q10, "q50": p.q50, "q90": p.q90} for p in made.path],
        "crosses_at": {str(t): None if at is None else at.isoformat() for t, at in made.crosses_at.items()},
        "cold": made.cold,
        "reasons": [{"code": one.code, "text": words(f"forecast.reason.{one.code}", **one.values)} for one in made.reasons],
        "abstains": made.abstains, "model": made.model,
    }


def _horizon(horizon: Horizon | None) -> Mapping[str, Any] | None:
    if horizon is None:
        return None
    quantiles = {f"q{level}": value for level, value in horizon.q.items()}
    return {**quantiles, "p_over": {str(t): p for t, p in horizon.p_over.items()}}


def _snapshot(value: object, metric: str) -> CountAt:
    fields = _table(value, "snapshots")
    if not fields:
        raise LineError("bad_field", "snapshots: each one must be an object with at and counts.")
    count = fields.get(metric)
    floor = isinstance(count, dict)
    beside = {name: _count(fields[name], name) for name in BESIDE if _is_number(fields.get(name))}
    return CountAt(
        at=moment("snapshots.at", fields.get("at")), floor=floor, beside=beside,
        value=_count(count.get("at_least") if isinstance(count, dict) else count, f"snapshots.{metric}"),
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _count(value: object, name: str) -> Any:
    """A count, or None where it is unknown. A fraction, a negative number or a word is a mistake."""
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= LARGEST or value != int(value):
        raise LineError("bad_field", f"{name} must be a whole number from 0, null, or {{\"at_least\": number}}.")
    return int(value)


def _threshold(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST:
        return value
    raise LineError("bad_field", "thresholds must be whole numbers from 1.")


def _whole(fields: Mapping[str, Any], name: str) -> int | None:
    found = _count(fields.get(name), f"author.{name}")
    return None if found is None else int(found)


def _yes_or_no(fields: Mapping[str, Any], name: str) -> bool | None:
    value = fields.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise LineError("bad_field", f"author.{name} must be true, false or null.")


def _table(value: object, name: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise LineError("bad_field", f"{name} must be an object.")


def _list(value: object, name: str) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise LineError("bad_field", f"{name} must be a list.")


def _moment(line: Line, name: str) -> datetime:
    at = line.moment(name)
    if at is None:
        raise LineError("missing_field", f"{name} is missing.")
    return at

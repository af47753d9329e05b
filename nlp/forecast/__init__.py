"""What the next 12 h and 24 h may bring: counts at crawl times in, a distribution of the size out.

The nouns and the seam live here and import nothing heavy; :func:`load` brings in the forecaster that was
asked for by name. The answer is always an :class:`incidents.model.Forecast`: quantiles of the *total* of one
metric, the probability of reaching each threshold, a path, reasons, or an abstention that says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, cast

from incidents.errors import ModelError
from incidents.model import Forecast
from nlp.made import made

NAMES = ("default", "grown", "szabo-huberman")
COLD_BELOW = 30  # matured mentions of one's own; docs of the models: below that the shipped prior is a guess


@dataclass(frozen=True, kw_only=True)
class CountAt:
    """What a crawl saw of one metric at ``at``; ``value`` None is unknown, ``floor`` says "at least".

    ``beside`` holds what the same crawl saw beside it on a hot list: rank, heat, reads, originals.
    """

    at: datetime
    value: int | None
    floor: bool = False
    beside: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ForecastInput:
    """One mention (or one entry of a hot list) and what was seen of it. None is unknown, never zero."""

    platform: str
    metric: str
    first_seen: datetime  # first appearance: the time of publication, or of the first sight on a hot list
    snapshots: tuple[CountAt, ...]
    thresholds: tuple[int, ...] = ()
    followers: int | None = None
    friends: int | None = None
    posts: int | None = None
    verified: bool | None = None
    text: str | None = None
    category: str | None = None


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What one's own matured forecasts say of the shipped model: move the middle by ``shift`` (log2), make the
    spread ``factor`` times as wide. It is written behind the model's name (``grown@1~0.25~1.3``), so that what was
    forecast under one correction can teach the next."""

    shift: float = 0.0
    factor: float = 1.0
    count: int = 0

    @classmethod
    def in_name(cls, model: str) -> Correction:
        """The correction under which a forecast of ``model`` was made."""
        parts = model.split("~")
        return cls(shift=float(parts[1]), factor=float(parts[2])) if len(parts) == 3 else cls()

    def name(self, model: str) -> str:
        return model if (self.shift, self.factor) == (0.0, 1.0) else f"{model}~{self.shift:.3f}~{self.factor:.3f}"


class Forecaster(Protocol):
    """Anything that foresees. ``predict`` answers in order, one forecast for each input, and never raises
    for what a crawler may bring: it abstains."""

    name: str

    def predict(self, asked: Sequence[ForecastInput], now: datetime) -> list[Forecast]: ...


def load(name: str = "default", own_matured: int = 0, correction: Correction = Correction()) -> Forecaster:
    """The forecaster called ``name``; ``own_matured`` is how many of one's own mentions have matured, and
    ``correction`` what they say of Weibo reposts (:func:`nlp.forecast.track.correction`).

    Raises:
        ModelError: there is no forecaster of that name, or its file is missing or altered.
    """
    if ":" in name:  # module:function, docs/extending.md; no correction is known to fit it
        return cast(Forecaster, made(name))
    from nlp.forecast import shipped

    if name not in NAMES:
        raise ModelError(f"There is no forecaster {name!r}; known: {', '.join(NAMES)}.")
    return shipped.forecaster(name, cold=own_matured < COLD_BELOW, correction=correction)

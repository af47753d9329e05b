"""What the settings say of one brand, and the kind of table that all settings are made of."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from incidents.errors import QueryError
from incidents.query import parse as parse_query

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


class Table(BaseModel):
    """A table of the file: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def suggest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else (f"; known: {', '.join(sorted(known))}" if known else "")


#: Heat of one count (docs/forecast.md): a repost or a comment is one act of one person; a like costs less, a view nearly
#: nothing; an answer on Zhihu is a text of its own, a discussion of a hot list is counted tenfold by the platform.
HEAT: Mapping[str, float] = {"reposts": 1.0, "comments": 1.0, "likes": 0.2, "views": 0.001, "discussions": 0.1, "answers": 5.0}


class AlertAtSettings(Table):
    """From which probability of reaching the brand's threshold within 24 h a forecast alone supports 黄, and 橙."""

    yellow: float = Field(0.4, gt=0, lt=1)
    orange: float = Field(0.6, gt=0, lt=1)

    @model_validator(mode="after")
    def _rises(self) -> AlertAtSettings:
        if self.yellow > self.orange:
            raise ValueError(f"yellow ({self.yellow}) must not be above orange ({self.orange})")
        return self


class BrandSettings(Table):
    id: Slug
    name: str = Field(min_length=1)
    any: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    query: str | None = None
    viral: dict[str, int] = Field(default_factory=lambda: {"reposts": 500, "comments": 300})
    alert_at: AlertAtSettings = AlertAtSettings()
    harm_voices: int = Field(1, ge=1, le=2)
    heat: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    playbook: str | None = None
    owner_roles: tuple[str, ...] = ("coordinator",)

    @field_validator("query")
    @classmethod
    def _readable(cls, query: str | None) -> str | None:
        try:
            if query is not None:
                parse_query(query)
        except QueryError as error:
            raise ValueError(str(error)) from error
        return query

    @field_validator("heat")
    @classmethod
    def _of_known_metrics(cls, heat: dict[str, float]) -> dict[str, float]:
        for name in heat:
            if name not in HEAT:
                raise ValueError(f"there is no metric {name!r}{suggest(name, list(HEAT))}")
        return heat

    @model_validator(mode="after")
    def _asks_for_something(self) -> BrandSettings:
        if not self.any and self.query is None:
            raise ValueError(f"the brand {self.id!r} needs names (any) or a query")
        return self

    @property
    def catch_all(self) -> bool:
        return "*" in self.any

    @property
    def weights(self) -> Mapping[str, float]:
        """Heat of one count of each metric: the brand's own, else the default."""
        return {**HEAT, **self.heat}

"""One TOML file whose defaults work. Every key is explained in ``settings.example.toml``.

The file is named by ``YUJING_SETTINGS``, else it is ``yujing.toml`` in the working folder.
Secrets are never in it: a value ``secret:NAME`` is read from the environment variable
``YUJING_SECRET_NAME`` or from the file named by ``secrets`` (which must be readable by its owner only).
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from incidents.brand_settings import HEAT as HEAT
from incidents.brand_settings import AlertAtSettings as AlertAtSettings
from incidents.brand_settings import BrandSettings as BrandSettings
from incidents.brand_settings import Slug, Table, suggest
from incidents.errors import SettingsError
from incidents.i18n import LANGUAGES

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
GRADES = ("blue", "yellow", "orange", "red")


def parse_span(value: object) -> object:
    """``"90s" "5m" "4h" "7d"`` to a timedelta; anything else is left to pydantic to refuse."""
    if isinstance(value, str) and (found := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", value.strip())):
        return timedelta(seconds=float(found[1]) * UNITS[found[2]])
    if isinstance(value, timedelta):
        return value
    raise ValueError(f'{value!r} is not a length of time; write it like "90s", "5m", "4h" or "7d"')


Span = Annotated[timedelta, BeforeValidator(parse_span)]


class ClockSettings(Table):
    origin: AwareDatetime | None = None
    speed: float = Field(1.0, gt=0, le=100_000)


class SourceSettings(Table):
    id: Slug
    name: str = Field(min_length=1)
    kind: Slug
    url: str
    platform: str | None = None
    tier: Literal["central", "mainstream", "local", "online", "self-media"] = "online"
    brands: tuple[Slug, ...] = ()
    words: tuple[str, ...] = ()
    every: Span = timedelta(minutes=10)
    max_pages: int = Field(3, ge=1, le=200)
    delay: float = Field(1.0, ge=0, le=600)
    daily_requests: int = Field(20_000, ge=1)
    robots: bool = True
    min_a_day: int = Field(0, ge=0)
    longest_silence: Span | None = None
    cookie: str | None = None
    legal_basis: str = "public"
    paused: bool = False

    @field_validator("url")
    @classmethod
    def _http_only(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not a web address; it must begin with http:// or https://")
        return url


class ChannelSettings(Table):
    id: Slug
    kind: Slug
    url: str | None = None
    secret: str | None = None
    rate_per_minute: int = Field(20, ge=1)
    timeout: Span = timedelta(seconds=10)
    preview: str | None = None


class PersonSettings(Table):
    login: Slug
    name: str = Field(min_length=1)
    roles: tuple[str, ...] = ("viewer",)
    mobile: str | None = None
    channels: tuple[Slug, ...] = ()


class StepSettings(Table):
    after: Span
    roles: tuple[str, ...] = Field(min_length=1)


class GradeSettings(Table):
    """Times of one grade; the defaults are the table of docs/alerting (分级)."""

    group_wait: Span
    repeat: Span
    repeat_acknowledged: Span | None = None
    acknowledge_within: Span | None = None
    acknowledgement_lasts: Span | None = None
    first_response: Span
    lower_after: Span
    lowering_needs_person: bool = False
    quiet_hours: bool = False
    chain: tuple[StepSettings, ...]


def _grade(**values: Any) -> GradeSettings:
    return GradeSettings.model_validate(values)


class GradesSettings(Table):
    blue: GradeSettings = _grade(
        group_wait="5m", repeat="24h", first_response="48h", lower_after="15m", quiet_hours=True,
        chain=[{"after": "0s", "roles": ["duty"]}],
    )
    yellow: GradeSettings = _grade(
        group_wait="60s", repeat="4h", repeat_acknowledged="12h", acknowledge_within="60m",
        acknowledgement_lasts="8h", first_response="24h", lower_after="30m", quiet_hours=True,
        chain=[{"after": "0s", "roles": ["duty"]}, {"after": "60m", "roles": ["lead"]}],
    )
    orange: GradeSettings = _grade(
        group_wait="15s", repeat="30m", repeat_acknowledged="4h", acknowledge_within="15m",
        acknowledgement_lasts="2h", first_response="4h", lower_after="1h",
        chain=[{"after": "0s", "roles": ["duty"]}, {"after": "15m", "roles": ["pr_head"]},
               {"after": "30m", "roles": ["vp"]}],
    )
    red: GradeSettings = _grade(
        group_wait="0s", repeat="10m", repeat_acknowledged="1h", acknowledge_within="5m",
        acknowledgement_lasts="30m", first_response="4h", lower_after="2h", lowering_needs_person=True,
        chain=[{"after": "0s", "roles": ["duty", "pr_head"]}, {"after": "5m", "roles": ["vp"]},
               {"after": "10m", "roles": ["duty", "lead", "pr_head", "vp"]}],
    )

    def of(self, code: str) -> GradeSettings:
        found = getattr(self, code)
        assert isinstance(found, GradeSettings)
        return found


class QuietSettings(Table):
    """Night hours (Asia/Shanghai) in which grades that obey them wait for the morning."""

    begin: str = Field("22:00", pattern=r"^\d\d:\d\d$")
    end: str = Field("07:30", pattern=r"^\d\d:\d\d$")


class ModelSettings(Table):
    sentiment: str = "shipped"
    forecast: str = "default"


class RetentionSettings(Table):
    mentions: Span = timedelta(days=400)
    unmatched: Span = timedelta(days=7)


class Settings(Table):
    data: Path = Path("data")
    ledger: str | None = None
    archive: str | None = None
    listen: str = Field("127.0.0.1:8501", pattern=r"^[^:\s]+:\d{1,5}$")
    public_url: str = "http://127.0.0.1:8501"
    allow_hosts: tuple[str, ...] = ()
    contact: str = "https://github.com/yujing/yujing"
    language: Annotated[str, AfterValidator(lambda code: _spoken(code))] = "zh-Hans"
    secrets: Path | None = None
    crawl_workers: int = Field(1, ge=1, le=32)
    clock: ClockSettings = ClockSettings()
    brands: tuple[BrandSettings, ...] = ()
    sources: tuple[SourceSettings, ...] = ()
    people: tuple[PersonSettings, ...] = ()
    channels: tuple[ChannelSettings, ...] = ()
    grades: GradesSettings = GradesSettings()
    quiet: QuietSettings = QuietSettings()
    models: ModelSettings = ModelSettings()
    retention: RetentionSettings = RetentionSettings()

    @model_validator(mode="after")
    def _names_agree(self) -> Settings:
        for word, rows in (("brands", self.brands), ("sources", self.sources), ("channels", self.channels)):
            _refuse_twins(word, [row.id for row in rows])
        _refuse_twins("people", [row.login for row in self.people])
        _refuse_unknown("sources", "brands", [b for s in self.sources for b in s.brands], [b.id for b in self.brands])
        _refuse_unknown("people", "channels", [c for p in self.people for c in p.channels], [c.id for c in self.channels])
        return self

    def brand(self, brand_id: str) -> BrandSettings:
        return next(brand for brand in self.brands if brand.id == brand_id)

    def source(self, source_id: str) -> SourceSettings:
        return next(source for source in self.sources if source.id == source_id)

    def channel(self, channel_id: str) -> ChannelSettings:
        return next(channel for channel in self.channels if channel.id == channel_id)

    def with_role(self, role: str) -> tuple[PersonSettings, ...]:
        return tuple(person for person in self.people if role in person.roles)

    @property
    def ledger_url(self) -> str:
        return self.ledger or f"sqlite:///{self.data / 'ledger.sqlite'}"

    @property
    def archive_url(self) -> str:
        return self.archive or f"sqlite:///{self.data / 'archive.sqlite'}"

    def secret(self, value: str | None) -> str | None:
        """Resolve ``secret:NAME``; any other value is itself."""
        if value is None or not value.startswith("secret:"):
            return value
        name = value.removeprefix("secret:")
        if found := os.environ.get(f"YUJING_SECRET_{name.upper()}"):
            return found
        if self.secrets is not None and (found := _secrets_file(self.secrets).get(name)):
            return str(found)
        raise SettingsError(
            f"The secret {name!r} is not set: export YUJING_SECRET_{name.upper()} or put {name} = \"…\" into the secrets file."
        )

    def check_secrets(self) -> None:
        """Raises SettingsError when the file of secrets cannot be used: missing, readable by others, or no TOML."""
        if self.secrets is not None:
            _secrets_file(self.secrets)


def _spoken(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError(f"there are no words in {code!r}{suggest(code, list(LANGUAGES))}")
    return code


def _refuse_twins(word: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{word}: {name!r} is there twice; every id must be its own")


def _refuse_unknown(where: str, what: str, used: list[str], known: list[str]) -> None:
    for name in used:
        if name not in known:
            raise ValueError(f"{where}: {what} names {name!r}, which is not defined{suggest(name, known)}")


def _secrets_file(path: Path) -> Mapping[str, Any]:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise SettingsError(f"The secrets file {path} cannot be read: {error.strerror}.") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"The secrets file {path} can be read by others: run chmod 600 {path}.")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # TOML or UTF-8
        raise SettingsError(f"The secrets file {path} is not valid TOML: {error}.") from error


def settings_path() -> Path:
    return Path(os.environ.get("YUJING_SETTINGS", "yujing.toml"))


def load(path: Path | None = None) -> Settings:
    """Read and check the settings. Relative paths in it count from the file's own folder.

    Raises:
        SettingsError: the file is missing, is not TOML, or has a key or value that cannot be used;
            the message names each one and suggests what was meant.
    """
    path = path or settings_path()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise SettingsError(f"There is no settings file {path}: copy settings.example.toml and edit it.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    return parse(raw, path)


def parse(raw: Mapping[str, Any], path: Path) -> Settings:
    """Check ``raw``, the content of ``path``."""
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        lines = "\n".join(f"  {line}" for line in _explain(error))
        raise SettingsError(f"{path} cannot be used:\n{lines}") from error
    base = path.resolve().parent
    changes: dict[str, Any] = {"data": base / settings.data}
    if settings.secrets is not None:
        changes["secrets"] = base / settings.secrets
    return settings.model_copy(update=changes)


def _explain(error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"]) or "the file"
        if problem["type"] == "extra_forbidden":
            known = _known_keys(problem["loc"][:-1])
            lines.append(f"{where}: unknown key{suggest(str(problem['loc'][-1]), known)}")
        else:
            lines.append(f"{where}: {problem['msg'].removeprefix('Value error, ')}")
    return lines


def _known_keys(place: tuple[int | str, ...]) -> list[str]:
    """The keys that the table at ``place`` may have."""
    table: type[BaseModel] = Settings
    for part in place:
        if isinstance(part, int) or part not in table.model_fields:
            continue
        found = _table_in(table.model_fields[part].annotation)
        if found is None:
            return []
        table = found
    return list(table.model_fields)


def _table_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        if (found := _table_in(inner)) is not None:
            return found
    return None


def world_origin(settings: Settings, fallback: datetime) -> datetime:
    """Where the world clock of a new ledger begins."""
    return settings.clock.origin or fallback

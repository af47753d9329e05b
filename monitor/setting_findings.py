"""What the doctor finds in the settings beyond their form: names of things that are not there, secrets that others can read, altered models."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from pkgutil import iter_modules

import crawlers.spiders
import nlp
from incidents import checklist
from incidents.errors import ModelError, SettingsError
from incidents.i18n import words
from incidents.settings import Settings
from monitor.finding import Finding, bad, good
from nlp.made import made
from nlp.sentiment import files
from nlp.sentiment.choose import FLOOR, SHIPPED
from nlp.sentiment.places import find

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def look(settings: Settings, path: Path) -> Iterator[Finding]:
    """Playbooks, readers, secrets, models; reads files and changes nothing."""
    yield from _playbooks(settings)
    yield from _kinds(settings)
    yield from _secrets(settings)
    yield from _plain_secrets(settings, path)
    yield from _models(settings)


def source_kinds() -> tuple[str, ...]:
    """The kinds of source that are there, by the files in crawlers/spiders, without importing them."""
    return tuple(sorted(module.name for module in iter_modules(crawlers.spiders.__path__)))


def _playbooks(settings: Settings) -> Iterator[Finding]:
    there = checklist.names()
    lost = [brand for brand in settings.brands if brand.playbook is not None and brand.playbook not in there]
    yield from (bad("playbook", "playbook_unknown", brand=brand.name, playbook=brand.playbook, known=_listed(there)) for brand in lost)
    if not lost:
        yield good("playbook", "playbook")


def _kinds(settings: Settings) -> Iterator[Finding]:
    there = source_kinds()
    lost = [source for source in settings.sources if source.kind not in there]
    yield from (bad("kind", "kind_unknown", source=source.id, kind=source.kind, known=_listed(there)) for source in lost)
    if not lost:
        yield good("kind", "kinds")


def _secrets(settings: Settings) -> Iterator[Finding]:
    if settings.secrets is None:
        return
    if not settings.secrets.exists() and not _named(settings):
        return  # nothing is kept in it yet
    try:
        settings.check_secrets()
    except SettingsError as error:
        yield bad("secrets", "secrets_bad", fault=error, file=settings.secrets)
    else:
        yield good("secrets", "secrets", file=settings.secrets)


def _named(settings: Settings) -> bool:
    values = [value for channel in settings.channels for value in (channel.url, channel.secret)]
    return any(value is not None and value.startswith("secret:") for value in [*values, *(source.cookie for source in settings.sources)])


def _plain_secrets(settings: Settings, path: Path) -> Iterator[Finding]:
    """A key, a cookie or a robot's address in clear is no fault while only its owner can read the file."""
    clear = [f"channels.{one.id}.secret" for one in settings.channels if one.secret and not one.secret.startswith("secret:")]
    clear += [f"channels.{one.id}.url" for one in settings.channels if one.url and "token=" in one.url]
    clear += [f"sources.{one.id}.cookie" for one in settings.sources if one.cookie and not one.cookie.startswith("secret:")]
    if clear and path.exists() and path.stat().st_mode & OTHERS:
        yield bad("secrets", "secrets_plain", where=_listed(clear), file=path)


def _models(settings: Settings) -> Iterator[Finding]:
    """Every model file against its manifest's digest (some dozens of MiB are read), and the model that the settings name."""
    faults: list[ModelError] = []
    count = 0
    for place in sorted(found for root in nlp.__path__ for found in Path(root).rglob(files.MANIFEST)):
        try:
            listed = files.manifest(place.parent)
            for name in listed["files"]:
                files.checked(place.parent, name, listed)
                count += 1
        except ModelError as error:
            faults.append(error)
    yield from (bad("model", "model_altered", fault=fault) for fault in faults)
    if not faults:
        yield good("model", "models", count=count)
    yield from _named_model(settings.models.sentiment)


def _named_model(name: str) -> Iterator[Finding]:
    if name in (FLOOR, SHIPPED):
        return
    try:
        made(name) if ":" in name else find(name)
    except ModelError as error:
        yield bad("model", "model_missing", fault=error)


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return words("doctor.list").join(names)

"""``yujing source list|test|add|pause|resume``: what is watched, what a look at a place shows, and watching it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from incidents import now
from incidents.errors import Refused
from incidents.i18n import has, words
from incidents.model import Health
from incidents.settings import Settings
from incidents.store.ledger import open_ledger
from incidents.text import excerpt
from monitor import settings_file

if TYPE_CHECKING:
    from crawlers.trial import Trial

Look = Callable[..., "Trial"]


def list_sources(settings: Settings) -> list[str]:
    """One line a source: id, kind, health with its reason and since when, last good look."""
    ledger = open_ledger(settings)
    try:
        lines = []
        for source in ledger.sources.all():
            since = now.shanghai(source.health_since).strftime("%m-%d %H:%M") if source.health_since else "-"
            good = now.shanghai(source.good_at).strftime("%m-%d %H:%M") if source.good_at else "-"
            lines.append(f"{source.id}\t{source.kind}\t{words(f'health.{source.health.value}')}\t{since}\t{good}\t{_reason(source.health_reason)}\t{source.url}")
        return lines + [f"{one.id}\t{one.kind}\t{words('source.paused')}\t-\t-\t\t{one.url}" for one in settings.sources if one.paused]
    finally:
        ledger.close()


def test_source(url: str, kind: str, allow_hosts: tuple[str, ...]) -> tuple[bool, list[str]]:
    """One polite look at ``url``; nothing is kept. Returns (it could be read, what it showed)."""
    from crawlers.trial import try_source

    trial = try_source(url, kind=kind, allow_hosts=allow_hosts)
    return readable(trial), told(trial)


def add_source(path: Path, settings: Settings, url: str, *, wanted: dict[str, Any], anyway: bool = False, look: Look | None = None) -> tuple[bool, list[str]]:
    """Look at ``url`` once and write its ``[[sources]]`` table. Returns (it was written, what to tell).

    ``wanted`` may set id, name, kind, platform, tier, brands, every and legal_basis. What could not be read is only
    written ``anyway``.

    Raises:
        Refused: the address or the id is there already.
        SettingsError: the table cannot be used (unknown brand, bad length of time); the file is as it was.
    """
    _refuse_twin(settings, url, wanted.get("id"))
    trial = _looked(settings, url, wanted.get("kind") or "", look)
    lines = told(trial)
    if not readable(trial) and not anyway:
        return False, [*lines, words("source.not_added")]
    kind = wanted.get("kind") or trial.kind
    if not kind:
        return False, [*lines, words("source.kind_unknown")]
    name = wanted.get("id") or free_id(settings, url)
    values = {**wanted, "id": name, "name": wanted.get("name") or urlsplit(url).hostname, "kind": kind, "url": url}
    settings_file.add_table(path, "sources", {key: values[key] for key in ("id", "name", "kind", "url", *values) if values.get(key)})
    return True, [*lines, words("source.added", id=name, file=path)]


def _looked(settings: Settings, url: str, kind: str, look: Look | None) -> Trial:
    if look is None:
        from crawlers.trial import try_source

        look = try_source
    return look(url, kind=kind, allow_hosts=settings.allow_hosts, contact=settings.contact)


def _refuse_twin(settings: Settings, url: str, name: str | None) -> None:
    for source in settings.sources:
        if source.url == url:
            raise Refused(words("source.there_already", id=source.id))
        if source.id == name:
            raise Refused(words("source.id_taken", id=name))


def free_id(settings: Settings, url: str) -> str:
    """An id out of the host's name that no source has: ``bbs.example.com`` → ``bbs-example-com``, then ``…-2``."""
    taken = {source.id for source in settings.sources}
    begin = re.sub(r"[^a-z0-9]+", "-", (urlsplit(url).hostname or "source").removeprefix("www.").lower()).strip("-")[:50] or "source"
    return next(name for name in (begin, *(f"{begin}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)


def pause_source(path: Path, settings: Settings, name: str, *, paused: bool) -> str:
    """Say ``paused`` in the settings, and to the ledger, so that running workers obey at once. Returns what to tell.

    Raises:
        Refused: there is no such source.
    """
    if all(source.id != name for source in settings.sources):
        raise Refused(words("source.unknown", id=name, known=words("doctor.list").join(source.id for source in settings.sources) or "-"))
    changed = settings_file.set_key(path, "sources", name, "paused", paused)
    _tell_ledger(changed)
    return words("source.pausing" if paused else "source.resumed", id=name)


def _tell_ledger(settings: Settings) -> None:
    """Sources that the ledger does not know begin at the next start: the workers that run have not read of them."""
    ledger = open_ledger(settings)
    try:
        ledger.sources.sync([source for source in settings.sources if ledger.sources.one(source.id) is not None], now.world())
    finally:
        ledger.close()


def readable(trial: Trial) -> bool:
    return trial.health in (Health.FINE, Health.NEW)


def told(trial: Trial) -> list[str]:
    """What a look showed, line by line."""
    lines = [f"{trial.url}", f"  kind {trial.kind or '?'} · robots {trial.robots} · charset {trial.charset or '?'}",
             f"  {words(f'health.{trial.health.value}')}: {_reason(trial.reason)} {trial.detail}".rstrip(), f"  {trial.entries} entries on the first page"]
    lines += [f"  {n}. {one}" for n, one in enumerate((_line(mention) for mention in trial.mentions), 1)]
    lines += [f"  fields: {', '.join(f'{name} {share:.0%}' for name, share in trial.coverage.items())}"] if trial.coverage else []
    return lines + [f"  warning {code}: {number} ×" for code, number in trial.warnings.items()]


def _line(mention: dict[str, Any]) -> str:
    """Time, author, what is said, and the counts that were read."""
    author = (mention.get("author") or {}).get("name") or "?"
    counts = (mention.get("snapshots") or [{}])[0]
    said = excerpt(f"{mention.get('title') or ''} {mention.get('text') or ''}", 60)
    return f"{mention.get('published') or '?'} · {author} · {said} · {', '.join(f'{name} {value}' for name, value in counts.items() if name != 'at') or '-'}"


def _reason(code: str) -> str:
    key = f"source.reason.{code}"
    return words(key) if has(key) else code

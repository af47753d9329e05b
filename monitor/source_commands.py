"""``yujing source list`` and ``yujing source test URL``: what is watched, and what a look at a place shows."""

from __future__ import annotations

from typing import Any

from incidents import now
from incidents.i18n import has, words
from incidents.model import Health
from incidents.settings import Settings
from incidents.store.ledger import open_ledger
from incidents.text import excerpt


def list_sources(settings: Settings) -> list[str]:
    """One line a source: id, kind, health with its reason and since when, last good look."""
    ledger = open_ledger(settings)
    try:
        lines = []
        for source in ledger.sources.all():
            since = now.shanghai(source.health_since).strftime("%m-%d %H:%M") if source.health_since else "-"
            good = now.shanghai(source.good_at).strftime("%m-%d %H:%M") if source.good_at else "-"
            lines.append(f"{source.id}\t{source.kind}\t{words(f'health.{source.health.value}')}\t{since}\t{good}\t{_reason(source.health_reason)}\t{source.url}")
        return lines
    finally:
        ledger.close()


def test_source(url: str, kind: str, allow_hosts: tuple[str, ...]) -> tuple[bool, list[str]]:
    """One polite look at ``url``; nothing is kept. Returns (it could be read, what it showed)."""
    from crawlers.trial import try_source

    trial = try_source(url, kind=kind, allow_hosts=allow_hosts)
    lines = [f"{trial.url}", f"  kind {trial.kind or '?'} · robots {trial.robots} · charset {trial.charset or '?'}",
             f"  {words(f'health.{trial.health.value}')}: {_reason(trial.reason)} {trial.detail}".rstrip(), f"  {trial.entries} entries on the first page"]
    lines += [f"  {n}. {one}" for n, one in enumerate((_line(mention) for mention in trial.mentions), 1)]
    lines += [f"  fields: {', '.join(f'{name} {share:.0%}' for name, share in trial.coverage.items())}"] if trial.coverage else []
    lines += [f"  warning {code}: {number} ×" for code, number in trial.warnings.items()]
    return trial.health in (Health.FINE, Health.NEW), lines


def _line(mention: dict[str, Any]) -> str:
    """Time, author, what is said, and the counts that were read."""
    author = (mention.get("author") or {}).get("name") or "?"
    counts = (mention.get("snapshots") or [{}])[0]
    said = excerpt(f"{mention.get('title') or ''} {mention.get('text') or ''}", 60)
    return f"{mention.get('published') or '?'} · {author} · {said} · {', '.join(f'{name} {value}' for name, value in counts.items() if name != 'at') or '-'}"


def _reason(code: str) -> str:
    key = f"source.reason.{code}"
    return words(key) if has(key) else code

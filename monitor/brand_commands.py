"""``yujing brand add``: watch a brand, tried first on what is stored; and ``yujing policy check``: who would be told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from alerts import escalation
from incidents import checklist, now
from incidents.brands import Matcher
from incidents.errors import Refused
from incidents.i18n import span, words
from incidents.model import Grade, Step
from incidents.settings import BrandSettings, Settings, SourceSettings, load, parse
from incidents.store.ledger import Ledger, open_ledger
from incidents.store.stored_text import Stored, texts_since
from incidents.text import excerpt
from monitor import settings_file

SHOWN = 3
FIRST_FILE = """# What this file may say: settings.example.toml, docs/settings.md.
secrets = "secrets.toml"

[[channels]]
id = "log"
kind = "console"
"""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a brand would have matched: texts looked at, matches a day (Asia/Shanghai) and a source, the newest few."""

    looked_at: int
    by_day: dict[str, int]
    by_source: dict[str, int]
    newest: tuple[str, ...]


def try_brand(brand: BrandSettings, texts: Iterable[Stored]) -> Tried:
    """Hold the brand against stored texts, newest first. Pure."""
    matcher, looked_at = Matcher([brand]), 0
    days: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    newest: list[str] = []
    for one in texts:
        looked_at += 1
        if not matcher.match(one.title, one.text, source=one.source, platform=one.platform, author=one.author):
            continue
        days[now.shanghai(one.dated).strftime("%m-%d")] += 1
        sources[one.source] += 1
        if len(newest) < SHOWN:
            newest.append(excerpt(f"{one.title} {one.text}".strip(), 60))
    return Tried(looked_at=looked_at, by_day=dict(sorted(days.items())), by_source=dict(sources.most_common()), newest=tuple(newest))


def add_brand(path: Path, names: Sequence[str], *, brand_id: str | None, none: Sequence[str], query: str | None, only_try: bool) -> list[str]:
    """Try the names on what is stored, then write the ``[[brands]]`` table (and the file, where there is none).

    Returns what to tell.

    Raises:
        Refused: no name, or the id is taken.
        SettingsError: the names or the query cannot be used; nothing was written.
    """
    if not names:
        raise Refused(words("brand.no_name"))
    settings = load(path) if path.exists() else None
    brand = _brand(path, settings, names, brand_id, none, query)
    lines = _told(_tried(settings, brand), brand, settings)
    if only_try:
        return [*lines, words("brand.only_tried")]
    if settings is None:
        settings_file.replace(path, FIRST_FILE)
    values = {"id": brand.id, "name": brand.name, "any": list(brand.any), "none": list(brand.none) or None, "query": query}
    changed = settings_file.add_table(path, "brands", values)
    return [*lines, words("brand.added", name=brand.name, id=brand.id, file=path), *_next(changed)]


def _brand(path: Path, settings: Settings | None, names: Sequence[str], brand_id: str | None, none: Sequence[str], query: str | None) -> BrandSettings:
    taken = {brand.id for brand in settings.brands} if settings else set()
    name = brand_id or _free_id(names[0], taken)
    if name in taken:
        raise Refused(words("brand.id_taken", id=name))
    return parse({"brands": [{"id": name, "name": names[0], "any": list(names), "none": list(none), "query": query}]}, path).brands[0]


def _free_id(name: str, taken: set[str]) -> str:
    """Latin names give the id; Chinese ones a number, which may be changed in the file before the first start."""
    begin = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50] or "brand"
    return next(one for one in (begin, *(f"{begin}-{n}" for n in range(2, len(taken) + 3))) if one not in taken)


def _tried(settings: Settings | None, brand: BrandSettings) -> Tried:
    """On everything of the time for which unmatched texts are kept: before it, only other brands' texts remain."""
    if settings is None or (settings.ledger is None and not (settings.data / "ledger.sqlite").exists()):
        return Tried(looked_at=0, by_day={}, by_source={}, newest=())
    ledger: Ledger = open_ledger(settings)
    try:
        since: datetime = now.world() - settings.retention.unmatched
        return try_brand(brand, texts_since(ledger.engine, since))
    finally:
        ledger.close()


def _told(tried: Tried, brand: BrandSettings, settings: Settings | None) -> list[str]:
    if not tried.looked_at:
        return [words("brand.nothing_stored")]
    total = sum(tried.by_day.values())
    lasts = span(settings.retention.unmatched if settings else timedelta(days=7))
    lines = [words("brand.tried", name=brand.name, count=total, looked_at=tried.looked_at, lasts=lasts)]
    lines += [f"  {day}  {count}" for day, count in tried.by_day.items()]
    lines += [f"  {n}. {text}" for n, text in enumerate(tried.newest, 1)]
    if tried.by_source:
        lines.append(words("brand.by_source", sources=words("doctor.list").join(f"{name} {count}" for name, count in tried.by_source.items())))
    return lines


def _next(settings: Settings) -> list[str]:
    """What is left to do, as commands."""
    lines = [words("brand.sources_suggested"), *(f"  {line}" for line in words("brand.kinds").splitlines())] if not settings.sources else [_watching(settings.sources)]
    return [*lines, *([] if settings.people else [words("brand.no_people")]), words("brand.then")]


def _watching(sources: Sequence[SourceSettings]) -> str:
    return words("brand.watched_by", sources=words("doctor.list").join(source.id for source in sources if not source.brands) or "-")


# -- policy check ------------------------------------------------------------------------------------------------


def check_policy(settings: Settings) -> tuple[bool, list[str]]:
    """Who is told at each grade, what would keep an alert from anybody, and what is weak. Returns (nothing is broken, lines). Pure."""
    telling = escalation.telling(settings)
    lines = [line for grade in Grade if grade != Grade.NONE for line in _chain(grade, telling.chains[grade])]
    faults = [*escalation.check(settings), *unknown_playbooks(settings)]
    return not faults, [*lines, *(f"✗ {fault}" for fault in faults), *(f"! {weak}" for weak in escalation.weak_points(settings)),
                        *([] if faults else [words("policy.reaches")])]


def _chain(grade: Grade, steps: Sequence[Step]) -> list[str]:
    return [words("policy.step", grade=words(f"grade.{grade.code}"), after=span(step.after) if step.after else words("policy.at_once"), roles=step.label,
                  people=words("doctor.list").join(step.people) or "-") for step in steps]


def unknown_playbooks(settings: Settings) -> list[str]:
    """Brands whose playbook is not there: the incident's issue decides instead (checklist.choose)."""
    there = checklist.names()
    return [words("doctor.playbook_unknown", brand=brand.name, playbook=brand.playbook, known=words("doctor.list").join(there))
            for brand in settings.brands if brand.playbook is not None and brand.playbook not in there]

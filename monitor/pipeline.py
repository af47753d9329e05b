"""The loop: score → group → forecast → decide → tell.

Each step takes what waits in a table, may run twice, and may move to another machine; nothing passes
between steps in memory. Crawling, delivering and indexing are loops of their own.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol

from alerts.policy import grade
from incidents import brief, checklist, lifecycle, now
from incidents.errors import Conflict
from incidents.lifecycle import Change, Telling
from incidents.model import Forecast, Grade, Incident, Score, Verdict
from incidents.query import parse
from incidents.query.tree import phrases
from incidents.settings import BrandSettings, Settings
from incidents.store.ledger import Ledger
from incidents.store.look import Stirred
from incidents.store.sources import SourceState
from incidents.store.work import Waiting
from monitor.triage import Triage
from nlp.forecast import CountAt, Forecaster, ForecastInput
from nlp.judge import Asked

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)  # machine: longer than any batch has taken, short enough that a kill delays nobody for long
BATCH = 256
DECIDED = 64  # stories decided in one tick
PORTIONS = 4  # in which a tick puts its batch into stories, and decides on stories: about a quarter of a second each, for which something urgent waits
TRIES = 5
FORESEE_AGAIN = timedelta(minutes=10)  # world: a quiet crawl is news too, the forecast narrows as time passes
FORESEE_UNTIL = timedelta(hours=24)
DOMAINS = {"weibo": "weibo", "news": "news", "forum": "forum"}


class Judge(Protocol):
    @property
    def name(self) -> str: ...

    def score(self, asked: Sequence[Asked], *, hurry: bool = False) -> list[Score]: ...


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What the loop works with; made once in each process."""

    ledger: Ledger
    settings: Settings
    judge: Judge
    forecaster: Forecaster
    telling: Telling
    worker: str
    triage: Triage = field(default_factory=Triage)

    def brand(self, brand_id: str) -> BrandSettings | None:
        return next((brand for brand in self.settings.brands if brand.id == brand_id), None)


def tick(tools: Tools) -> int:
    """Carry everything that waits one step further; returns how many things moved. What is urgent goes before each portion."""
    moved = express(tools) + judge(tools)
    for step, portion in ((group, BATCH // PORTIONS), (decide, DECIDED // PORTIONS)):
        for _ in range(PORTIONS):
            done = step(tools, limit=portion)
            moved += done
            if done < portion:
                break
            moved += express(tools)
    return moved


def express(tools: Tools) -> int:
    """In a backlog: what is urgent the whole way to its decision, whatever waits.

    Nothing is marked urgent before it is judged but in a backlog. A story of which somebody was told already is not looked at here.
    """
    tools.triage.look(tools.ledger.work, more_than=BATCH)
    moved = judge(tools, urgent_only=True)
    if moved:
        moved += group(tools, urgent_only=True)
    return moved + decide(tools, untold=True)


def judge(tools: Tools, *, urgent_only: bool = False) -> int:
    """Claim what nobody has scored, score it, save the scores."""
    waiting = tools.ledger.work.claim("judge", tools.worker, machine=now.machine(), lasts=LEASE, limit=BATCH, urgent_only=urgent_only)
    if waiting:  # a full batch is a backlog, and so is what went ahead of one: then the quick model reads
        scores = tools.judge.score([_asked(tools, one) for one in waiting], hurry=urgent_only or len(waiting) == BATCH)
        tools.ledger.work.save_scores(scores, now.world())
    return len(waiting)


def _asked(tools: Tools, one: Waiting) -> Asked:
    brand = tools.brand(one.brand)
    names = names_of(brand) if brand else ()
    return Asked(mention_id=one.mention_id, brand=one.brand, names=names, title=one.title, text=one.text, domain=DOMAINS.get(one.platform))


def names_of(brand: BrandSettings) -> tuple[str, ...]:
    """By what a text would name the brand: its names; of a brand that has only a query, what the query looks for."""
    names = tuple(name for name in brand.any if name != "*")
    return names or (_sought(brand.query) if brand.query else ())


@lru_cache(maxsize=1024)
def _sought(query: str) -> tuple[str, ...]:
    """The phrases of a query that it does not rule out."""
    return tuple(dict.fromkeys(phrase.wording for phrase in phrases(parse(query), excluded=False)))


def group(tools: Tools, *, limit: int = BATCH, urgent_only: bool = False) -> int:
    """Put what was scored into stories."""
    waiting = tools.ledger.work.claim("place", tools.worker, machine=now.machine(), lasts=LEASE, limit=limit, urgent_only=urgent_only)
    if waiting:
        tools.ledger.stories.place(waiting, now.world())
    return len(waiting)


def decide(tools: Tools, *, limit: int = DECIDED, untold: bool = False) -> int:
    """Foresee, grade and follow each stirred story (``untold``: urgent ones without an open incident); each decision is one transaction."""
    world = now.world()
    stirred = tools.ledger.stories.claim_stirred(tools.worker, world=world, machine=now.machine(), lasts=LEASE, limit=limit, untold=untold)
    if not stirred:
        return 0
    forecasts = tools.forecaster.predict([foresee(tools, one) for one in stirred], world)
    blind = [source for source in tools.ledger.sources.all() if source.health.blind]
    for one, forecast in zip(stirred, forecasts, strict=True):
        _decide_again_if_changed(tools, one, forecast, blind, world)
    return len(stirred)


def _decide_again_if_changed(tools: Tools, one: Stirred, forecast: Forecast, blind: Sequence[SourceState], world: datetime) -> None:
    """Somebody may acknowledge, or a clock may run out, between reading and writing: read again, decide again."""
    for _ in range(TRIES):
        try:
            decide_one(tools, one, forecast, blind, world)
        except Conflict:
            log.info("incident of story %s changed while it was decided; decided again", one.story.id)
        else:
            return
    tools.ledger.stories.give_back(one)  # a busy incident: the next tick tries


def foresee(tools: Tools, one: Stirred) -> ForecastInput:
    """The largest member's counts, as the forecaster wants them."""
    brand, member = tools.brand(one.story.brand), one.largest
    counts = tuple(CountAt(at=s.at, value=getattr(s, one.metric), floor=one.metric in s.floors) for s in one.snapshots)
    return ForecastInput(
        platform=member["platform"], metric=one.metric, first_seen=member["dated"], snapshots=counts,
        thresholds=() if brand is None else tuple(v for k, v in brand.viral.items() if k == one.metric),
        followers=member["followers"], friends=member["friends"], posts=member["posts"], verified=member["verified"], text=member["text"])


def decide_one(tools: Tools, one: Stirred, forecast: Forecast, blind: Sequence[SourceState], world: datetime) -> None:
    """Grade one story and do what follows from it."""
    brand = tools.brand(one.story.brand)
    if brand is None:  # the brand left the settings while its mentions waited
        tools.ledger.incidents.decide(one, None, None, world, None)
        return
    incident = tools.ledger.incidents.of_story(one.story.id)
    current = incident.grade if incident is not None and incident.is_open else Grade.NONE
    verdict = grade(one.story, forecast, brand, world, current)
    change = _change(tools, one, forecast, verdict, brand, incident, blind, world)
    watched = one.story.negatives > 0 or current > Grade.NONE or verdict.grade > Grade.NONE
    again = world + FORESEE_AGAIN if watched and world - one.story.first_appeared < FORESEE_UNTIL else None
    number = tools.ledger.incidents.decide(one, forecast if watched or len(one.snapshots) > 1 else None, change, world, again)
    if number is not None and change is not None and change.alerts:
        log.info("decided story=%s incident=%s grade=%s alerts=%s", one.story.id, number, verdict.grade.code, len(change.alerts))


def _change(tools: Tools, one: Stirred, forecast: Forecast, verdict: Verdict, brand: BrandSettings, incident: Incident | None,
            blind: Sequence[SourceState], world: datetime) -> Change | None:
    if verdict.grade == Grade.NONE and (incident is None or not incident.is_open):
        return None
    playbook = checklist.choose(one.story.issue, brand.playbook)
    appeared = one.story.first_appeared if incident is None or incident.is_open else world  # a new episode counts from its flare-up
    tasks = checklist.start(checklist.load(playbook), appeared, world, world)
    said = brief.build(stirred=one, forecast=forecast, verdict=verdict, brand=brand, blind=blind, tasks=tasks, telling=tools.telling, now=world,
                       incident=incident)
    return lifecycle.follow(story=one.story, verdict=verdict, incident=incident, brief=said, playbook=playbook, tasks=tasks, telling=tools.telling, now=world)


def advance(tools: Tools) -> int:
    """What time alone brings: acknowledgements that ran out, next steps, repeats, broken clocks."""
    world = now.world()
    moved = 0
    for incident in tools.ledger.incidents.overdue(world):
        moved += _apply(tools, lifecycle.advance(incident, tools.telling, world), world)
    for incident, late in tools.ledger.incidents.late_clocks(world):
        moved += _apply(tools, lifecycle.breach(incident, late, tools.telling, world), world)
    return moved


def _apply(tools: Tools, change: Change | None, world: datetime) -> int:
    if change is None:
        return 0
    try:
        tools.ledger.incidents.apply(change, world)
    except Conflict:
        return 0  # somebody acknowledged or the pipeline raised meanwhile: the next tick sees it as it is
    return 1



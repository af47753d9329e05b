"""Does a mention tell a running story? Pure, without a model: the terms that both have, weighed by their rarity.

Terms are pairs of neighbouring characters, rare single characters and Latin words; the brand's names, addresses
and names after @ are taken out. A term counts by its idf in general Chinese (``frequent.txt``, counted by
nlp/training/bigrams.py) or among the brand's own stories of the last days, whichever is less: 咖啡 says nothing about a
coffee brand. (Robertson and Spärck Jones 1976; for stories in the news Allan et al. 1998, first story detection.)

The sum must reach a bound. It is helped by the size of the story, by words that speak of a known trouble, and by
an acute issue that fits; the bound is higher for praise, for an acute issue of another matter, when all shared terms are one stretch of
text (a place or a product alone), and for the first report of harm that would take over an old small complaint. Every mention keeps the stretches that decided, so a person can see why.

The constants were chosen by random search on the dev part of tests/incidents/topics, by the mean F1 over nine random
four fifths of it (.82; .79 to .83 one step around); bench/stories.py measures them on the other parts. A text's vector may join the sum later (``Told`` is the place).
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from operator import add
from pathlib import Path
from typing import Any

from incidents.model import Score, Sentiment
from incidents.text import CJK, normal

FREQUENT, AFFAIR = (Path(__file__).with_name(name) for name in ("frequent.txt", "affair.txt"))
RUN = re.compile(rf"[{CJK}]+|[0-9a-z]+")
ASIDE = re.compile(r"https?://\S+|//@[^:：\s]{1,30}[:：]|回复@[^:：\s]{1,30}[:：]|@[\w\-]{1,30}|\[[^\[\]\s]{1,6}\]")
LONGEST_WORD = 9
READ = 2000  # characters of a text that are read
RARE, RARE_CHAR = 9.5, 8.5  # idf of what is not in the table

ACUTE = frozenset({"food_safety", "accident", "data_leak", "executive", "quality", "exposure", "rumour"})
HARM = frozenset({"fire", "death", "injury", "illness", "detained"})
RELEVANT = 0.5

RUNS_ON = timedelta(hours=24)  # from a story's newest mention to the next one that may join it
REMEMBERED = timedelta(days=7)  # the brand's stories of so long are its background …
STORIES = 200  # … and of them the newest
MOST_TERMS = 160  # kept of one mention, and of one story
COUNTED = 5  # a term that more members have is not more the story's own

NEED = 10.0  # points: one rare word (three pairs of about 5 to 9.5) in company, or two things less rare
CUT = 5.0  # idf below which a term says nothing; characters need one more
LONE = 0.5  # what a term is worth that only one later mention brought
PRIOR = 200.0  # how many stories' worth the general idf weighs against what the brand's own stories say
SIZE = 3.0  # at most so many points for size, one for each doubling of the mentions that told it
KNOWN = 3  # a trouble is known when so many told it; then each word of affair.txt, up to two, is worth …
AFFAIR_POINTS, AFFAIR_MOST = 3.0, 2
SAME_ISSUE, OTHER_ISSUE, ONE_STRETCH = 3.0, 6.0, 5.0
MATTERS = frozenset({"food_safety", "accident", "data_leak", "executive"})  # what happened; the other acute classes say how it is told
ISSUE_SURE = 0.4  # P(issue) from which an acute issue is believed: best on dev from .2 to .4 (below .5 the model is surer than it says: 18 of 28 sealed cases right)
GRAVER = 10.0  # harm or an acute issue joins a young story without either on strong evidence only: it would change what that is
PRAISE, PRAISE_FROM, PRAISE_SURE = 10.0, 0.4, 0.75  # 10 × (P(positive) − .4) is added to the bound; from .75 on nothing joins
STRETCH = 11.0  # at most so many points for one stretch: it is one thing that both say; alone it never reaches the bound
SHOWN = 8  # stretches that are kept as the reason


@lru_cache(maxsize=1)
def frequent() -> Mapping[str, float]:
    """Term → idf in general Chinese, for the terms that are not rare."""
    found: dict[str, float] = {}
    for line in FREQUENT.read_text(encoding="utf-8").splitlines():
        kind, level, terms = line.split("\t")
        size = {"chars": 1, "pairs": 2}.get(kind)
        each = terms.split(" ") if size is None else (terms[at : at + size] for at in range(0, len(terms), size))
        found.update(dict.fromkeys(each, float(level)))
    return found


@lru_cache(maxsize=1)
def _affair() -> re.Pattern[str]:
    lines = (line for line in AFFAIR.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return re.compile("|".join(sorted((word for line in lines for word in line.split()), key=len, reverse=True)))


def grams(text: str) -> frozenset[str]:
    """Characters, neighbouring pairs of characters, and Latin words of a text in its normal form."""
    return frozenset(term for term, _ in _grams(normal(text)))


def _grams(form: str) -> Iterator[tuple[str, int]]:
    """Each term with its offset in the form without what stands aside."""
    for run in RUN.finditer(ASIDE.sub(" ", form)):
        word, at = run[0], run.start()
        if not word.isascii():
            yield from zip(word, range(at, at + len(word)), strict=True)
            yield from zip(map(add, word, word[1:]), range(at, at + len(word)), strict=False)
        elif 2 <= len(word) <= LONGEST_WORD and (len(word) > 2 or not word.isdigit()):
            yield word, at


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one mention brings: its telling terms with their idf and first offset, and what the models said of it."""

    terms: Mapping[str, tuple[float, int]]
    affair: int
    issue: str | None  # only an acute one
    harm: frozenset[str]
    positive: float
    counts: bool  # about the brand, and no advert: may join or be joined
    praises: bool  # surely, and nothing in it alarms
    troubled: bool  # may begin a story that others join


def told(title: str, text: str, names: Sequence[str], score: Score) -> Told:
    """Read one mention. ``names`` are the brand's own, by which nothing is told."""
    form = normal(f"{title}\n{text}"[:READ])
    for name in sorted({normal(name) for name in names}, key=len, reverse=True):
        form = form.replace(name, " ")
    counts = score.noise is None and (score.relevance is None or score.relevance >= RELEVANT)
    praises = score.sentiment == Sentiment.POSITIVE
    issue = score.issue if counts and not praises and score.issue in ACUTE and (score.issue_p is None or score.issue_p >= ISSUE_SURE) else None
    alarmed = score.alarm or issue is not None or bool(score.signals)
    return Told(terms=_telling(form), affair=len(set(_affair().findall(form))), issue=issue, harm=score.signal_names() & HARM, positive=score.positive,
                counts=counts, praises=score.positive >= PRAISE_SURE and not issue and not score.signals,
                troubled=counts and alarmed and not praises)


def _telling(form: str) -> dict[str, tuple[float, int]]:
    known, found = frequent().get, dict[str, tuple[float, int]]()
    for term, at in _grams(form):
        idf = known(term) or (RARE if len(term) > 1 else RARE_CHAR)
        if idf >= (CUT if len(term) > 1 else CUT + 1) and term not in found:
            found[term] = idf, at
    if len(found) > MOST_TERMS:
        found = dict(sorted(found.items(), key=lambda one: -one[1][0])[:MOST_TERMS])
    return found


@dataclass(kw_only=True)
class Profile:
    """What a story is told by, as kept with it: in how many mentions each term stands. Bounded."""

    story_id: int
    last_known: datetime
    issue: str | None = None
    troubled: bool = False
    members: int = 0
    harm: set[str] = field(default_factory=set)
    terms: dict[str, int] = field(default_factory=dict)

    def hear(self, one: Told, dated: datetime) -> None:
        """Another mention tells it."""
        self.members, self.last_known = self.members + 1, max(self.last_known, dated)
        self.harm |= one.harm
        self.issue = self.issue or one.issue
        for term in one.terms:
            self.terms[term] = self.terms.get(term, 0) + (2 if self.members == 1 else 1)  # the first one tells what it is about
        if len(self.terms) > 2 * MOST_TERMS:
            known = frequent()
            kept = sorted(self.terms, key=lambda term: -min(self.terms[term], COUNTED) * known.get(term, RARE))[:MOST_TERMS]
            self.terms = {term: self.terms[term] for term in kept}

    def touch(self, dated: datetime, issue: str | None) -> None:
        """A reply or a copy keeps it running."""
        self.last_known, self.issue = max(self.last_known, dated), self.issue or issue

    def as_json(self) -> dict[str, Any]:
        return {"members": self.members, "troubled": self.troubled, "harm": sorted(self.harm), "terms": self.terms}

    @staticmethod
    def of(story_id: int, last_known: datetime, issue: str | None, kept: Mapping[str, Any]) -> Profile:
        return Profile(story_id=story_id, last_known=last_known, issue=issue, troubled=kept["troubled"], members=kept["members"],
                       harm=set(kept["harm"]), terms=dict(kept["terms"]))


@dataclass(frozen=True, kw_only=True)
class Match:
    """The story that a mention tells, and by what: ``why`` is topic, or issue when it would not have joined without."""

    story_id: int
    why: str
    shared: tuple[str, ...]  # stretches of the text, strongest first
    points: float
    needed: float


class Running:
    """One brand's stories of the last days: its background, and what a mention may join."""

    def __init__(self, profiles: Iterable[Profile] = ()) -> None:
        self._stories: dict[int, Profile] = {}
        self._having: defaultdict[str, set[int]] = defaultdict(set)
        for profile in profiles:
            self.add(profile)

    def add(self, profile: Profile) -> None:
        """Take a story in, or take note that it changed."""
        self._stories[profile.story_id] = profile
        for term in profile.terms:
            self._having[term].add(profile.story_id)

    def of(self, story_id: int) -> Profile | None:
        return self._stories.get(story_id)

    def match(self, one: Told, dated: datetime) -> Match | None:
        """The running story that the mention tells best, if any reaches its bound."""
        if not one.counts or one.praises:
            return None
        found = [match for story_id, shared in self._shared(one, dated).items() if (match := _weigh(one, self._stories[story_id], shared)) is not None]
        best = max(found, key=lambda match: (match.points - match.needed, match.story_id), default=None)
        return best or self._same_harm(one, dated)

    def _shared(self, one: Told, dated: datetime) -> dict[int, dict[str, float]]:
        """Joinable story → shared terms with what each is worth here."""
        shared: dict[int, dict[str, float]] = {}
        for term, (idf, _) in one.terms.items():
            having = self._having.get(term)
            if having is None or (worth := self._worth(idf, len(having))) < CUT:
                continue
            for story_id in having:
                story = self._stories[story_id]
                told_by = story.terms.get(term, 0)  # 0: the profile was cut since
                if told_by and story.troubled:
                    shared.setdefault(story_id, {})[term] = worth * (LONE if told_by < 2 else 1.0)
        return {story_id: terms for story_id, terms in shared.items() if abs(dated - self._stories[story_id].last_known) <= RUNS_ON}

    def _worth(self, idf: float, having: int) -> float:
        """The lesser of the general idf and that among the brand's other stories (with the general one as prior)."""
        rate = (having - 1 + PRIOR * math.exp(-idf)) / (len(self._stories) + PRIOR)
        return min(idf, -math.log(rate))

    def _same_harm(self, one: Told, dated: datetime) -> Match | None:
        """People who came to the same harm by the same acute issue within a day tell one story in many wordings."""
        if one.issue is None or not one.harm or one.positive > PRAISE_FROM:
            return None
        alike = [profile for profile in self._stories.values()
                 if profile.troubled and profile.issue == one.issue and profile.harm & one.harm and abs(dated - profile.last_known) <= RUNS_ON]
        return Match(story_id=alike[0].story_id, why="issue", shared=(), points=0.0, needed=0.0) if len(alike) == 1 else None


def _weigh(one: Told, story: Profile, shared: dict[str, float]) -> Match | None:
    counted = {term: worth for term, worth in shared.items() if len(term) > 1 or not any(term in longer for longer in shared if len(longer) > 1)}
    stretches = _stretches(one, counted)
    other = one.issue in MATTERS and story.issue in MATTERS and one.issue != story.issue
    agrees = SAME_ISSUE if one.issue and story.issue and not other else 0.0
    points = sum(min(STRETCH, worth) for _, worth in stretches) + agrees + min(SIZE, math.log2(max(1, story.members)))
    if story.members >= KNOWN:
        points += AFFAIR_POINTS * min(AFFAIR_MOST, one.affair)
    needed = NEED + PRAISE * max(0.0, one.positive - PRAISE_FROM) + (ONE_STRETCH if len(stretches) < 2 else 0.0)
    needed += GRAVER if (one.issue or one.harm) and not (story.issue or story.harm) and story.members < KNOWN else 0.0
    needed += OTHER_ISSUE if other else 0.0
    if points < needed:
        return None
    return Match(story_id=story.story_id, why="topic" if points - agrees >= needed else "issue", shared=tuple(text[:LONGEST_WORD] for text, _ in stretches[:SHOWN]), points=round(points, 2), needed=round(needed, 2))


def _stretches(one: Told, shared: Mapping[str, float]) -> list[tuple[str, float]]:
    """Shared terms that overlap in the text, joined, with what they are worth: 望江 + 江里 → 望江里; strongest first."""
    joined: list[tuple[str, int, float]] = []
    for term in sorted(shared, key=lambda term: one.terms[term][1]):
        at = one.terms[term][1]
        if joined and at < joined[-1][1] + len(joined[-1][0]):
            text, start, worth = joined[-1]
            joined[-1] = (text + term[start + len(text) - at :], start, worth + shared[term])
        else:
            joined.append((term, at, shared[term]))
    return sorted(((text, worth) for text, _, worth in joined), key=lambda one: -one[1])

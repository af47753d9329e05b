"""The evaluation set of stories: 16 events of six invented brands with ordinary mentions around them, and the drill's script.

Each file is one brand; its first line names it, each other line is ``event, hours, platform, [title｜]text``.
``dev_*`` chose the thresholds of incidents/topics.py, ``test_*`` only measures them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import sqlalchemy as sa

from incidents.brands import Matcher
from incidents.model import Author, Mention, Precision, Score
from incidents.settings import Settings, parse
from incidents.store import tables as t
from incidents.store.ledger import Ledger, open_ledger
from incidents.store.work import score_from_row
from monitor.drill import plot
from nlp.judge import Asked, Judge
from tests.incidents.builders import MINUTE, T0

FOLDER = Path(__file__).parent
EITHER = frozenset({"b-fan", "b-ask2"})  # of the drill: speak of the crisis and of something else; not counted
DRILL_NAMES = {"yanmo": ("砚茉",), "yanmai": ("檐麦",), "cheya": ("澈芽",)}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One mention with the event that it tells; an ordinary mention has an event of its own."""

    brand: str
    event: str
    mention: Mention
    counted: bool = True


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the set: names of each brand, and its cases in order of time."""

    names: Mapping[str, tuple[str, ...]]
    cases: tuple[Case, ...]


def read(split: str) -> Part:
    """``dev`` or ``test``."""
    names: dict[str, tuple[str, ...]] = {}
    cases: list[Case] = []
    for path in sorted(FOLDER.glob(f"{split}_*.tsv")):
        brand = path.stem.removeprefix(f"{split}_")
        lines = path.read_text(encoding="utf-8").splitlines()
        names[brand] = tuple(lines[0].split("\t")[1].split(","))
        cases += [_case(brand, number, line) for number, line in enumerate(lines) if not line.startswith("#")]
    return Part(names=names, cases=tuple(sorted(cases, key=lambda case: (case.mention.published or T0, case.mention.native_id))))


def _case(brand: str, number: int, line: str) -> Case:
    event, hours, platform, said = line.split("\t")
    title, _, text = said.rpartition("｜")
    native_id = f"{brand}-{number}"
    one = Mention(source=platform, platform=platform, site="m.example", native_id=native_id, kind="post", url=f"http://m.example/{native_id}", title=title, text=text,
                  author=Author(native_id=native_id), published=T0 + timedelta(hours=float(hours)), precision=Precision.MINUTE)
    return Case(brand=brand, event=native_id if event == "-" else event, mention=one)


def drill() -> Part:
    """The drill's script: one crisis of one brand; each ordinary thread is an event of its own."""
    posts = {post.id: post for post in plot.load().posts}
    return Part(names=DRILL_NAMES, cases=tuple(case for post in posts.values() if (case := _drill_case(post, posts)) is not None))


def _drill_case(post: plot.Post, posts: Mapping[str, plot.Post]) -> Case | None:
    root = post
    while root.parent is not None:
        root = posts[root.parent]
    said = f"{root.title} {root.text} {post.title} {post.text}"
    brand = next((brand for brand, (name,) in DRILL_NAMES.items() if name in said), None)
    if brand is None:
        return None
    one = Mention(source=post.site, platform=post.site, site="d.example", native_id=post.id, kind="post", url=f"http://d.example/{post.id}", title=post.title, text=post.text,
                  quote=post.quote, author=Author(native_id=post.author), published=T0 + timedelta(minutes=post.at), precision=Precision.MINUTE,
                  root=None if root is post else root.id)
    ordinary = root.id.startswith(("b-", "o-"))
    return Case(brand=brand, event=root.id if ordinary else "crisis", mention=one, counted=post.id not in EITHER)


@dataclass(frozen=True, kw_only=True)
class Placed:
    """One case as the ledger holds it."""

    story: int
    why: str
    shared: tuple[str, ...]
    score: Score


def settings_of(part: Part, folder: Path) -> Settings:
    brands = [{"id": brand, "name": names[0], "any": list(names)} for brand, names in part.names.items()]
    sources = [{"id": name, "name": name, "kind": "weibo", "platform": name, "url": "http://127.0.0.1:9/"} for name in ("weibo", "forum", "news")]
    return parse({"brands": brands, "sources": sources}, folder / "yujing.toml")


def place_all(part: Part, folder: Path, model: str = "floor", batch: int = 12) -> list[Placed]:
    """Through the door, the shipped model and the ledger's own placing, in order of time."""
    settings, judge = settings_of(part, folder), Judge(model)
    ledger, matcher = open_ledger(settings), Matcher(settings.brands)
    ledger.sources.sync(settings.sources, T0)
    for start in range(0, len(part.cases), batch):
        for case in part.cases[start : start + batch]:
            one = case.mention
            ledger.door.save(source=one.source, platform=one.platform, tier="online", mentions=[one], snapshots=(), matcher=matcher, world=one.published or T0)
        _carry(ledger, judge, part.names)
    return _placed(ledger, part)


def _carry(ledger: Ledger, judge: Judge, names: Mapping[str, tuple[str, ...]]) -> None:
    waiting = ledger.work.claim("judge", "t", machine=T0, lasts=MINUTE)
    ledger.work.save_scores(judge.score([Asked(mention_id=one.mention_id, brand=one.brand, names=names[one.brand], title=one.title, text=one.text, domain=one.platform) for one in waiting]), T0)
    ledger.stories.place(ledger.work.claim("place", "t", machine=T0, lasts=MINUTE), T0)


def _placed(ledger: Ledger, part: Part) -> list[Placed]:
    m, sm = t.mentions.c, t.story_mentions.c
    joined = sa.join(t.mentions, t.story_mentions, sm.mention_id == m.id).join(t.scores, sa.and_(t.scores.c.mention_id == m.id, t.scores.c.brand == sm.brand))
    with ledger.engine.connect() as c:
        rows = c.execute(sa.select(m.key, sm.story_id, sm.why, sm.shared, t.scores).select_from(joined)).mappings().all()
    found = {(row["key"], row["brand"]): Placed(story=row["story_id"], why=row["why"], shared=tuple(row["shared"] or ()), score=score_from_row(row)) for row in rows}
    return [found[case.mention.key, case.brand] for case in part.cases]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How well stories agree with events. Pairs are those of mentions of one brand."""

    precision: float
    recall: float
    purity: float
    stories_per_event: float
    stories: int

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / max(1e-9, self.precision + self.recall)


def agreement(cases: Sequence[Case], stories: Sequence[int]) -> Agreement:
    """Pairwise precision and recall, purity over all mentions, and the mean number of stories of an event of several."""
    kept = [(case, story) for case, story in zip(cases, stories, strict=True) if case.counted]
    pairs = [(a[0].event == b[0].event, a[1] == b[1]) for a, b in combinations(kept, 2) if a[0].brand == b[0].brand]
    both, told, placed = sum(x and y for x, y in pairs), sum(x for x, _ in pairs), sum(y for _, y in pairs)
    members: dict[int, Counter[str]] = defaultdict(Counter)
    parts: dict[str, Counter[int]] = defaultdict(Counter)
    for case, story in kept:
        members[story][case.event] += 1
        parts[case.event][story] += 1
    several = [len(part) for part in parts.values() if part.total() > 2]
    return Agreement(precision=both / max(1, placed), recall=both / max(1, told), stories=len(members),
                     purity=sum(max(m.values()) for m in members.values()) / len(kept), stories_per_event=sum(several) / len(several))

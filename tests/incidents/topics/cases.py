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

from incidents.model import Author, Mention, Precision
from monitor.drill import plot
from tests.incidents.builders import T0

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

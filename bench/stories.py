"""How well stories agree with events: near-copies alone, the issue rule that went before, and the rule that ships.

    python bench/stories.py [--model floor] [--wrong]

Every mention goes through the door, the shipped sentiment model and the ledger's own placing, in order of time.
Pairs are those of mentions of one brand (replies counted too where the part has them); purity is over all mentions;
``stories an event`` is over the events that more than two mentions tell. ``--wrong`` lists what joined wrongly.
Then the time that the rule alone takes for a mention.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from incidents import stories, topics
from tests.incidents.builders import T0
from tests.incidents.topics.cases import Agreement, Case, Part, Placed, agreement, drill, place_all, read

DAY = timedelta(hours=24)


def before(cases: Sequence[Case], placed: Sequence[Placed], *, by_issue: bool) -> list[int]:
    """The story of each case by root and near-copy, and with ``by_issue`` by the brand's running acute issue (the rule until 2026)."""
    stories_of: dict[str, int] = {}
    last: dict[tuple[str, str], tuple[int, object]] = {}
    signed: dict[str, list[tuple[stories.Signature, int]]] = defaultdict(list)
    found: list[int] = []
    for case, one in zip(cases, placed, strict=True):
        mention, score = case.mention, one.score
        own, dated = stories.signature(mention.title, mention.text), mention.published or T0
        acute = by_issue and score.issue in topics.ACUTE and score.sentiment != "positive" and score.noise is None and (score.relevance is None or score.relevance >= 0.5)
        issue = (case.brand, score.issue or "") if acute else None
        copies = [(stories.similarity(own, other), story) for other, story in signed[case.brand] if stories.is_copy(own, other)] if own else []
        story = stories_of.get(mention.root_key or "") or (max(copies)[1] if copies else None)
        if story is None and issue in last and dated - last[issue][1] <= DAY:  # type: ignore[index, operator]
            story = last[issue][0]  # type: ignore[index]
        story = story or len(found) + 1
        if issue:
            last[issue] = story, dated
        if own:
            signed[case.brand].append((own, story))
        stories_of[mention.key] = story
        found.append(story)
    return found


def line(part: str, rule: str, a: Agreement) -> str:
    return f"{part:6}{rule:26}{a.precision:10.3f}{a.recall:8.3f}{a.f1:8.3f}{a.purity:8.3f}{a.stories_per_event:19.2f}{a.stories:9d}"


def lonely(part: Part, chosen: Sequence[int]) -> tuple[list[Case], list[int]]:
    """The part without replies and reposts: these follow their root whatever the rule."""
    kept = [(case, story) for case, story in zip(part.cases, chosen, strict=True) if case.mention.root_key is None]
    return [case for case, _ in kept], [story for _, story in kept]


def report(name: str, part: Part, placed: Sequence[Placed]) -> None:
    rules = {"near-copy only": before(part.cases, placed, by_issue=False), "running acute issue": before(part.cases, placed, by_issue=True),
             "topic (ships)": [one.story for one in placed]}
    for rule, chosen in rules.items():
        print(line(name, rule, agreement(part.cases, chosen)))
    if any(case.mention.root_key for case in part.cases):
        for rule, chosen in rules.items():
            print(line(name, f"{rule}, no replies", agreement(*lonely(part, chosen))))


def wrong(part: Part, placed: Sequence[Placed]) -> None:
    """Mentions in a story that mostly tells something else, with what decided."""
    events: dict[int, Counter[str]] = defaultdict(Counter)
    for case, one in zip(part.cases, placed, strict=True):
        events[one.story][case.event] += 1
    for case, one in zip(part.cases, placed, strict=True):
        if case.counted and events[one.story].most_common(1)[0][0] != case.event:
            print(f"  {case.event} in {events[one.story].most_common(1)[0][0]} by {one.why} {'·'.join(one.shared)}: {case.mention.text[:40]}")


def speed(part: Part, placed: Sequence[Placed]) -> float:
    """CPU milliseconds that reading a mention and matching it against 200 running stories takes."""
    running = topics.Running()
    read_ = [topics.told(c.mention.title, c.mention.text, part.names[c.brand], p.score) for c, p in zip(part.cases, placed, strict=True)]
    for number in range(topics.STORIES):
        profile = topics.Profile(story_id=number, last_known=T0, troubled=True)
        profile.hear(read_[number % len(read_)], T0)
        running.add(profile)
    begun = time.process_time()
    for case, one in zip(part.cases, placed, strict=True):
        running.match(topics.told(case.mention.title, case.mention.text, part.names[case.brand], one.score), T0)
    return 1000 * (time.process_time() - begun) / len(part.cases)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="floor")
    parser.add_argument("--parts", default="dev,test,drill")
    parser.add_argument("--wrong", action="store_true")
    chosen = parser.parse_args()
    print(f"{'part':6}{'rule':26}{'precision':>10}{'recall':>8}{'F1':>8}{'purity':>8}{'stories an event':>19}{'stories':>9}")
    for name in chosen.parts.split(","):
        part = drill() if name == "drill" else read(name)
        with tempfile.TemporaryDirectory() as folder:
            placed = place_all(part, Path(folder), chosen.model)
        report(name, part, placed)
        if chosen.wrong:
            wrong(part, placed)
    print(f"reading a mention and matching it against {topics.STORIES} stories: {speed(part, placed):.2f} ms of CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())

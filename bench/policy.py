"""Try the grades on real Weibo cascades that the forecaster has not seen: what each rule alarms for, and what it costs.

    python bench/policy.py [--train 0.70] [--until 0.85]

The forecaster is fitted on the oldest ``--train`` of the file and the posts between the two shares are walked, each
crawled as the product would; the bounds are chosen on the block 70–85 %. (``bench/replay.py`` plays the newest 15 %
through the whole product.) Every post counts as the brand's, as with a catch-all brand; an alarm is the first
verdict of 黄 or higher, it is right when the post reaches 500 reposts within 24 h.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from alerts.policy import grade
from incidents.model import Forecast, Grade, Score, Story
from incidents.settings import AlertAtSettings, BrandSettings
from nlp.forecast.grown import Grown, GrownForecaster
from nlp.judge import Asked, Judge
from nlp.training import forecast_grown
from nlp.training.forecast_cascades import Cascade, read, shared_folder

VIRAL = 500
HOUR = timedelta(hours=1)
#: Hours at which a post is counted: every 10 minutes for 3 h, every 20 to 12 h, every 40 to 24 h.
CRAWLS = (*(n / 6 for n in range(1, 19)), *(3 + n / 3 for n in range(1, 28)), *(12 + n * 2 / 3 for n in range(1, 19)))


@dataclass(frozen=True, kw_only=True)
class Walked:
    """One post with what the models say of it at every crawl."""

    cascade: Cascade
    score: Score
    looks: tuple[tuple[datetime, Forecast, int | None], ...]  # when, forecast, growth of the last hour

    @property
    def reached(self) -> datetime | None:
        hours = [float(h) for h in self.cascade.hours if h <= 24]
        return self.cascade.appeared + hours[VIRAL - 1] * HOUR if len(hours) >= VIRAL else None


def walk(one: Cascade, score: Score, forecaster: GrownForecaster) -> Walked:
    looks = []
    for place, age in enumerate(CRAWLS):
        at = one.appeared + age * HOUR
        (made,) = forecaster.predict([one.seen(CRAWLS[: place + 1], (VIRAL,))], at)
        before = one.count(age - 1) if age > 1 else 0
        looks.append((at, made, one.count(age) - before))
    return Walked(cascade=one, score=score, looks=tuple(looks))


def story(one: Walked, at: datetime, growth: int | None) -> Story:
    """The post as a story of its own."""
    age = (at - one.cascade.appeared) / HOUR
    count = one.cascade.count(age)
    return Story(
        id=1, brand="all", lead_id=1, title="", first_appeared=one.cascade.appeared, first_known=one.cascade.appeared, mentions=1, negatives=int(one.score.alarm), authors=1,
        platforms=("weibo",), sources=("weibo",), tiers=("self-media",), signals=dict.fromkeys(one.score.signal_names(), 1), issue=one.score.issue,
        observed={"reposts": count, "comments": count // 3}, growth_1h=None if growth is None else growth + growth // 3, largest_id=1, stirred_version=1)


def first_alarm(one: Walked, brand: BrandSettings) -> tuple[datetime, str] | None:
    """When 黄 or higher was first given, and by which rule; an open incident of 蓝 is carried along."""
    current = Grade.NONE
    for at, made, growth in one.looks:
        verdict = grade(story(one, at, growth), made, brand, at, current)
        if verdict.grade >= Grade.YELLOW:
            return at, verdict.reasons[0].code
        current = max(current, verdict.grade)
    return None


def told(name: str, walked: Sequence[Walked], brand: BrandSettings) -> str:
    alarms = {one.cascade.id: first_alarm(one, brand) for one in walked}
    viral = [one for one in walked if one.reached]
    early = [(one.reached - found[0]) / HOUR for one in viral if (found := alarms[one.cascade.id]) and one.reached and found[0] < one.reached]
    all_ = [one for one in walked if alarms[one.cascade.id]]
    right = [one for one in all_ if one.reached]
    wrong = Counter(found[1] for one in all_ if not one.reached and (found := alarms[one.cascade.id]))
    lead = f"{statistics.median(early):.1f} h" if early else "–"
    return (f"{name:<27} alarms {len(all_):>3}  precision {len(right) / max(1, len(all_)):.2f}  recall before {len(early) / max(1, len(viral)):.2f}  median lead {lead:>6}  "
            f"wrong by {dict(wrong.most_common(5))}")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=shared_folder() / "data")
    parser.add_argument("--train", type=float, default=0.70)
    parser.add_argument("--until", type=float, default=0.85)
    asked = parser.parse_args(argv)
    cascades = read(asked.data)
    old, new = cascades[: round(asked.train * len(cascades))], cascades[round(asked.train * len(cascades)) : round(asked.until * len(cascades))]
    table, arrays = forecast_grown.fit(old, say=lambda line: print(line, file=sys.stderr))
    walked = judged(new, GrownForecaster(Grown.read(table, arrays), name="grown", cold=False))
    report(walked)
    return 0


def judged(cascades: Sequence[Cascade], forecaster: GrownForecaster) -> list[Walked]:
    asked = [Asked(mention_id=place, brand="all", names=(), title="", text=one.text, domain="weibo") for place, one in enumerate(cascades)]
    return [walk(one, score, forecaster) for one, score in zip(cascades, Judge("floor").score(asked), strict=True)]


def report(walked: Sequence[Walked]) -> None:
    base = sum(one.reached is not None for one in walked) / len(walked)
    print(f"{len(walked)} posts from {walked[0].cascade.appeared:%Y-%m-%d} to {walked[-1].cascade.appeared:%Y-%m-%d}, base rate {base:.3f}")
    for voices in (1, 2):
        for yellow in (0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6):
            brand = BrandSettings(id="all", name="all", any=("*",), viral={"reposts": VIRAL}, alert_at=AlertAtSettings(yellow=yellow, orange=0.6), harm_voices=voices)
            print(told(f"harm_voices {voices}, yellow {yellow:g}", walked, brand))


if __name__ == "__main__":
    raise SystemExit(main())

"""A Sunday morning at a PR desk, made through the ledger's own parts. Brands, people and posts are invented."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from alerts.escalation import telling
from incidents import checklist, lifecycle, now
from incidents.brands import Matcher
from incidents.model import (
    Author,
    Forecast,
    ForecastReason,
    Grade,
    GradeReason,
    Health,
    Horizon,
    Mention,
    OutboxState,
    PathPoint,
    Precision,
    Score,
    Snapshot,
    Span,
    Verdict,
)
from incidents.settings import Settings, parse
from incidents.store.archive import open_archive
from incidents.store.ledger import Ledger, open_ledger

NOON = datetime(2026, 11, 22, 9, 42, tzinfo=now.SHANGHAI)  # when the page is looked at
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
PASSWORD = "raincoat-orchid-77"

SETTINGS: dict[str, Any] = {
    "clock": {"origin": NOON, "speed": 1.0},
    "brands": [
        {"id": "lanye", "name": "岚野汽车", "any": ["岚野", "N6"], "viral": {"reposts": 5000, "comments": 3000}},
        {"id": "xiaozhu", "name": "小竹芽母婴", "any": ["小竹芽"], "viral": {"reposts": 500, "comments": 400}},
        {"id": "suihe", "name": "穗禾茶铺", "any": ["穗禾"], "viral": {"reposts": 500, "comments": 300}},
    ],
    "sources": [
        {"id": "weibo", "name": "微博搜索", "kind": "weibo", "platform": "weibo", "url": "http://127.0.0.1:9/wb", "tier": "self-media"},
        {"id": "forum", "name": "N6 车友论坛", "kind": "discuz", "platform": "forum", "url": "http://127.0.0.1:9/f"},
        {"id": "news", "name": "晨岸新闻网", "kind": "news", "platform": "news", "url": "http://127.0.0.1:9/n", "tier": "local"},
        {"id": "moms", "name": "新芽妈妈社区", "kind": "discuz", "platform": "forum", "url": "http://127.0.0.1:9/m"},
    ],
    "channels": [{"id": "ding", "kind": "console"}],
    "people": [
        {"login": "lin", "name": "林叙", "roles": ["duty", "coordinator"], "mobile": "13800000001", "channels": ["ding"]},
        {"login": "shen", "name": "沈禾", "roles": ["pr_head", "spokesperson"], "mobile": "13800000002", "channels": ["ding"]},
        {"login": "gu", "name": "顾南乔", "roles": ["lead", "analyst"], "channels": ["ding"]},
        {"login": "zhou", "name": "周予安", "roles": ["vp", "crisis_manager"], "channels": ["ding"]},
        {"login": "lu", "name": "陆闻笙", "roles": ["facts_owner", "service_lead"], "channels": ["ding"]},
        {"login": "he", "name": "何一帆", "roles": ["viewer"]},
        {"login": "tang", "name": "唐以宁", "roles": ["auditor"]},
    ],
}


@dataclass(frozen=True, kw_only=True)
class Post:
    """One invented post: what it says, which words of it do harm, and how it grew (last count, hours to half of it)."""

    id: str
    source: str
    text: str
    hours_ago: float
    author: str
    followers: int
    harms: tuple[tuple[str, str], ...] = ()
    title: str = ""
    reposts: int = 0
    half: float = 2.0
    negative: float = 0.93
    issue: str | None = None


BRAKES = (
    Post(id="1", source="weibo", author="山路慢慢开", followers=1204, hours_ago=7.58, reposts=2390, half=4.6, issue="quality",
         text="岚野N6高速上刹车踩下去是硬的，一脚到底没反应，120的速度，老婆孩子都在车上。打客服让我“等工作日”。视频在下面，你们自己看。",
         harms=(("injury", "刹车踩下去是硬的，一脚到底没反应"), ("pile_on", "老婆孩子都在车上"), ("rejects_remedy", "等工作日"))),
    Post(id="2", source="forum", author="雨刷开二挡", followers=40, hours_ago=2.35, reposts=143, half=0.9, issue="quality",
         text="我的N6也遇到过一次，冷车第一脚偏硬，4S说正常现象。有没有一起去找厂家的？群里已经四十多人。",
         harms=(("rejects_remedy", "正常现象"), ("joint_action", "一起去找厂家"))),
    Post(id="3", source="news", author="记者 程渡", followers=0, hours_ago=1.6, negative=0.2, title="车主称岚野N6高速行驶中制动失灵，品牌方：已联系车主并提供代步车",
         text="昨夜有车主发布视频称所驾车辆在高速行驶中制动失灵。品牌方今晨回应称已联系车主并提供代步车，制动系统专家正在赶往现场。"),
    Post(id="4", source="weibo", author="城东拖车老魏", followers=31000, hours_ago=3.06, reposts=618, half=1.0, issue="quality",
         text="凌晨拖了一台N6，车主手一直抖。这个月第二台了，同一个毛病，我就说这么多。", harms=(("repeat", "这个月第二台了，同一个毛病"),)),
)
RECORDING = (Post(id="5", source="weibo", author="不想上班的猫", followers=220, hours_ago=1.78, reposts=92, half=1.0, issue="service",
                  text="岚野客服电话录音流出来了：“你爱投诉就去投诉”。这种态度谁还敢买，大家都去投诉。", harms=(("pile_on", "大家都去投诉"), ("exposure_threat", "你爱投诉就去投诉"))),)
BOTTLES = (Post(id="6", source="moms", author="糯米的妈", followers=90, hours_ago=22.37, reposts=310, half=9.0, issue="quality",
                text="小竹芽奶瓶的刻度遇热脱落，宝宝喝进去怎么办？问了客服说正常磨损，拒绝退货。", harms=(("rejects_remedy", "拒绝退货"), ("illness", "喝进去"))),)
QUEUE = (Post(id="7", source="weibo", author="城南小喇叭", followers=800, hours_ago=13.47, reposts=160, half=3.0, issue="service",
              text="穗禾茶铺城南店排队推搡，有人擦破了皮，当事人已经和解，散了吧。", harms=(("injury", "擦破了皮"),)),)
FRESH = Post(id="8", source="weibo", author="半夏", followers=300, hours_ago=0.6, reposts=30, half=0.3, issue="food_safety",
             text="穗禾茶铺的奶茶里喝出一截塑料，店员说正常，不给退。", harms=(("rejects_remedy", "不给退"),))
ATTACK = Post(id="9", source="weibo", author='<b onclick="x()">坏人</b>', followers=1, hours_ago=0.5, reposts=30, half=0.2,
              text="岚野<script>alert(1)</script> ![](http://127.0.0.1:9/pixel.png) [点我](javascript:alert(2)) \u202eGNP.\u202c **粗** <img src=x onerror=alert(3)>")


def settings_in(folder: Path, **changes: Any) -> Settings:
    return parse({**SETTINGS, **changes}, folder / "yujing.toml")


def empty(folder: Path, **changes: Any) -> tuple[Ledger, Settings]:
    """A ledger with sources and people and nothing else; the world stands at 09:42."""
    settings = settings_in(folder, **changes)
    ledger = open_ledger(settings)
    ledger.clock.run()
    ledger.sources.sync(settings.sources, NOON)
    ledger.people.sync(settings.people)
    for source in settings.sources:
        ledger.sources.report(source.id, Health.FINE, "", NOON - 6 * HOUR, fetched_at=NOON - MINUTE, good_at=NOON - MINUTE, newest_at=NOON - 9 * MINUTE)
    return ledger, settings


def morning(folder: Path, **changes: Any) -> tuple[Ledger, Settings]:
    """Four open incidents: 橙 taken and half answered, 黄 that nobody has, 黄 taken, 蓝; two sources blind."""
    ledger, settings = empty(folder, **changes)
    quiet_days(ledger, settings)
    brakes = story(ledger, settings, BRAKES)
    grow(ledger, settings, brakes, Grade.YELLOW, ("speed", "acute"), at=NOON - 6.9 * HOUR, final=1600, observed=40)
    grow(ledger, settings, brakes, Grade.ORANGE, ("harm", "size", "news"), at=NOON - 6.5 * HOUR, final=9500, observed=92)
    deliver(ledger, NOON - 6.45 * HOUR)
    answer(ledger, settings, brakes)
    grow(ledger, settings, brakes, Grade.ORANGE, ("harm", "size", "news"), at=NOON - 2 * MINUTE, final=4050, observed=2390)
    bottles = story(ledger, settings, BOTTLES)
    grow(ledger, settings, bottles, Grade.YELLOW, ("voices", "size"), at=NOON - 20 * HOUR, final=340, observed=40)
    deliver(ledger, NOON - 19.5 * HOUR)
    take(ledger, settings, bottles, "gu", NOON - 5 * HOUR)
    tick(ledger, bottles, "gu", NOON - 4 * HOUR, keep_open=3)
    grow(ledger, settings, bottles, Grade.YELLOW, ("voices", "size"), at=NOON - 3 * MINUTE, final=345, observed=310)
    queue = story(ledger, settings, QUEUE)
    grow(ledger, settings, queue, Grade.BLUE, ("acute",), at=NOON - 12 * HOUR, final=170, observed=160)
    tick(ledger, queue, "lin", NOON - 11 * HOUR, keep_open=3)
    grow(ledger, settings, story(ledger, settings, RECORDING), Grade.YELLOW, ("speed", "demands"), at=NOON - 47 * MINUTE, final=330, observed=60)
    deliver(ledger)
    ledger.sources.report("forum", Health.BLOCKED, "429 Too Many Requests", NOON - 30 * MINUTE, next_try_at=NOON + 16 * MINUTE)
    ledger.sources.report("news", Health.SILENT, "6 h without a new page", NOON - 6 * HOUR)
    index(ledger, settings)
    return ledger, settings


def story(ledger: Ledger, settings: Settings, posts: Sequence[Post], at: datetime | None = None) -> int:
    """Save, judge and place the posts; returns the id of the first one's story."""
    ids: dict[str, int] = {}
    for post in posts:
        ids.update(_save(ledger, settings, post, at or NOON - post.hours_ago * HOUR + 20 * MINUTE))
    _judge(ledger, {ids[post.id]: post for post in posts}, at or NOON - posts[0].hours_ago * HOUR + 21 * MINUTE)
    with ledger.engine.connect() as c:
        return int(c.exec_driver_sql(f"SELECT story_id FROM story_mentions WHERE mention_id = {ids[posts[0].id]}").scalar_one())


def _save(ledger: Ledger, settings: Settings, post: Post, seen: datetime) -> dict[str, int]:
    source = settings.source(post.source)
    published = NOON - post.hours_ago * HOUR
    mention = Mention(source=post.source, platform=source.platform or source.kind, site="site.example", native_id=post.id, kind="post", url=f"https://site.example/{post.id}",
                      title=post.title, text=post.text, published=published, precision=Precision.SECOND,
                      author=Author(native_id=f"u{post.id}", name=post.author, followers=post.followers))
    counts = [Snapshot(key=mention.key, at=at, reposts=n, comments=n // 3, likes=n * 2) for at, n in curve(post, published)] if post.reposts else []
    receipt = ledger.door.save(source=post.source, platform=mention.platform, tier=source.tier, mentions=[mention], snapshots=counts, matcher=Matcher(settings.brands), world=seen)
    assert receipt.new_ids, receipt.rejected
    return {post.id: receipt.new_ids[0]}


def curve(post: Post, published: datetime) -> list[tuple[datetime, int]]:
    """An S from 0 to the post's count, every ten minutes, ending two minutes before now."""
    end, found = NOON - 2 * MINUTE, []
    at = published + 12 * MINUTE
    def share(when: datetime) -> float:
        return 1 / (1 + math.exp(-2.2 * ((when - published) / HOUR - post.half) / (post.half / 2)))
    low, high = share(published), share(end)
    while at < end:
        found.append((at, round(post.reposts * (share(at) - low) / (high - low))))
        at += 10 * MINUTE
    return [*found, (end, post.reposts)]


def _judge(ledger: Ledger, posts: Mapping[int, Post], at: datetime) -> None:
    waiting = ledger.work.claim("judge", "t", machine=now.machine(), lasts=MINUTE, limit=100_000)
    ledger.work.save_scores([_score(one.mention_id, one.brand, posts.get(one.mention_id)) for one in waiting], at)
    ledger.stories.place(ledger.work.claim("place", "t", machine=now.machine(), lasts=MINUTE, limit=100_000), at)


def _score(mention_id: int, brand: str, post: Post | None) -> Score:
    negative = 0.05 if post is None else post.negative
    spans = () if post is None else tuple(Span(name=name, field="text", start=post.text.index(word), end=post.text.index(word) + len(word)) for name, word in post.harms)
    return Score(mention_id=mention_id, brand=brand, model="test@1", negative=negative, neutral=(1 - negative) * 0.7, positive=(1 - negative) * 0.3, alarm=negative > 0.5,
                 relevance=1.0, issue=None if post is None else post.issue, issue_p=0.9, signals=spans)


def foresee(first: datetime, made: datetime, observed: int, final: float, threshold: int) -> Forecast:
    """A forecast in the shape that the forecaster gives: from ``observed`` at ``made`` to about ``final`` at 24 h."""
    end = first + 24 * HOUR
    steps = [made + (end - made) * n / 24 for n in range(1, 25)]
    def q(at: datetime, low_high: float) -> float:
        share = (1 - math.exp(-3 * ((at - made) / (end - made)))) / (1 - math.exp(-3))
        return max(float(observed), observed + (final - observed) * share * math.exp(low_high * share))
    path = tuple(PathPoint(at=at, q10=q(at, -0.9), q25=q(at, -0.4), q50=q(at, 0), q75=q(at, 0.47), q90=q(at, 0.93)) for at in steps)
    def horizon(at: datetime) -> Horizon | None:
        if at <= made:
            return None
        values = {name: q(at, z) for name, z in (("05", -1.1), ("10", -0.9), ("25", -0.4), ("50", 0), ("75", 0.47), ("90", 0.93), ("95", 1.2))}
        return Horizon(q=values, p_over={threshold: 1 / (1 + math.exp(2.6 * math.log(threshold / max(1.0, values["50"])) / 0.5))})
    return Forecast(metric="reposts", platform="weibo", first_seen=first, made_at=made, observed=observed, h12=horizon(first + 12 * HOUR), h24=horizon(end), path=path,
                    crosses_at={threshold: None}, cold=True, abstains=None, model="test@1",
                    reasons=(ForecastReason(code="steady", values={"late": 120, "early": 110}), ForecastReason(code="cold")))


def grow(ledger: Ledger, settings: Settings, story_id: int, grade: Grade, codes: Sequence[str], *, at: datetime, final: float, observed: int) -> int:
    """Decide on a story as the pipeline does: forecast kept, verdict followed, alerts in the outbox."""
    with ledger.engine.begin() as c:
        c.exec_driver_sql(f"UPDATE stories SET stirred = stirred + 1 WHERE id = {story_id}")
    stirred = next(one for one in ledger.stories.claim_stirred("t", world=at, machine=now.machine(), lasts=timedelta(0), limit=500) if one.story.id == story_id)
    brand = settings.brand(stirred.story.brand)
    threshold = brand.viral["reposts"]
    known = dict(mentions=6, authors=4, harms=["injury"], metric="reposts", count=observed, threshold=threshold, added=observed // 3, platforms=list(stirred.story.platforms),
                 tier="local", issue=stirred.story.issue or "quality", p=0.24, signs=["exposure_threat", "pile_on"])
    verdict = Verdict(grade=grade, reasons=tuple(GradeReason(code=code, grade=grade, values=known) for code in codes),
                      holds_back=(GradeReason(code="need_confirmation", grade=Grade.RED, values=known),))
    playbook = checklist.choose(stirred.story.issue, brand.playbook)
    tasks = checklist.start(checklist.load(playbook), stirred.story.first_appeared, at, at)
    change = lifecycle.follow(story=stirred.story, verdict=verdict, incident=ledger.incidents.of_story(story_id), brief={"at": at.isoformat(), "title": stirred.story.title, "platforms": list(stirred.story.platforms)},
                              playbook=playbook, tasks=tasks, telling=telling(settings), now=at)
    forecast = foresee(stirred.story.first_appeared, at, observed, final, threshold)
    number = ledger.incidents.decide(stirred, forecast, change, at, None)
    incident = ledger.incidents.of_story(story_id)
    assert incident is not None and (number is None or number == incident.id)
    return incident.id


def take(ledger: Ledger, settings: Settings, story_id: int, person: str, at: datetime) -> None:
    incident = ledger.incidents.of_story(story_id)
    assert incident is not None
    ledger.incidents.apply(lifecycle.acknowledge(incident, person, incident.grade, telling(settings), at), at)


def answer(ledger: Ledger, settings: Settings, story_id: int) -> None:
    """What the team has done by 09:42: taken at 03:15, facts 03:39, brief 04:05, first statement, and two more lines."""
    take(ledger, settings, story_id, "lin", NOON - 6.45 * HOUR)
    incident = ledger.incidents.of_story(story_id)
    assert incident is not None
    done = {"facts": (6.4, "lu", "事实表 11 行，缺客服通话录音"), "brief": (6.2, "lin", "简报第 1 版，已发危机组"), "first_statement": (4.2, "shen", "微博原帖下回应，声明第 2 版，链接已存"),
            "contact_complainant": (6.3, "lin", "通话记录 03:34，4 分 10 秒，对方已确认")}
    for task in ledger.incidents.tasks(incident):
        if task.line in done:
            hours, person, proof = done[task.line]
            ledger.incidents.finish_task(task.id, task.version, person=person, evidence={"text": proof}, waived=None, world=NOON - hours * HOUR)
    tick(ledger, story_id, "lin", NOON - 5.8 * HOUR, keep_open=4)


def tick(ledger: Ledger, story_id: int, person: str, at: datetime, *, keep_open: int) -> None:
    """Do the lines that were due, but for the last ``keep_open``."""
    incident = ledger.incidents.of_story(story_id)
    assert incident is not None
    waiting = sorted((task for task in ledger.incidents.tasks(incident) if task.done_at is None), key=lambda task: task.due_at or NOON + 99 * HOUR)
    for task in waiting[: len(waiting) - keep_open]:
        ledger.incidents.finish_task(task.id, task.version, person=person, evidence={"text": f"存档 {task.id:03d}：{task.evidence_hint[:16]}"}, waived=None, world=at)


def deliver(ledger: Ledger, at: datetime = NOON, state: OutboxState = OutboxState.SENT) -> None:
    """The provider took everything that was due at ``at``."""
    rows = ledger.outbox.claim("t", world=at, machine=now.machine(), lasts=MINUTE, limit=500)
    for row in rows:
        ledger.outbox.settle(row, state, answer='{"errcode":0,"errmsg":"ok"}', text="◆橙 岚野汽车 N6 车主称高速上刹车失灵", world=row.due_at, machine=now.machine())


def quiet_days(ledger: Ledger, settings: Settings, days: int = 6) -> None:
    """Ordinary talk of the last days, so that there is a usual range."""
    texts = ("今天路过{}，人不多", "{}新出的颜色挺好看", "有人用过{}吗，求推荐", "朋友送的{}，还不错")
    for day in range(days, -1, -1):
        for brand in settings.brands:
            end, mentions = NOON - timedelta(days=day) - MINUTE, []
            for n in range(2 + (day * 7 + len(brand.id)) % 4):
                mentions.append(Mention(source="weibo", platform="weibo", site="site.example", native_id=f"q-{brand.id}-{day}-{n}", kind="post", url=f"https://site.example/q{day}{n}",
                                        text=f"{texts[n % 4].format(brand.any[0])}（{day}-{n}）", published=end - n * 37 * MINUTE, precision=Precision.MINUTE,
                                        author=Author(native_id=f"q{n}", name=f"路人{n}")))
            ledger.door.save(source="weibo", platform="weibo", tier="self-media", mentions=mentions, snapshots=(), matcher=Matcher(settings.brands), world=end)
    _judge(ledger, {}, NOON - timedelta(days=days))
    with ledger.engine.begin() as c:
        c.exec_driver_sql("UPDATE stories SET decided = stirred")


def index(ledger: Ledger, settings: Settings) -> None:
    """Let the archive learn everything."""
    archive = open_archive(settings.archive_url)
    while documents := ledger.index.claim():
        archive.write(documents)
        ledger.index.confirm(documents)
    archive.close()

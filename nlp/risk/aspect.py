"""What a text that names several brands says of one of them: comparisons first, then its clauses against the others'.

Comparative sentences after Jindal & Liu (2006): who stands before and who after the comparing word, and which way the
judging word points. Where nothing is compared in words, the clauses of the brand are read beside those of the others:
who names two brands in one breath mostly sets one against the other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from incidents.text import normal
from nlp.risk.relevance import clauses, relevance, senses
from nlp.sentiment.reading import Probabilities

ANOTHER = ("人家", "隔壁", "别家", "别人家", "友商", "竞品", "其他牌子", "别的牌子", "其它牌子", "别的", "同价位", "其他家", "其他几家", "邻居的", "对家", "老款", "平替")
GOOD = (
    "好|强|香|靠谱|便宜|稳|快|舒服|划算|良心|省|厚实|醇|热情|耐用|皮实|实在|值|流畅|凉快|方便|嫩|安静|清楚|清晰|清爽|细腻|放心|安心|干净|完好|到位|专业|贴心|耐心|准时|灵敏|真香|喜欢|爱了|yyds|"
    "没坏|没毛病|没问题|没变形|没丢|不卡|不烫|满意|惊喜|到手里|送到|满格|管饱|搞定|推荐|能打|扎实|用心|大方|新鲜|好吃|好喝|好用|起码|至少|倒是|第二天|当天|当场|秒退|秒接|实惠|刚刚好|多得多"
)
BAD = (
    "差|慢|贵|吵|重|卡|烂|难|坏|丑|硬|塑料|噪音|垃圾|坑|假货|发热|发烫|烫|缩水|踢皮球|敷衍|装死|推|拖|收费|收我|加价|排队|排了|等了|麻烦|味道大|糊味|怪味|偏色|偏绿|偏硬|费油|烧机油|漏|断|裂|开胶|起球|掉|涨价|飞起|寂寞|年卡|三天两头|"
    "割|亏|失望|拉胯|翻车|不行|不给|不理|不管|不在范围|摆设|一格信号|没信号|寄到|走两百米|齁|软趴趴|越做越小|油腻|不新鲜|拉肚子|闹肚子|低俗|软广|没人接|爱答不理|图个啥|忍不了|晃|硌|越来越"
)
BETTER = "吊打|碾压|秒杀|完爆|暴打|领先|甩开|甩|赢了?|胜过|超过|超越|好过|强过|远超|按在地上"
WORSE = "不如|比不上|比不过|不及|远不及|赶不上|追不上|没法比|没得比|输给|打不过|逊色于|落后于|差远了|跟不上|学不来"
PREFERS = (
    "还是|还得是|还得看|还得|最后选了?|只认|认准|闭眼入?|回到|换回|换成了?|换到了?|换了|改用|转投|首选|选了|订了|也就|早知道买|老老实实回去买|不如去?买|不如加钱买|都去买|就数|只服|真香还是|为什么不买|推荐买|放心的?只有|干嘛不买"
)
JOINED = "和|与|跟|及|以及|、|，|同|对面就是|旁边新?开?了?一?家?|旁边"
EVENS = re.compile(r"都|同时|同日|今天|宣布|公布|表示|发布|开庭|合作|合资|成立|入驻|赞助|更新|提供|调整|摆在|挨着|对面|旁边|中标|市值|用户数|新款")
TURNED = re.compile(r"不|没|无")
STEP = 8  # characters after a comparing word in which the judging word is looked for
SHARP = 0.9  # log-odds that a judging word counts beside the model's own reading
APART = 0.25  # difference of log-odds from which one brand is the better one


@dataclass(frozen=True, kw_only=True)
class Sides:
    """A normalised text seen from one brand: ``verdict`` if it compares in words, else the clauses of both sides."""

    verdict: str | None
    ours: str
    theirs: str


@lru_cache(maxsize=1)
def _rivals() -> re.Pattern[str]:
    names = sorted({normal(name) for name in (*senses().rivals, *senses().names)}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, names)))


def sides(names: Sequence[str], text: str) -> Sides:
    """See what a normalised text says of the brand with these names, and of others."""
    mine = tuple(normal(name) for name in names if name)
    others = _others(mine, text)
    ours = clauses(mine, text, others)
    if not ours:
        return Sides(verdict=None, ours="", theirs="")
    told = _compared(_either(mine), _either((*others, *ANOTHER)), text, bool(others))
    return Sides(verdict=told, ours=ours, theirs=clauses(others, text, mine) if others else "")


def leaning(ours: Probabilities, theirs: Probabilities | None, sides_: Sides) -> str:
    """positive, neutral or negative, from the readings of both sides."""
    best = ("negative", "neutral", "positive")[max(range(3), key=ours.__getitem__)]
    if theirs is None:
        return best
    apart = _odds(ours) + SHARP * _words(sides_.ours) - _odds(theirs) - SHARP * _words(sides_.theirs)
    if abs(apart) < APART:
        return best
    return "positive" if apart > 0 else "negative"


def _odds(read: Probabilities) -> float:
    return math.log((read[2] + 0.02) / (read[0] + 0.02))


def _words(part: str) -> int:
    """Judging words for and against, each side once; a negated one points the other way."""
    return _points(part, GOOD) - _points(part, BAD)


def _points(part: str, words: str) -> int:
    return sum(-1 if TURNED.search(part[max(0, found.start() - 1) : found.start()]) else 1 for found in list(re.finditer(words, part))[:2])


def _others(mine: Sequence[str], text: str) -> tuple[str, ...]:
    """Other brands that the text names; an ambiguous name only where it is likely the brand."""
    found = dict.fromkeys(match[0] for match in _rivals().finditer(text))
    return tuple(name for name in found if not any(name in own or own in name for own in mine)
                 and (name not in senses().names or (relevance((name,), "", text) or 0) >= 0.3))


def _either(names: Sequence[str]) -> str:
    return "(?:" + "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) + ")"


def _compared(x: str, y: str, text: str, rival: bool) -> str | None:
    """The verdict on x; y is another brand or a word for one, ``rival`` whether a brand is named beside x."""
    for sign, one, two in (("positive", x, y), ("negative", y, x)):
        if told := _by_than(one, two, text, sign):
            return told
    for sign, other, one, two in (("positive", "negative", x, y), ("negative", "positive", y, x)):
        if re.search(rf"{one}[^，。！？]{{0,8}}(?:{BETTER})[^，。！？]{{0,4}}{two}|{one}[^，。！？]{{0,6}}(?:把|将){two}[^，。！？]{{0,4}}(?:按|甩|打|秒|碾)|{two}[^。！？]{{0,12}}被{one}[^，。！？]{{0,3}}(?:{BETTER}|打|超)", text):
            return sign
        if re.search(rf"{one}[^。！？]{{0,14}}(?:{WORSE})[^，。！？]{{0,5}}{two}|{one}[^，。！？]{{0,10}}(?:和|跟|与|同|比起){two}[^，。！？]{{0,6}}(?:没法比|没得比|比不了|差远|自取其辱|毛坯|差)|比起{two}[^，。！？]{{0,4}}(?:差|逊)|{one}[^。！？]{{0,14}}连[^，。！？]{{0,8}}{two}[^，。！？]{{0,6}}(?:都|也)(?:不|比|没)", text):
            return other
    if re.search(rf"{x}.*{y}[^，。！？]{{0,12}}(?:(?:{BETTER})[^，。！？]{{0,2}}它|比它)(?![^，。！？]{{0,4}}(?:差|贵|慢))|(?:跟|和|与){y}[^，。！？]{{0,6}}比，{x}(?!更)", text):
        return "negative"
    return _preferred(x, y, text) or _even(x, y, text, rival)


def _by_than(one: str, two: str, text: str, sign: str) -> str | None:
    """"one 比 two …": the judging word after it says which way it goes."""
    found = re.search(rf"(?:{one}[^。！？]{{0,12}}|(?:都|它|起码|反而|客服也?)[^，。！？]{{0,3}})比{two}([^，。！？]{{0,{STEP}}})", text)
    if not found:
        return None
    against = "negative" if sign == "positive" else "positive"
    return against if re.search(BAD, found[1]) and not re.search("不贵|不卡|不慢", found[1]) else sign


def _preferred(x: str, y: str, text: str) -> str | None:
    if re.search(rf"(?:{PREFERS})[^，。！？]{{0,3}}{x}(?!贵)|(?:等于|才叫|才是){x}", text):
        return "positive"
    if re.search(rf"(?:{PREFERS}|不如看会儿?|不如加?点?钱?(?:喝|看|去|吃|用|选|买)){y}|(?:不如|还没有?)[^，。！？]{{0,6}}{y}|谁还[^，。！？]{{0,2}}{x}|{y}[^，。！？]{{0,10}}才叫|毫不犹豫[^，。！？]{{0,3}}{y}", text):
        return "negative"
    return None


def _even(x: str, y: str, text: str, rival: bool) -> str | None:
    """Both in one breath and nothing judged: news."""
    joined = re.search(rf"{x}[^，。！？]{{0,4}}(?:{JOINED})[^，。！？]{{0,2}}{y}|{y}[^，。！？]{{0,4}}(?:{JOINED})[^，。！？]{{0,2}}{x}", text)
    return "neutral" if rival and joined and EVENS.search(text) and not _words(text) else None

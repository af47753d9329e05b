"""Makes nlp/risk/company_model: ``python -m nlp.risk.train_company`` (needs the extra ``training`` and the shared data).

Windows around unmistakable brands are positive, windows around ordinary words of the same length negative. The shared
texts are unlabelled lines of weibo, hot searches and news, and the training part of the labelled set.
"""

from __future__ import annotations

import lzma
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from incidents.text import normal
from nlp.risk.company import FOLDER, WEIGHTS, around
from nlp.sentiment import files
from nlp.sentiment.clean import model_text
from nlp.training.labelled import labelled_file, rows, shared

BRANDS = (
    "华为 三星 特斯拉 比亚迪 蔚来 丰田 本田 奔驰 宝马 奥迪 沃尔沃 奇瑞 海尔 格力 海信 京东 淘宝 拼多多 苏宁 美团 饿了么 微信 支付宝 百度 腾讯 "
    "阿里 网易 知乎 小红书 爱奇艺 优酷 携程 海底捞 肯德基 麦当劳 星巴克 瑞幸 喜茶 伊利 蒙牛 娃哈哈 康师傅 茅台 五粮液 顺丰 圆通 中通 招商银行 "
    "工商银行 联通 电信 耐克 安踏 优衣库 沃尔玛 盒马 大疆 戴森 索尼 飞利浦 vivo oppo 魅族 诺基亚 恒大 万科 碧桂园 滴滴出行 抖音 微博 天猫"
).split()
WORDS = (
    "孩子 妈妈 爸爸 老师 同学 朋友 学生 医生 警察 邻居 太阳 月亮 天空 大海 森林 河流 花朵 石头 香蕉 葡萄 西瓜 土豆 白菜 鸡蛋 米饭 面条 蚊子 小猫 小狗 老虎 大象 "
    "蝴蝶 蚂蚁 梦想 希望 幸福 快乐 爱情 自由 和平 健康 平凡 勇敢 善良 美丽 光荣 胜利 努力 统一 移动 前进 改变 成长 团结 坚持 学习 工作 生活 历史 文化 社会 国家 民族 "
    "农民 工人 菜鸟 高手 英雄 冠军 老板 大家 群众 百姓 公众 家人 全家 父母 兄弟 黑暗 光明 春天 冬天 早晨 夜晚 未来 过去 青春 时代 桌子 椅子 窗户 衣服 小明 小红 小刚 "
    "吉祥 如意 顺利 安全 完美 认真 简单 得到 出去 回家 古代 唐朝 城市 乡村 长城 故宫 山水 公园"
).split()
LINES = {"weibohot": 0.25, "titles": 0.25, "covid": 0.05, "rumor": 0.06}  # share of each file's lines that is read
MOST_BRAND, MOST_WORD = 400, 400  # windows of one brand, of one word
SEED, SPREAD, STRENGTH = 20261125, 6, 0.05
DEV = 0.1


def main() -> int:
    found = list(_windows())
    random.Random(SEED).shuffle(found)
    cut = int(len(found) * DEV)
    spread = Counter(feature for features, _ in found[cut:] for feature in set(features))
    words = sorted(word for word, count in spread.items() if count >= SPREAD and "\n" not in word)
    places = {word: at for at, word in enumerate(words)}
    rows_, labels = _matrix(found, places), np.array([label for _, label in found])
    model = LogisticRegression(C=STRENGTH, max_iter=200, class_weight="balanced").fit(rows_[cut:], labels[cut:])
    sys.stdout.write(f"{len(found)} windows, {len(words)} features; {model.score(rows_[:cut], labels[:cut]):.3f} of {cut} left out right\n")
    _write(words, model)
    return 0


def _windows() -> Iterator[tuple[list[str], int]]:
    """Features of each window, and whether a brand stood in it."""
    both = re.compile("|".join(map(re.escape, sorted([*BRANDS, *WORDS], key=len, reverse=True))))
    brands, counts = frozenset(BRANDS), Counter[str]()
    for line in _lines():
        for match in both.finditer(line):
            name = match[0]
            if counts[name] < (MOST_BRAND if name in brands else MOST_WORD):
                counts[name] += 1
                yield around(line, match.start(), match.end()), int(name in brands)


def _lines() -> Iterator[str]:
    dice = random.Random(SEED)
    for name, share in LINES.items():
        with lzma.open(shared() / "data" / "text" / f"{name}.txt.xz", "rt", encoding="utf-8") as lines:
            yield from (normal(model_text(line)) for line in lines if dice.random() < share)
    yield from (normal(row.text) for row in rows(labelled_file()) if row.part == "train" and dice.random() < 0.6)


def _matrix(found: list[tuple[list[str], int]], places: dict[str, int]) -> Any:
    at, ends = [], [0]
    for features, _ in found:
        at.extend(sorted({places[feature] for feature in features if feature in places}))
        ends.append(len(at))
    return sparse.csr_matrix((np.ones(len(at), np.float32), at, ends), shape=(len(found), len(places)))


def _write(words: list[str], model: Any) -> None:
    """Only features that say something: the rest would not change an answer."""
    told = [at for at in range(len(words)) if abs(model.coef_[0][at]) > 0.02]
    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(
        FOLDER / WEIGHTS, features=np.frombuffer("\n".join(words[at] for at in told).encode(), np.uint8),
        weights=model.coef_[0][told].astype(np.float16), bias=model.intercept_.astype(np.float32),
    )
    files.write(FOLDER, {"name": "company", "version": "1"}, (WEIGHTS,))


if __name__ == "__main__":
    sys.exit(main())

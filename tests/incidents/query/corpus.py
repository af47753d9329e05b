"""Random small worlds: few characters, so that everything meets everything, and queries over them that all can be read."""

from __future__ import annotations

from random import Random

from incidents.query import Fields

TEXT = "雾霧岛茶虫蟲店a A Ａ7，。 é\u0301-"
TERMS = "雾霧岛茶虫店aＡ7"
SOURCES, PLATFORMS, AUTHORS = ("wb", "a-b c", "a b-c"), ("weibo", "小红书"), ("小满", "Li Lei", None)
SENTIMENTS = ("negative", "neutral", "positive", None)


def corpus(rng: Random, size: int) -> list[Fields]:
    return [Fields(text=_text(rng, 16), title=rng.choice(("", _text(rng, 8))), source=rng.choice(SOURCES), platform=rng.choice(PLATFORMS),
                   author=rng.choice(AUTHORS), sentiment=rng.choice(SENTIMENTS)) for _ in range(size)]


def query(rng: Random, depth: int = 3) -> str:
    """A query that can be read and asks for something."""
    if depth == 0 or rng.random() < 0.3:
        return _leaf(rng)
    one, two = query(rng, depth - 1), query(rng, depth - 1)
    return rng.choice((f"({one} AND {two})", f"（{one} {two}）", f"({one} OR {two})", f"({one} ＯＲ {two})", f"({one} NOT {two})", f"(-{_phrase(rng)} {one})"))


def _text(rng: Random, longest: int) -> str:
    return "".join(rng.choices(TEXT, k=rng.randint(1, longest)))


def _word(rng: Random) -> str:
    return "".join(rng.choices(TERMS, k=rng.choice((1, 1, 1, 2, 2, 3))))


def _phrase(rng: Random) -> str:
    return rng.choice((_word(rng), _word(rng), f'"{_word(rng)} {_word(rng)}"', f"“{_word(rng)}，{_word(rng)}”"))


def _near(rng: Random) -> str:
    left, right = (rng.choice((_phrase(rng), f"({_phrase(rng)} OR {_phrase(rng)})")) for _ in "lr")
    return f"{left} NEAR/{rng.randint(0, 4)} {right}"


def _leaf(rng: Random) -> str:
    kind = rng.randrange(10)
    if kind < 4:
        return _phrase(rng)
    if kind < 7:
        return _near(rng)
    return rng.choice((
        f'source:"{rng.choice(SOURCES)}"', f"platform：{rng.choice(PLATFORMS)}", f'作者："{rng.choice(AUTHORS[:2])}"',
        f"sentiment:{rng.choice(SENTIMENTS[:3])}", f"title:{_phrase(rng)}", f"标题：（{_near(rng)}）",
    ))

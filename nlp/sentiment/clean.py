"""The text as the models read it: one cleaning for training and serving.

Weibo's own marks say nothing about the mood of a text: links, ``//@name:`` of a repost chain and
``回复@name:`` go, other names become ``@``. Script, width and case do not matter to the models.
"""

from __future__ import annotations

import re

from incidents.text import normal

LINK = re.compile(r"https?://[^\s\u4e00-\u9fff]+|o?网页链接", re.IGNORECASE)
CHAIN = re.compile(r"(?://|回复)\s*@[^:：\s]{0,40}\s*[:：]")
NAME = re.compile(r"@[\w\-·]{1,30}")
PLACE = re.compile(r"\{%.*?%\}")  # weibo2018 marks places and hash tags like this
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\ud800-\udfff\ufeff\ufffd]")
BLANK = re.compile(r"\s+")
EMOTICON = re.compile(r"\[[^\[\]\s]{1,8}\]")


def readable(text: str) -> str:
    """``text`` with a space for each control character and lone surrogate: the length never changes."""
    return UNPRINTABLE.sub(" ", text)


def model_text(text: str, longest: int = 600) -> str:
    """What the models read of ``text``; of a longer one the first two and the last third of ``longest`` characters.

    An article says in its lead what it is about, and 99 % of the labelled texts are shorter than 600.
    """
    if len(text) > longest:
        text = text[: longest * 2 // 3] + " " + text[-longest // 3 :]
    text = CHAIN.sub(" ", LINK.sub(" ", readable(text)))
    text = PLACE.sub(lambda found: found[0].strip("{%}"), text)
    return BLANK.sub(" ", normal(NAME.sub("@", text))).strip()


def whole(title: str, text: str) -> str:
    """Title and text as one reading; a title that the text begins with is not read twice."""
    return text if not title or text.startswith(title) else f"{title} {text}"


def ends(text: str, longest: int) -> str:
    """Both ends of a text longer than ``longest`` characters: a verdict stands at its beginning or its end."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]} {text[-half:]}"

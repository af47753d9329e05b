"""The JSON shapes of m.weibo.cn: ids, times, HTML of the text, blogs and cards. No network, no clock."""

from __future__ import annotations

import html
import re
from datetime import datetime
from typing import Any
from urllib.parse import quote

from incidents import now
from monitor.drill.world import Bare, Profile

Json = dict[str, Any]

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
EPOCH_S = 515_483_463  # a blog's number is its second since then, shifted by 22 bits
SHORT = 140  # characters shown before 全文
TOKENS = re.compile(r"#(?P<tag>[^#\n]{1,40})#|@(?P<name>[\w·-]{2,30})|\[(?P<face>[\w]{1,8})\]")


def number_of(published: datetime, ordinal: int) -> str:
    """A blog's id (``mid``): rising with time like the real ones, sixteen digits."""
    return str(((int(published.timestamp()) - EPOCH_S) << 22) | (ordinal & 0x3FFFFF))


def short_of(mid: str) -> str:
    """``mid`` to ``bid``: groups of seven decimal digits from the right, each in base 62 (``z0JH2lOMb``)."""
    groups = []
    while mid:
        mid, group = mid[:-7], mid[-7:]
        groups.append(_base62(int(group)).rjust(4, "0") if mid else _base62(int(group)))
    return "".join(reversed(groups))


def _base62(value: int) -> str:
    found = ""
    while value:
        value, rest = divmod(value, 62)
        found = DIGITS[rest] + found
    return found or "0"


def created(at: datetime) -> str:
    """``Sat Nov 21 10:00:00 +0800 2026``: English names whatever the machine's language."""
    local = now.shanghai(at)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[local.weekday()]
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[local.month - 1]
    return f"{day} {month} {local:%d %H:%M:%S} +0800 {local.year}"


def many(count: int) -> int | str:
    """Follower counts as the site writes them: ``4.6万`` from ten thousand on."""
    if count < 10_000:
        return count
    return f"{count / 10_000:.1f}".removesuffix(".0") + "万"


def text_html(text: str) -> str:
    """Topics, names and faces become links and images, as in ``mblog.text``."""
    parts, place = [], 0
    for found in TOKENS.finditer(text):
        parts += [_plain(text[place : found.start()]), _token(found)]
        place = found.end()
    return "".join([*parts, _plain(text[place:])])


def _plain(text: str) -> str:
    return html.escape(text, quote=False).replace("\n", "<br />")


def _token(found: re.Match[str]) -> str:
    shown = html.escape(found[0], quote=False)
    if found["tag"]:
        link = f"/search?containerid=231522type%3D1%26t%3D10%26q%3D{quote(quote(found[0]))}"
        return f'<a  href="{link}" data-hide=""><span class="surl-text">{shown}</span></a>'
    if found["name"]:
        return f"<a href='/n/{found['name']}'>{shown}</a>"
    return (f'<span class="url-icon"><img alt={shown} src="/face/{quote(found["face"])}.png" '
            'style="width:1em; height:1em;" /></span>')


def user(profile: Profile) -> Json:
    return {
        "id": profile.uid, "screen_name": profile.name, "profile_url": f"/u/{profile.uid}",
        "profile_image_url": f"/avatar/{profile.uid}.png", "statuses_count": profile.posts,
        "verified": profile.verified, "verified_type": 3 if profile.verified else -1,
        "verified_reason": profile.reason, "description": "", "gender": "f" if profile.uid % 2 else "m",
        "followers_count": many(profile.followers), "followers_count_str": str(many(profile.followers)),
        "follow_count": profile.friends, "follow_me": False, "following": False, "mbtype": 0, "svip": 0,
    }


def bare_repost(bare: Bare) -> Json:
    """One line of a repost list that has no words of its own."""
    mid = number_of(bare.at, bare.ordinal)
    return {
        "id": mid, "mid": mid, "created_at": created(bare.at), "text": "转发微博", "raw_text": "转发微博",
        "source": "", "reposts_count": 0, "comments_count": 0, "attitudes_count": 0,
        "user": {"id": bare.uid, "screen_name": f"用户{bare.uid}", "profile_url": f"/u/{bare.uid}", "verified": False,
                 "verified_type": -1, "followers_count": bare.uid % 97, "follow_count": bare.uid % 211},
    }


def card(blog: Json) -> Json:
    return {"card_type": 9, "itemid": f"seqid:{blog['mid']}|type:61", "scheme": f"/status/{blog['bid']}", "mblog": blog,
            "show_type": 0, "title": ""}


def grouped(cards: list[Json]) -> Json:
    """The first cards of a search stand in a ``card_group``, as on the real site."""
    return {"card_type": 11, "show_type": 1, "card_group": cards}


NOTHING: Json = {"ok": 0, "msg": "这里还没有内容", "data": {"cards": []}}
MISSING: Json = {"ok": 0, "errno": "20101", "msg": "该微博不存在"}

"""The phone's screen: accepted robot calls as a chat page, in the small Markdown that DingTalk shows."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from incidents import now
from monitor.drill.paper import Markup, fill

Json = dict[str, Any]

SHOWN = 60  # newest bubbles on the screen
BOLD = re.compile(r"\*\*(.+?)\*\*")
LINK = re.compile(r"\[([^\]\n]+)\]\(([^()\s]+)\)")
HEAD = re.compile(r"#{1,6}\s+(.*)")


def chat_page(rows: Sequence[Json], world: datetime) -> str:
    """The whole page; the newest bubble is last. It reloads itself when the log has grown."""
    return fill("phone", clock=f"{now.shanghai(world):%H:%M}", last=len(rows), count=len(rows),
                bubbles=Markup("".join(_bubble(row) for row in rows[-SHOWN:]) or fill("phone_empty")))


def _bubble(row: Json) -> Markup:
    body = row["body"]
    kind = str(body.get("msgtype"))
    content = body.get(kind, {})
    text = str(content.get("content") or content.get("text") or "")
    title = str(content.get("title") or "")
    mentions = "".join(f"<span class='at'>@{html.escape(mobile)}</span> " for mobile in row["mobiles"])
    return fill(
        "phone_bubble", dated=f"{now.shanghai(datetime.fromisoformat(row['world'])):%m-%d %H:%M}",
        title=Markup(f"<p class='lock'>{html.escape(title)}</p>" if title else ""), text=markdown(text),
        mentions=Markup(f"<p>{mentions}</p>" if mentions else ""), buttons=Markup(_buttons(content)),
    )


def _buttons(content: Json) -> str:
    """One wide button for ``singleTitle``, or one for each of ``btns``."""
    many = content.get("btns")
    pairs = [(one.get("title"), one.get("actionURL")) for one in many if isinstance(one, dict)] if isinstance(many, list) else []
    pairs.append((content.get("singleTitle"), content.get("singleURL")))
    pairs.append(("查看", content.get("messageUrl")))
    return "".join(f"<a class='button' href='{link}' target='_blank' rel='noopener'>{html.escape(str(title))}</a>"
                   for title, url in pairs if title and (link := safe_link(str(url or ""))))


def safe_link(url: str) -> str:
    """The address, escaped, when it is a web address; else nothing."""
    parts = urlsplit(url)
    return html.escape(url, quote=True) if parts.scheme in ("http", "https") and parts.hostname else ""


def markdown(text: str) -> Markup:
    """Headings, quotes, list lines, bold and links of a robot's Markdown; everything else is text."""
    return Markup("".join(_line(line) for line in text.replace("\r", "").split("\n") if line.strip()))


def _line(line: str) -> str:
    line = line.strip()
    if found := HEAD.fullmatch(line):
        return f"<h3>{_inline(found[1])}</h3>"
    if line.startswith(">"):
        return f"<blockquote>{_inline(line[1:].strip())}</blockquote>"
    if line.startswith(("- ", "* ")):
        return f"<p class='dot'>{_inline(line[2:])}</p>"
    return f"<p>{_inline(line)}</p>"


def _inline(text: str) -> str:
    parts, place = [], 0
    for found in LINK.finditer(text):
        parts += [_bold(text[place : found.start()]), _link(found)]
        place = found.end()
    return "".join([*parts, _bold(text[place:])])


def _bold(text: str) -> str:
    return BOLD.sub(r"<b>\1</b>", html.escape(text))


def _link(found: re.Match[str]) -> str:
    link = safe_link(found[2])
    return f"<a href='{link}' target='_blank' rel='noopener'>{_bold(found[1])}</a>" if link else _bold(found[0])

"""The phone preview: the newest alert that the drill's receiver accepted, in the shape of a phone.

Only a channel with ``preview`` in the settings has one. The receiver is asked in the background with one
second of patience; a page shows what is known and never waits for it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from dashboard import desk
from dashboard.parts import esc, link
from dashboard.say import say
from incidents import now
from incidents.i18n import clock_time

PATIENCE_S = 1.0
EVERY_S = 2.0
BOLD = re.compile(r"\*\*(.+?)\*\*")
LINK = re.compile(r"\[([^\]\n]+)\]\(([^()\s]+)\)")
ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!>|~])")


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """One alert as the provider took it."""

    at: datetime | None
    title: str
    text: str
    button: str
    url: str
    number: int  # how many were accepted so far


@dataclass(kw_only=True)
class Watcher:
    """Asks one receiver, never twice at once."""

    url: str
    newest: Accepted | None = None
    last: int = 0
    asked_at: float = float("-inf")
    busy: threading.Lock = field(default_factory=threading.Lock)

    def look(self) -> Accepted | None:
        """What is known; a new question goes out in the background when the answer is old."""
        if now.monotonic() - self.asked_at >= EVERY_S and self.busy.acquire(blocking=False):
            self.asked_at = now.monotonic()
            threading.Thread(target=self._ask, name="phone", daemon=True).start()
        return self.newest

    def _ask(self) -> None:
        try:
            answer = httpx.get(self.url, params={"since": self.last}, timeout=PATIENCE_S, follow_redirects=False, trust_env=False)
            self._take(answer.raise_for_status().json())
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
            return  # the receiver is away or speaks otherwise: the page keeps what it has
        finally:
            self.busy.release()

    def _take(self, answer: Mapping[str, Any]) -> None:
        rows, last = answer["accepted"], int(answer["last"])
        if last < self.last:  # the receiver began anew
            self.last, self.newest = 0, None
            return
        self.last = last
        if rows:
            self.newest = accepted(rows[-1], last)


def accepted(row: Mapping[str, Any], number: int) -> Accepted:
    """Read one row of the receiver's log: the shapes of DingTalk's robot (text, markdown, actionCard)."""
    body = row["body"]
    content = body.get(body.get("msgtype"), {})
    buttons = content.get("btns") or [{"title": content.get("singleTitle"), "actionURL": content.get("singleURL")}]
    return Accepted(at=datetime.fromisoformat(row["world"]) if row.get("world") else None, title=str(content.get("title") or ""), number=number,
                    text=str(content.get("text") or content.get("content") or ""), button=str(buttons[0].get("title") or ""), url=str(buttons[0].get("actionURL") or ""))


_watchers: dict[str, Watcher] = {}


def newest() -> Accepted | None:
    """The newest accepted alert of the first channel that has a preview."""
    url = next((channel.preview for channel in desk.here().settings.channels if channel.preview), None)
    return None if url is None else _watchers.setdefault(url, Watcher(url=url)).look()


def has_preview() -> bool:
    return any(channel.preview for channel in desk.here().settings.channels)


def picture(one: Accepted | None, world: datetime) -> str:
    """The phone as HTML."""
    if one is None:
        return f'<div class="phone"><div class="bar"><span>{say("phone.name")}</span></div><div class="bubble">{say("phone.silent")}</div></div>'
    press = f'<div class="press">{link(one.url, one.button)}</div>' if one.button else ""
    return (f'<div class="phone"><div class="bar"><span>{clock_time(one.at, world) if one.at else ""}</span><span>{say("phone.name")}</span><span>{say("phone.count", n=one.number)}</span></div>'
            f'<div class="lock">{esc(one.title)}</div><div class="bubble">{markdown(one.text)}{press}</div></div>')


def markdown(text: str) -> str:
    """Headings, quotes, bold and links of a robot's Markdown; everything else is text."""
    return "".join(_line(line.strip()) for line in text.replace("\r", "").split("\n") if line.strip())


def _line(line: str) -> str:
    if line.startswith("#"):
        return f"<h4>{_inline(line.lstrip('#').strip())}</h4>"
    if line.startswith(">"):
        return f"<blockquote>{_inline(line[1:].strip())}</blockquote>"
    return f"<p>{_inline(line)}</p>"


def _inline(text: str) -> str:
    parts, place = [], 0
    for found in LINK.finditer(text):
        parts += [_bold(text[place : found.start()]), link(found[2], ESCAPED.sub(r"\1", found[1]))]
        place = found.end()
    return "".join([*parts, _bold(text[place:])])


def _bold(text: str) -> str:
    return BOLD.sub(r"<b>\1</b>", esc(ESCAPED.sub(r"\1", text)))

"""DingTalk's custom robot (open.dingtalk.com, 自定义机器人接入). Success is ``errcode == 0``, never HTTP 200 alone.

sign = base64(HMAC-SHA256(secret, timestamp "\\n" secret)). 20 messages a minute, then banned for 10 minutes.
An ActionCard cannot mention anybody, so what must ring is sent as Markdown with ``at``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import httpx

from alerts.channels import Answer, Channel, Message, Outcome, needed
from alerts.post import Reply, masked, post
from incidents import now
from incidents.settings import ChannelSettings, Settings

BAN = timedelta(minutes=10)
MEANS = {0: Outcome.ACCEPTED, -1: Outcome.LATER, 130101: Outcome.BANNED, 410100: Outcome.BANNED, **dict.fromkeys(range(430101, 430105), Outcome.CONTENT)}


class DingTalk:
    limited = True

    def __init__(self, own: ChannelSettings, settings: Settings) -> None:
        self._url, self._secret, self._timeout, self._allow = needed(own.url, own, settings), settings.secret(own.secret), own.timeout, settings.allow_hosts

    def send(self, message: Message) -> Answer:
        return _judged(post(self._signed(), json.dumps(_body(message), ensure_ascii=False).encode("utf-8", "replace"), headers={}, timeout=self._timeout, allow_hosts=self._allow))

    def _signed(self) -> str:
        secret, stamp = self._secret or "", str(round(now.machine().timestamp() * 1000))
        digest = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
        return str(httpx.URL(self._url).copy_merge_params({"timestamp": stamp, "sign": base64.b64encode(digest).decode()})) if secret else self._url


def _body(message: Message) -> dict[str, Any]:
    if message.mention is None and message.link is not None:
        return {"msgtype": "actionCard", "actionCard": {"title": message.title, "text": message.markdown, "singleTitle": message.button, "singleURL": message.link}}
    link = f"\n\n[{message.button}]({message.link})" if message.link else ""
    ring = f" @{message.mention}" if message.mention else ""
    at = {"atMobiles": [message.mention] if message.mention else [], "isAtAll": False}
    return {"msgtype": "markdown", "markdown": {"title": message.title, "text": f"{message.markdown}{link}{ring}"}, "at": at}


def _judged(reply: Reply) -> Answer:
    """Without an ``errcode`` it is a gateway's page, not the robot's answer."""
    code = reply.json().get("errcode") if reply.status == 200 else None
    outcome = MEANS.get(code, Outcome.REFUSED) if isinstance(code, int) else reply.unread
    said = masked(f"HTTP {reply.status} errcode {code} {reply.json().get('errmsg', '')}")[:300]
    return Answer(outcome=outcome, said=said, wait=reply.retry_after or (BAN if outcome is Outcome.BANNED else None))


def connect(own: ChannelSettings, settings: Settings) -> Channel:
    return DingTalk(own, settings)

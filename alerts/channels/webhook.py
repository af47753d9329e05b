"""Any HTTP endpoint: JSON, signed, with an idempotency key. Success is a 2xx.

Headers: ``Idempotency-Key`` (the same for every try of one alert), ``X-Yujing-Timestamp`` (Unix seconds) and
``X-Yujing-Signature: sha256=HMAC-SHA256(secret, timestamp + "." + body)``, as Stripe and GitHub sign theirs.
"""

from __future__ import annotations

import hashlib
import hmac
import json

from alerts.channels import Answer, Channel, Message, Outcome, needed
from alerts.post import Reply, masked, post
from incidents import now
from incidents.settings import ChannelSettings, Settings


class Webhook:
    """One endpoint of the customer's own."""

    limited = False

    def __init__(self, own: ChannelSettings, settings: Settings) -> None:
        self._url = needed(own.url, own, settings)
        self._secret = settings.secret(own.secret)
        self._timeout, self._allow = own.timeout, settings.allow_hosts

    def send(self, message: Message) -> Answer:
        body = json.dumps(dict(message.values), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        headers = {"Idempotency-Key": message.key, **self._signed(body)}
        return _judged(post(self._url, body, headers=headers, timeout=self._timeout, allow_hosts=self._allow))

    def _signed(self, body: bytes) -> dict[str, str]:
        stamp = str(int(now.machine().timestamp()))
        if not self._secret:
            return {"X-Yujing-Timestamp": stamp}
        digest = hmac.new(self._secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {"X-Yujing-Timestamp": stamp, "X-Yujing-Signature": f"sha256={digest}"}


def _judged(reply: Reply) -> Answer:
    """2xx is accepted; what may pass another time is tried again; a redirect or another 4xx is refused."""
    if 200 <= reply.status < 300:
        return Answer(outcome=Outcome.ACCEPTED, said=f"HTTP {reply.status}")
    return Answer(outcome=reply.unread, said=masked(f"HTTP {reply.status} {reply.text[:200]}".strip()), wait=reply.retry_after)


def connect(own: ChannelSettings, settings: Settings) -> Channel:
    return Webhook(own, settings)

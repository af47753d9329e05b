"""Where an Elasticsearch is, from one URL: ``elastic+https://user:password@host:9200,host2:9200/prefix?api_key=…&ca=FILE``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from incidents.errors import YujingError

PREFIX = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")
KNOWN = ("api_key", "ca")
Secret = Callable[[str | None], str | None]


@dataclass(frozen=True, kw_only=True)
class Address:
    """``hosts`` are whole URLs; ``prefix`` begins the names of all our indices. Secrets are not shown."""

    hosts: tuple[str, ...]
    prefix: str = "yujing"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    ca: str | None = None


def address(url: str, secret: Secret = lambda value: value) -> Address:
    """Read ``url``; ``secret`` resolves values like ``secret:NAME``.

    Raises:
        YujingError: it is no such URL; the sentence repeats nothing that could be a secret.
    """
    parts = urlsplit(url)
    login, _, places = parts.netloc.rpartition("@")
    options = dict(parse_qsl(parts.query))
    prefix = parts.path.strip("/") or "yujing"
    if unknown := sorted(options.keys() - set(KNOWN)):
        raise YujingError(f"The archive's URL has an unknown option {unknown[0]!r}; known: {', '.join(KNOWN)}.")
    if not PREFIX.fullmatch(prefix):
        raise YujingError(f"The archive's URL has the path {prefix!r}; it must be a prefix for index names: small letters, digits, . _ -")
    if not places or not all(re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:\[\]]+):\d{1,5}", place) for place in places.split(",")):
        raise YujingError("The archive's URL must name host and port, like elastic+http://127.0.0.1:9200/yujing.")
    user, _, password = login.partition(":")
    scheme = parts.scheme.removeprefix("elastic+")
    return Address(hosts=tuple(f"{scheme}://{place}" for place in places.split(",")), prefix=prefix, user=unquote(user) or None,
                   password=secret(unquote(password)) if user else None, api_key=secret(options.get("api_key")), ca=options.get("ca"))

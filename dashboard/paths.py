"""Where a form or a link may lead: to pages of this site only."""

from __future__ import annotations

from urllib.parse import urlsplit


def own_path(path: str | None) -> str:
    """``path`` if it leads to a page of this site, else ``/``: a log-in never sends anybody elsewhere."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\", "/login", "/logout")):
        return "/"
    parts = urlsplit(path)
    bad = parts.scheme or parts.netloc or any(ord(sign) < 32 or sign == "\\" for sign in path)
    return "/" if bad or len(path) > 500 else path

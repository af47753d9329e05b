"""Plain HTML pages: log-in and acknowledgement. They load nothing else and work without JavaScript."""

from __future__ import annotations

import html
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse

from dashboard import tongue
from dashboard.say import say

STYLE = Path(__file__).with_name("plain.css").read_text(encoding="utf-8")
FORM_LIMIT = 20_000  # bytes


def page(title: str, body: str, status: int = 200) -> HTMLResponse:
    """A whole page. ``body`` is HTML whose foreign parts are escaped already; ``title`` is not."""
    return HTMLResponse(
        f'<!doctype html><html lang="{say("page.language")}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'<meta name="color-scheme" content="light dark"><title>{html.escape(title)} · {say("product.name")}</title>'
        f"<style>{STYLE}</style></head><body>"
        f'<nav class="tongues">{tongue.links(tongue.asked.get())}</nav>{body}</body></html>', status)


async def form_of(request: Request) -> dict[str, str]:
    """The posted fields; empty when the form is larger than any of ours."""
    if int(request.headers.get("content-length") or 0) > FORM_LIMIT:
        return {}
    async with request.form(max_files=0, max_fields=20) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}

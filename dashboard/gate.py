"""One gate for everything: pages, WebSocket, media, upload. Pure ASGI, so that no route can be forgotten.

Without a session: pages are sent to the log-in, everything else is refused (the socket with 403).
Requests that change something must come from our own pages (OWASP CSRF cheat sheet, Fetch Metadata:
``Sec-Fetch-Site``, else ``Origin`` against ``Host``; a client that sends neither is not a browser).
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import session, tongue
from incidents import i18n

OPEN_PATHS = frozenset({"/login", "/login/link", "/healthz"})
PARTS = ("/_stcore/", "/media/", "/static/", "/component/", "/vendor/", "/app/")  # what pages load: refused, not led to the log-in
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

# Streamlit compiles chart expressions and loads its parts as blobs, hence the two unsafe words for its own scripts.
ROOM_POLICY = ("default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
               "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; "
               "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'")
PLAIN_POLICY = ("default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
                "frame-ancestors 'none'")
PLAIN_PREFIXES = ("/login", "/logout", "/ack", "/healthz")


class Gate:
    """ASGI middleware; the outermost one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, _with_headers(send, scope["path"]))
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        i18n.speak(tongue.wanted(headers.get("cookie", "")))
        tongue.asked.set(_asked(scope))
        if scope["method"] not in SAFE_METHODS and not own_origin(headers):
            await PlainTextResponse("This request comes from another site.", 403)(scope, receive, send)
        elif scope["path"] in OPEN_PATHS or scope["path"].startswith(tongue.PREFIX) or await _has_session(headers):
            await self._app(scope, receive, send)
        elif scope["method"] == "GET" and not scope["path"].startswith(PARTS):
            await RedirectResponse(f"/login?next={quote(_asked(scope), safe='')}", 303)(scope, receive, send)
        else:
            await PlainTextResponse("Log in first.", 403)(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if own_origin(headers) and await _has_session(headers):
            await self._app(scope, receive, send)
        else:  # closed before it was accepted: the server answers the handshake with 403
            await receive()
            await send({"type": "websocket.close", "code": 1008})


def own_origin(headers: Headers) -> bool:
    """True when a request that changes something was made by one of our own pages, or by no browser at all."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or (urlsplit(origin).netloc == headers.get("host", "") != "")


def _asked(scope: Scope) -> str:
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{scope['path']}?{query}" if query else str(scope["path"])


async def _has_session(headers: Headers) -> bool:
    secret = session.secret_of(headers.get("cookie", ""))
    return secret is not None and await to_thread.run_sync(session.holder, secret) is not None


def _with_headers(send: Send, path: str) -> Send:
    plain = path.startswith(PLAIN_PREFIXES)

    async def sending(event: Message) -> None:
        if event["type"] == "http.response.start":
            headers = MutableHeaders(scope=event)
            headers["Content-Security-Policy"] = PLAIN_POLICY if plain else ROOM_POLICY
            headers["X-Content-Type-Options"] = "nosniff"
            headers["X-Frame-Options"] = "DENY"
            # A form of a no-referrer page posts with "Origin: null", which could not be told from another site's.
            headers["Referrer-Policy"] = "same-origin" if plain else "no-referrer"
            headers["Cross-Origin-Opener-Policy"] = "same-origin"
            if plain:
                headers["Cache-Control"] = "no-store"
        await send(event)

    return sending

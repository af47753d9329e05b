"""Which language a reader wants: a cookie, else the settings' language. ``/language/CODE`` changes it and goes back."""

from __future__ import annotations

from contextvars import ContextVar
from html import escape
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard.paths import own_path
from incidents import i18n

COOKIE = "yujing_language"
PREFIX = "/language/"
YEAR = 365 * 24 * 3600
NAMES = {"zh-Hans": "简", "zh-Hant": "繁", "en": "EN"}  # each in its own script, for who cannot read the present one

asked: ContextVar[str] = ContextVar("asked", default="/")  # the path of the plain page that is being answered


def routes() -> list[Route]:
    return [Route(PREFIX + "{code}", change, methods=["GET"])]


def wanted(cookies: str) -> str | None:
    """The language named in a Cookie header, or None."""
    try:
        found = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return found.value if found is not None else None


async def change(request: Request) -> Response:
    """Changes nothing but the reader's own page, so a plain link may do it."""
    following, code = request.query_params.get("next"), request.path_params["code"]
    login = (following or "").startswith(("/login?", "/login/link?")) or following == "/login"
    answer = RedirectResponse(quote(following or "/", safe="/?&=%:#~-._") if login else own_path(following), 303)
    if code in i18n.LANGUAGES:
        answer.set_cookie(COOKIE, code, path="/", httponly=True, samesite="lax", max_age=YEAR)
    return answer


def links(path: str) -> str:
    """The languages that are not spoken now, each a link that comes back to ``path``."""
    now = i18n.spoken()
    return "".join(f'<a class="tongue" lang="{code}" href="{PREFIX}{code}?next={escape(quote(path, safe=""))}" target="_self">{NAMES.get(code, code)}</a>'
                   for code in i18n.LANGUAGES if code != now)

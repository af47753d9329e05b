"""In and out: password, one-time link, log-out. The session's secret lives in an HttpOnly cookie only."""

from __future__ import annotations

from html import escape
from urllib.parse import quote, urlsplit

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard import desk
from dashboard.paths import own_path
from dashboard.plain import form_of, page
from dashboard.say import say
from dashboard.session import COOKIE, secret_of
from incidents import now
from incidents.store.people import ABSOLUTE


def routes() -> list[Route]:
    return [
        Route("/login", show, methods=["GET"]), Route("/login", enter, methods=["POST"]),
        Route("/login/link", show_link, methods=["GET"]), Route("/login/link", use_link, methods=["POST"]),
        Route("/logout", ask_leave, methods=["GET"]), Route("/logout", leave, methods=["POST"]),
    ]


def show(request: Request) -> Response:
    return _form(own_path(request.query_params.get("next")))


async def enter(request: Request) -> Response:
    """Check the password; wrong ones say nothing of which part was wrong."""
    form = await form_of(request)
    login, following = form.get("login", "").strip(), own_path(form.get("next"))
    people = desk.here().ledger.people
    if not await to_thread.run_sync(people.check_password, login, form.get("password", ""), now.machine()):
        await to_thread.run_sync(_note, login, "login_refused")
        return _form(following, login=login, wrong=True)
    await to_thread.run_sync(_note, login, "login")
    return await _begin(request, login, following)


def show_link(request: Request) -> Response:
    """One button. Chat tools and mail filters fetch links before people do: a GET must not use it up."""
    token = request.query_params.get("token", "")
    return page(say("login.link_title"), f"""<main class="card">{_brand()}<h1>{say("login.link_title")}</h1><p>{say("login.link_note")}</p>
        <form method="post" action="/login/link"><input type="hidden" name="token" value="{escape(token)}">
        <input type="hidden" name="next" value="{escape(own_path(request.query_params.get("next")))}">
        <button class="main">{say("login.link_button")}</button></form></main>""")


async def use_link(request: Request) -> Response:
    form = await form_of(request)
    person = await to_thread.run_sync(desk.here().ledger.people.use_link, form.get("token", ""), now.machine())
    if person is None:
        return page(say("login.link_title"), f"""<main class="card">{_brand()}<h1>{say("login.link_used")}</h1><p>{say("login.link_used_note")}</p>
            <p><a class="main" href="/login">{say("login.button")}</a></p></main>""", 403)
    await to_thread.run_sync(_note, person.login, "login_by_link")
    return await _begin(request, person.login, own_path(form.get("next")))


def ask_leave(_: Request) -> Response:
    return page(say("logout.title"), f"""<main class="card">{_brand()}<h1>{say("logout.title")}</h1><form method="post" action="/logout">
        <button class="main">{say("logout.button")}</button></form><p><a href="/">{say("logout.back")}</a></p></main>""")


async def leave(request: Request) -> Response:
    secret = secret_of(request.headers.get("cookie", ""))
    if secret:
        await to_thread.run_sync(desk.here().ledger.people.end_session, secret, now.machine())
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return answer


async def _begin(request: Request, login: str, following: str) -> Response:
    secret = await to_thread.run_sync(desk.here().ledger.people.begin_session, login, now.machine())
    answer = RedirectResponse(quote(following, safe="/?&=%:#~-._"), 303)
    answer.set_cookie(COOKIE, secret, path="/", httponly=True, samesite="lax", secure=_by_tls(request), max_age=int(ABSOLUTE.total_seconds()))
    return answer


def _by_tls(request: Request) -> bool:
    """True when the reader's browser speaks TLS: with us, or with the proxy whose address the settings give."""
    public = urlsplit(desk.here().settings.public_url)
    return request.url.scheme == "https" or (public.scheme == "https" and request.headers.get("host") == public.netloc)


def _note(login: str, what: str) -> None:
    desk.here().ledger.people.note(login[:80], what, {}, now.machine())


def _form(following: str, *, login: str = "", wrong: bool = False) -> Response:
    refused = f'<p class="wrong" role="alert">{say("login.wrong")}</p>' if wrong else ""
    return page(say("login.title"), f"""<main class="card">{_brand()}<h1>{say("login.title")}</h1>{refused}
        <form method="post" action="/login"><input type="hidden" name="next" value="{escape(following)}">
        <label>{say("login.name")}<input name="login" value="{escape(login)}" autocomplete="username" autocapitalize="none" required autofocus></label>
        <label>{say("login.password")}<input name="password" type="password" autocomplete="current-password" required></label>
        <button class="main">{say("login.button")}</button></form><p class="note">{say("login.help")}</p></main>""", 401 if wrong else 200)


def _brand() -> str:
    return f'<p class="brand"><i class="mark"></i>{say("product.name")}</p>'

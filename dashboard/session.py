"""Who is looking. The cookie names a session row; every rerun and every fragment asks that row again."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import cast

import streamlit as st

from dashboard import desk, tongue
from incidents import i18n, now
from incidents.model import Person

COOKIE = "yujing_session"


def secret_of(cookies: str) -> str | None:
    """The session's secret in a Cookie header, or None."""
    try:
        found = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return found.value if found is not None else None


def holder(secret: str | None) -> Person | None:
    """Whose session this is, if it is still good."""
    return desk.here().ledger.people.in_session(secret, now.machine())


def cookies() -> Mapping[str, str]:
    """Cookies of the page's connection, frozen when it was made."""
    return cast("Mapping[str, str]", st.context.cookies)


def current() -> Person | None:
    """Who runs this script now; None when the session has ended since the page was opened.

    Every rerun and every fragment asks this first, so it also says which language the words are in from here on.
    """
    i18n.speak(cookies().get(tongue.COOKIE))
    return holder(cookies().get(COOKIE))


def require() -> Person:
    """The person of this run. Without a good session the whole page runs anew, and shows only the way in."""
    person = current()
    if person is None:
        st.rerun(scope="app")
    return person

"""A click and what is said of it: the write is tried, a refusal or a conflict becomes a sentence on the page."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import actions, session
from dashboard.parts import esc
from dashboard.say import say, say_or
from incidents.errors import Conflict, LedgerError, Refused
from incidents.model import Person

NOTICE = "notice"


def attempt(action: str, write: Callable[[Person], object], done: str = "", then: Callable[[], None] | None = None) -> None:
    """Try ``write`` for whoever clicked, ``then`` only when it was done. Used as a widget's callback.

    Whoever's session has ended meanwhile writes nothing: the run that follows shows the way in.
    """
    person = session.current()
    if person is None:
        return
    try:
        write(person)
    except Conflict:
        _notice("late", say("conflict"))
    except Refused:
        _notice("late", say_or(f"refused.{action}", say("refused.role")) if actions.may(person, action) else say("refused.role"))
    except LedgerError:
        _notice("late", say("busy"))
    else:
        st.session_state.pop(NOTICE, None)
        if done:
            _notice("own", done)
        if then is not None:
            then()


def _notice(tone: str, words: str) -> None:
    st.session_state[NOTICE] = (tone, words)


def notice() -> None:
    """What the last click came to, until the next one."""
    tone, words = st.session_state.get(NOTICE, ("", ""))
    if words:
        st.html(f'<div class="callout {tone}" role="status">{esc(words)}</div>')

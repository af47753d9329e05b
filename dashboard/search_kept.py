"""Saved searches on the search page: keep this one, list, open, delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from dashboard import actions, desk, doing, reads, session
from dashboard import say as words
from dashboard.parts import dots, esc
from dashboard.reads import Asked
from dashboard.say import say
from dashboard.search_words import button_words
from incidents.i18n import clock_time
from incidents.store.searches import LONGEST_NAME, SavedSearch

NARROWED = ("brand", "source", "platform", "sentiment", "span", "from", "until")  # what the page's address holds beside the query
NAME = "keep_name"


def narrowed() -> dict[str, str]:
    return {name: value for name in NARROWED if (value := st.query_params.get(name))}


def keep(asked: Asked) -> None:
    """The way to keep the search that is being shown, for whoever may."""
    person = session.require()
    if not actions.may(person, "keep_search"):
        return
    with st.popover(say("search.keep.button"), disabled=not asked.typed.strip() and not narrowed()), st.form("keep", border=False):
        st.text_input(say("search.keep.name"), key=NAME, max_chars=LONGEST_NAME, placeholder=asked.typed[:LONGEST_NAME])
        st.form_submit_button(say("search.keep.do"), type="primary", on_click=_keep, args=(asked.typed, narrowed()))


def _keep(query: str, chosen: Mapping[str, str]) -> None:
    """Without a name of its own it is called by its query."""
    session.current()  # a callback runs before the page: from here on the words are in the clicker's language
    name = (str(st.session_state.get(NAME) or "").strip() or query.strip())[:LONGEST_NAME]
    doing.attempt("keep_search", lambda person: actions.keep_search(person, name, query, chosen, reads.moment()), done=say("search.keep.done", name=name), then=_unname)


def _unname() -> None:
    st.session_state[NAME] = ""


def kept(anew: Callable[[], None]) -> None:
    """The list of saved searches; ``anew`` begins the pages of an opened one at the first."""
    found = reads.saved_searches()
    if not found:
        return
    with st.popover(say("search.keep.list", n=len(found))):
        for one in found:
            _line(one, anew)


def _line(one: SavedSearch, anew: Callable[[], None]) -> None:
    person, settings = session.require(), desk.here().settings
    with st.container(key=f"keptline_{one.id}", gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(button_words(one.name), key=f"kept_open_{one.id}", type="tertiary", on_click=_open, args=(one, anew))
            if actions.may(person, "delete_search") and (one.made_by == person.login or actions.may(person, "waive")):
                st.button(say("search.keep.delete"), key=f"kept_delete_{one.id}", type="tertiary", on_click=_delete, args=(one,))
        said = dots(f"<code>{esc(one.query[:80])}</code>", esc(words.person(settings, one.made_by)), clock_time(one.made_at, reads.moment()))
        st.html(f'<div class="keptsaid foreign">{said}</div>')


def _open(one: SavedSearch, anew: Callable[[], None]) -> None:
    anew()
    for name in NARROWED:
        st.query_params.pop(name, None)
    for name, value in one.narrowed.items():
        st.query_params[name] = value
    st.session_state["q"] = one.query


def _delete(one: SavedSearch) -> None:
    session.current()
    doing.attempt("delete_search", lambda person: actions.delete_search(person, one.id), done=say("search.keep.deleted", name=one.name))

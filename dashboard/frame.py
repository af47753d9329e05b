"""The Streamlit script: stylesheet, who is looking, navigation; the page itself is a file under ``views/``."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from dashboard import desk, parts, reads, session
from dashboard.say import say
from incidents import now

HERE = Path(__file__).parent
VIEWS = HERE / "views"


def main() -> None:
    person = session.current()  # says whose language is spoken, too
    st.set_page_config(page_title=say("product.name"), page_icon=str(HERE / "mark.svg"), layout="wide")
    st.html(HERE / "style.css")
    if person is None:  # the socket outlived its session
        st.navigation([st.Page(VIEWS / "ended.py", title=say("nav.ended"))], position="hidden").run()
        return
    reads.moment()
    page = st.navigation([
        st.Page(VIEWS / "overview.py", title=say("nav.overview"), default=True),
        st.Page(VIEWS / "room.py", title=say("nav.room"), url_path="incident"),
        st.Page(VIEWS / "search.py", title=say("nav.search"), url_path="mentions"),
        st.Page(VIEWS / "telling.py", title=say("nav.telling"), url_path="alerts"),
        st.Page(VIEWS / "watch.py", title=say("nav.watch"), url_path="sources"),
        st.Page(VIEWS / "record.py", title=say("nav.record"), url_path="record"),
        st.Page(VIEWS / "labels.py", title=say("nav.labels"), url_path="labels"),
    ], position="top")
    with st.container(key="who"):
        st.html(parts.who(person.name, _drill(), _path()))
    try:
        page.run()
    finally:
        st.html('<i class="whole"></i>')  # the stylesheet shows the page when this has arrived: nothing jumps while it streams in


def _path() -> str:
    """Where the reader is, to come back to after a change of language."""
    parts_of = urlsplit(st.context.url or "/")
    return f"{parts_of.path or '/'}{'?' + parts_of.query if parts_of.query else ''}"


def _drill() -> str | None:
    """The header of a drill says that it is one, and how fast its time runs."""
    pace = desk.here().settings.clock.speed
    if pace == 1.0:
        return None
    if now.speed() < 0.5:
        return say("drill.standing")
    return say("drill.running", pace=parts.pace(pace))


main()

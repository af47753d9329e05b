"""The session has ended while the page stood open: nothing is shown but the way in."""

from __future__ import annotations

import streamlit as st

from dashboard.say import say

st.html(f'<div class="ended"><h2>{say("session.ended")}</h2><p>{say("session.ended_note")}</p>'
        f'<p><a class="primary" href="/login" target="_self">{say("login.button")}</a></p></div>')

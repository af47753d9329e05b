"""Which brand a page is about: a box above it, whose choice stands in the address."""

from __future__ import annotations

import streamlit as st

from dashboard import desk
from dashboard.say import say


def chosen_brand(page: str) -> str | None:
    """The brand's id. None, and a sentence in place of the page, while the settings have no brand; ``page`` begins the keys of its words."""
    brands = {brand.id: brand.name for brand in desk.here().settings.brands}
    if not brands:
        st.html(f'<div class="lede"><h1>{say(f"{page}.title")}</h1></div><p class="empty">{say(f"{page}.no_brands")}</p>')
        return None
    with st.container(key="record_brand"):
        chosen = st.selectbox(say(f"{page}.brand"), list(brands), format_func=lambda one: brands.get(one, one), key="brand", bind="query-params")
    return chosen if chosen in brands else next(iter(brands))

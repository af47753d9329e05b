"""信源: what each source lets us see, since when it does not, and when it is tried again."""

from __future__ import annotations

import streamlit as st

from dashboard import reads, session, spread
from dashboard import say as words
from dashboard.parts import esc, head, standstill
from dashboard.room_tabs import table
from dashboard.say import say
from incidents.i18n import clock_time
from incidents.store.faults import Fault
from incidents.store.sources import SourceState

EVERY = 5
COLUMNS = ("source.name", "source.state", "source.since", "source.fetched", "source.newest", "source.next", "source.requests")


@st.fragment(run_every=EVERY)
def show() -> None:
    session.require()
    sources = reads.sources()
    blind = sum(source.health.blind for source in sources)
    ordered = sorted(sources, key=lambda source: (not source.health.blind, source.id))
    st.html(f'<div class="first">{head(say("source.title"), say("blind.count", n=len(sources), blind=blind))}</div>'
            + "".join(standstill(one) for one in reads.standstills())
            + "".join(_archive(fault) for fault in reads.archive_faults())
            + (table(COLUMNS, "".join(_row(source) for source in ordered[: reads.ROWS]), numeric=6) if sources else f'<p class="empty">{say("source.none")}</p>'))


def _archive(fault: Fault) -> str:
    """Search is part of what is seen: an index that is down or full is said where blindness is said."""
    return f'<div class="callout" role="status"><i class="warn"></i><b>{esc(fault.said())}</b> {esc(fault.way_out())}</div>'


def _row(source: SourceState) -> str:
    now = reads.moment()
    since = clock_time(source.health_since, now) if source.health_since else ""
    newest = clock_time(source.newest_at, now) if source.newest_at else say("source.never")
    following = clock_time(source.next_try_at, now) if source.next_try_at and source.next_try_at > now else ""
    tone = "late" if source.health.blind else ""
    place = f"{words.say_or(f'platform.{source.platform}', source.platform)} · {words.say_or(f'tier.{source.tier}', source.tier)}"
    return (f"<tr><td><i class='{spread.health_mark(source.health)}'></i>{esc(source.name)}<span class='s'>{esc(place)}</span></td>"
            f"<td><b class='{tone}'>{words.say_or(f'health.{source.health.value}', source.health.value)}</b><span class='s foreign'>{esc(words.why_blind(source.health_reason)[:120])}</span></td>"
            f"<td>{since}</td><td>{spread.fetched(source, now)}</td><td>{newest}</td><td>{following}</td><td class='n'>{source.requests_today:,}</td></tr>")


show()

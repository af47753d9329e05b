"""All reads of the pages. Kept for a moment here and nowhere else; a connection per call; never more than a page's worth.

Each function takes only values that name what is wanted, so that ten people looking at the same page
cost one query. ``forget()`` is called after each write, so that who clicked sees the result at once.
"""

from dashboard.reads.archive_state import archive_faults
from dashboard.reads.burning import (
    SHOWN,
    Burning,
    Foreseen,
    Room,
    all_incidents,
    burning,
    incident,
    open_incidents,
    room,
    shares,
)
from dashboard.reads.found import Asked, Bars, Hit, Hits, found_bars, found_facets, found_page, waiting
from dashboard.reads.kept import ROWS, briefly, forget, moment
from dashboard.reads.seen import Seen, lead, representative
from dashboard.reads.standing import standstills
from dashboard.reads.trial import Trial, saved_searches, trial
from dashboard.reads.usual import (
    Budget,
    Volume,
    alerts,
    anybody_has_a_password,
    budget,
    day_start,
    my_tasks,
    preference,
    sources,
    titles,
    volumes,
)

__all__ = [
    "ROWS", "SHOWN", "Asked", "Bars", "Budget", "Burning", "Foreseen", "Hit", "Hits", "Room", "Seen", "Trial", "Volume",
    "alerts", "all_incidents", "anybody_has_a_password", "archive_faults", "briefly", "budget", "burning", "day_start", "forget", "found_bars",
    "found_facets", "found_page", "incident", "lead", "moment", "my_tasks", "open_incidents", "preference", "representative",
    "room", "saved_searches", "shares", "sources", "standstills", "titles", "trial", "volumes", "waiting",
]

"""All reads of the pages. Kept for a moment here and nowhere else; a connection per call; never more than a page's worth.

Each function takes only values that name what is wanted, so that ten people looking at the same page
cost one query. ``forget()`` is called after each write, so that who clicked sees the result at once.
"""

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
from dashboard.reads.kept import ROWS, briefly, forget, moment
from dashboard.reads.seen import SearchPage, Seen, lead, representative, search
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
    "ROWS", "SHOWN", "Budget", "Burning", "Foreseen", "Room", "SearchPage", "Seen", "Volume", "alerts", "all_incidents",
    "anybody_has_a_password", "briefly", "budget", "burning", "day_start", "forget", "incident", "lead", "moment", "my_tasks",
    "open_incidents", "preference", "representative", "room", "search", "shares", "sources", "titles", "volumes",
]

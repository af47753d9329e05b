"""The search box's own words: what is wrong with a query and where, names of what narrows it, lengths of time. Pure but for names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from dashboard import say as words
from dashboard.parts import esc
from dashboard.say import say
from incidents.errors import QueryError
from incidents.now import SHANGHAI, shanghai
from incidents.settings import Settings

#: Faults of a query that is still being written: said quietly.
UNFINISHED = frozenset({"ends_early", "open_quote", "open_bracket", "empty_field", "empty", "only_exclusions"})
#: And of a word that is still being written, when nothing stands behind it: NEAR without its number, a lone minus, sentiment:neg.
UNFINISHED_AT_END = frozenset({"bad_near", "no_words", "bad_sentiment"})
HOUR = "%Y-%m-%dT%H"  # how the page's address writes a moment (Asia/Shanghai)


def unfinished(error: QueryError, typed: str) -> bool:
    """True while the writer may well be in the middle of it."""
    return error.code in UNFINISHED or (error.code in UNFINISHED_AT_END and not any(char.isspace() for char in typed[error.position :]))


def fault(error: QueryError, typed: str, shown: str) -> str:
    """The sentence, the query with the place marked, and which query the answer below is of."""
    calm = unfinished(error, typed)
    said = words.say_or(f"query.error.{error.code}", str(error), **error.values)
    below = say("search.still", query=shown) if shown.strip() else say("search.still_all")
    head = f"<b>{say('search.unfinished')}</b> " if calm else ""
    return (f'<div class="queryfault {"calm" if calm else "soon"}" role="status">{head}{esc(said)}'
            f'<code>{marked_place(typed, error.position)}</code><span class="s">{esc(below)}</span></div>')


def marked_place(typed: str, position: int) -> str:
    """The query as HTML with its character number ``position`` (from 0) marked; a blank is marked behind the end. A long one is cut."""
    begin = max(0, position - 60)
    here = typed[position : position + 1] or "\u00a0"
    return f'{"…" if begin else ""}{esc(typed[begin:position])}<mark class="at">{esc(here)}</mark>{esc(typed[position + 1 : position + 41])}'


def value_name(settings: Settings, name: str, value: str) -> str:
    """A brand, source, platform or sentiment as people say it."""
    if name == "platform":
        return words.platform(value)
    if name == "sentiment":
        return words.say_or(f"sentiment.{value}", value)
    named = settings.brands if name == "brand" else settings.sources
    return next((one.name for one in named if one.id == value), value)


def hour(said: str | None) -> datetime | None:
    """A moment of the page's address; None for none and for what cannot be read."""
    try:
        return datetime.strptime(said or "", HOUR).replace(tzinfo=SHANGHAI)
    except ValueError:
        return None


def written(moment: datetime) -> str:
    return shanghai(moment).strftime(HOUR)


def stretch(begin: datetime | None, end: datetime | None) -> str:
    """``11-20 00:00 – 11-22 24:00``-like: both ends where they are set."""
    return f"{_moment(begin)} – {_moment(end)}"


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"{shanghai(at):%m-%d %H:%M}"


def step(unit: str) -> timedelta:
    return timedelta(days=1) if unit == "day" else timedelta(hours=1)


def bounds(names: tuple[str, ...], unit: str, first: int, last: int) -> tuple[datetime, datetime]:
    """From the beginning of bar ``first`` to the end of bar ``last`` (names as ``reads.Bars`` has them)."""
    form = "%Y-%m-%d" if unit == "day" else HOUR
    begin, end = (datetime.strptime(names[place], form).replace(tzinfo=SHANGHAI) for place in (first, last))
    return begin, end + step(unit)


def chosen_bars(selection: Mapping[str, Any], bars: int) -> tuple[int, int] | None:
    """First and last bar of a click or a brush on the histogram (Streamlit's EChartsState); None when nothing is chosen."""
    areas = [area["coord_range"] for area in selection.get("areas", ()) if area.get("coord_range")]
    picked = [place for group in selection.get("selected", ()) for place in group["data_indices"]]
    ends = [round(end) for area in areas for end in area] or picked
    if not ends:
        return None
    return max(0, min(ends)), min(bars - 1, max(ends))


def button_words(text: str) -> str:
    """Foreign words as a button's label: Streamlit reads labels as Markdown, so that every sign of it is escaped."""
    plain = "".join(char for char in text if char.isprintable())
    return "".join(f"\\{char}" if char.isascii() and not char.isalnum() and char not in " ," else char for char in plain)

"""A statement was published: who says so, when, where. Pure; what it changed is told by incidents/effect.py."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from incidents.errors import Refused
from incidents.lifecycle import Change, NewEvent
from incidents.model import Incident

KIND = "statement_published"


def publish(incident: Incident, person: str, at: datetime, link: str, title: str, now: datetime) -> Change:
    """The event of a published statement; ``at`` is when the public could first read it.

    Raises:
        Refused: the incident is closed, ``at`` lies in the future or before the incident first appeared, or ``link`` is no web address.
    """
    if not incident.is_open:
        raise Refused("The incident is closed; its timeline no longer changes.")
    if not incident.first_appeared <= at <= now:
        raise Refused("A statement is published after the incident first appeared, and not in the future.")
    parts = urlsplit(link.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused("The public link must be a web address.")
    values = {"link": link.strip()[:500], "title": title.strip()[:120] or parts.hostname}
    return Change(incident_id=incident.id, version=incident.version, episode=incident.episode, values={},
                  events=(NewEvent(kind=KIND, by=person, happened_at=at, values=values),))

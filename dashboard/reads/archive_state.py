"""What is wrong with the search index, for the page of the sources."""

from __future__ import annotations

from dashboard import desk
from dashboard.reads.kept import LONGEST_S, briefly
from incidents.errors import YujingError
from incidents.store.faults import Fault
from incidents.store.search import ArchiveDown


@briefly(LONGEST_S)  # an Elasticsearch that hangs costs this page ten seconds a minute, and no other page anything
def archive_faults() -> tuple[Fault, ...]:
    """() is well."""
    try:
        return tuple(desk.here().archive().faults())
    except ArchiveDown as error:
        return (error.fault,)
    except YujingError as error:
        return (Fault(code="down", values={"why": str(error)}),)

"""What Elasticsearch answers when it does not answer, in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import elasticsearch
from elastic_transport import TlsError
from elasticsearch import ApiError, TransportError

from incidents.store.search import ArchiveDown


class Busy(ArchiveDown):
    """The whole request was put off."""


class TooLarge(ArchiveDown):
    """The request has more bytes than the server takes."""


class Forbidden(ArchiveDown):
    """The login is right, but may not do this."""


class Exists(ArchiveDown):
    """The index is there already."""


class Gone(ArchiveDown):
    """The index is no longer there."""


@contextmanager
def speaking() -> Iterator[None]:
    """Every fault of the server or the way to it as an ArchiveDown in words."""
    try:
        yield
    except elasticsearch.UnsupportedProductError as error:
        raise ArchiveDown("What answers at the archive's address is no Elasticsearch.", "other_product") from error
    except ApiError as error:
        raise _spoken(error) from error
    except TlsError as error:
        raise ArchiveDown("Elasticsearch's certificate is not trusted: name the file of its authority with ca=FILE in the archive's URL.", "certificate") from error
    except TransportError as error:
        raise ArchiveDown(f"Elasticsearch does not answer ({type(error).__name__}).", why=type(error).__name__) from error


def _spoken(error: ApiError) -> ArchiveDown:
    status, kind = error.meta.status, error.error if isinstance(error.error, str) else ""
    if status in (429, 502, 503, 504):
        return Busy(f"Elasticsearch is busy ({status}).", "busy", status=status)
    if status in (406, 415) or kind == "media_type_header_exception":  # 7 answers so to every request of a client that speaks 8
        return ArchiveDown("This Elasticsearch does not speak with clients of version 8; Yujing works with servers 8 and 9.", "other_version")
    if status == 413:
        return TooLarge("The request is larger than Elasticsearch takes.", "strange", status=status, kind=kind)
    if status == 401:
        return ArchiveDown("Elasticsearch refuses the login: look at user, password or api_key of the archive's URL.", "login")
    if status == 403:
        return Forbidden(f"Elasticsearch forbids it ({kind}): the login needs all rights on its own indices.", "forbidden", kind=kind)
    if kind == "resource_already_exists_exception":
        return Exists(kind)
    if kind == "index_not_found_exception":
        return Gone("An index of the archive is gone.", "strange", status=status, kind=kind)
    return ArchiveDown(f"Elasticsearch answers {status} ({kind}).", "strange", status=status, kind=kind)


def refuse_halves(answer: Any) -> None:
    """An answer of some shards only would be a wrong number."""
    if answer.get("timed_out") or answer.get("_shards", {}).get("failed"):
        raise ArchiveDown("Elasticsearch answered for a part of the index only.", "part")

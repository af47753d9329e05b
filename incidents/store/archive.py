"""Which archive a URL names."""

from __future__ import annotations

from incidents.errors import YujingError
from incidents.store.elastic_address import Secret, address
from incidents.store.search import Archive, ArchiveDown, Found, Query


def open_archive(url: str, secret: Secret = lambda value: value) -> Archive:
    """The archive for ``url``: ``sqlite:///FILE`` or ``elastic+https://user:password@host:9200/prefix?api_key=…&ca=FILE``.

    ``secret`` resolves ``secret:NAME`` in password and API key (``settings.secret``).

    Raises:
        YujingError: no archive has such a URL.
        ArchiveDown: the file cannot be opened now. Elasticsearch is not asked before the first call.
    """
    scheme = url.split(":", 1)[0]
    if scheme == "sqlite":
        from incidents.store.archive_sqlite import SqliteArchive

        return SqliteArchive(url.removeprefix("sqlite:///"))
    if scheme in ("elastic+http", "elastic+https"):
        where = address(url, secret)
        from incidents.store.archive_elastic import ElasticArchive

        return ElasticArchive(where)
    raise YujingError(f"There is no archive of kind {scheme!r}; known: sqlite, elastic+http, elastic+https.")


__all__ = ["Archive", "ArchiveDown", "Found", "Query", "open_archive"]

"""Which archive a URL names."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import cast

import incidents.store
from incidents.errors import YujingError
from incidents.store.elastic_address import Secret, address
from incidents.store.search import Archive, ArchiveDown, Found, Query

OURS = ("sqlite", "elastic", "rows", "sets", "totals")  # the last three are parts of the first


def open_archive(url: str, secret: Secret = lambda value: value) -> Archive:
    """The archive for ``url``: ``sqlite:///FILE`` or ``elastic+https://user:password@host:9200/prefix?api_key=…&ca=FILE``;
    any other scheme is the name of a module beside this one, ``archive_SCHEME``, with ``connect(url, secret) -> Archive``.

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
    if scheme in added():
        return cast(Archive, import_module(f"incidents.store.archive_{scheme}").connect(url, secret))
    raise YujingError(f"There is no archive of kind {scheme!r}; known: {', '.join(('sqlite', 'elastic+http', 'elastic+https', *added()))}.")


def added() -> tuple[str, ...]:
    """Schemes of archives beside the two that are shipped: by the files that are there (docs/extending.md)."""
    names = (module.name.removeprefix("archive_") for module in iter_modules(incidents.store.__path__) if module.name.startswith("archive_"))
    return tuple(sorted(name for name in names if name not in OURS))


__all__ = ["Archive", "ArchiveDown", "Found", "Query", "open_archive"]

"""Every archive that there is: SQLite always, Elasticsearch with ELASTICSEARCH_URL (in indices of its own, removed after)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from incidents.store.archive import open_archive
from incidents.store.search import Archive


def server_url() -> str:
    url = os.environ.get("ELASTICSEARCH_URL", "")
    if not url:
        pytest.skip("no Elasticsearch (set ELASTICSEARCH_URL)")
    base, _, options = url.partition("?")
    return f"elastic+{base.rstrip('/')}/yujing-test-{uuid4().hex[:12]}" + (f"?{options}" if options else "")


@pytest.fixture
def elastic() -> Iterator[Archive]:
    archive = open_archive(server_url())
    yield archive
    archive.clear()
    archive.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Archive]:
    archive = open_archive(f"sqlite:///{tmp_path}/archive.sqlite")
    yield archive
    archive.close()


@pytest.fixture(params=["sqlite", pytest.param("elastic", marks=pytest.mark.server)])
def archive(request: pytest.FixtureRequest) -> Archive:
    found: Archive = request.getfixturevalue(request.param)
    return found

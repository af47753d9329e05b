"""The contract on SQLite, the default."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from incidents.settings import Settings
from incidents.store.ledger import Ledger, open_ledger
from tests.incidents.builders import settings_in
from tests.incidents.store.contract import LedgerContract, Openings


@dataclass
class SqliteOpenings:
    settings: Settings

    def __call__(self) -> Ledger:
        return open_ledger(self.settings)


class TestSqlite(LedgerContract):
    @pytest.fixture
    def openings(self, tmp_path: Path) -> Openings:
        return SqliteOpenings(settings_in(tmp_path))

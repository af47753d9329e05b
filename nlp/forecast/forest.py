"""A forest as plain arrays: extremely randomised trees (Geurts, Ernst and Wehenkel 2006, Machine Learning 63) or
boosted ones, whichever grew it.

All trees lie in one row of nodes; a node's left child is ``left[i]``, its right child the next one. The file is
``.npz`` with numbers only: nothing in it can run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.forecast.spread import Floats

LEAF = -1
ROWS_AT_ONCE = 64  # rows × trees of one step stay in the processor's cache


@dataclass(frozen=True, kw_only=True)
class Forest:
    """``feature[i]`` is LEAF in a leaf; ``values[i]`` is then what the leaf says, one number an output."""

    roots: NDArray[np.int32]
    feature: NDArray[np.int8]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    values: NDArray[np.float32]
    depth: int

    @classmethod
    def read(cls, packed: Mapping[str, NDArray[np.generic]], name: str) -> Forest:
        """The forest ``name`` of a model file; the leaves' values are kept there for leaves only."""
        arrays = {key.removeprefix(f"{name}_"): array for key, array in packed.items() if key.startswith(f"{name}_")}
        feature = arrays["feature"].astype(np.int8)
        leaf_values = arrays["leaf_values"].astype(np.float32)
        values = np.zeros((len(feature), leaf_values.shape[1]), dtype=np.float32)
        values[feature == LEAF] = leaf_values
        return cls(
            roots=arrays["roots"].astype(np.int32), feature=feature, values=values, depth=int(arrays["depth"]),
            threshold=arrays["threshold"].astype(np.float32), left=arrays["left"].astype(np.int32),
        )

    def arrays(self, name: str) -> dict[str, NDArray[np.generic]]:
        """What a model file holds of it, under ``name``."""
        leaf_values = self.values[self.feature == LEAF].astype(np.float16)
        arrays = {"roots": self.roots, "feature": self.feature, "threshold": self.threshold, "left": self.left,
                  "leaf_values": leaf_values, "depth": np.array(self.depth)}
        return {f"{name}_{key}": array for key, array in arrays.items()}

    def leaves(self, rows: Floats) -> NDArray[np.int32]:
        """The leaf that each row reaches in each tree, as node numbers: (rows, trees)."""
        parts = [self._descend(rows[i : i + ROWS_AT_ONCE]) for i in range(0, len(rows), ROWS_AT_ONCE)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.roots)), dtype=np.int32)

    def mean(self, rows: Floats) -> Floats:
        """The mean of all trees: (rows, outputs)."""
        return np.asarray(self.values[self.leaves(rows)].mean(axis=1, dtype=np.float64))

    def sum(self, rows: Floats) -> Floats:
        """The sum of all trees, what boosting means: (rows, outputs)."""
        return np.asarray(self.values[self.leaves(rows)].sum(axis=1, dtype=np.float64))

    def _descend(self, rows: Floats) -> NDArray[np.int32]:
        narrow = np.asarray(rows, dtype=np.float32)
        at = np.broadcast_to(self.roots, (len(narrow), len(self.roots))).copy()
        which = np.arange(len(narrow))[:, None]
        for _ in range(self.depth):
            feature = self.feature[at]
            inner = feature != LEAF
            if not inner.any():
                break
            right = narrow[which, feature] > self.threshold[at]
            at = np.where(inner, self.left[at] + right, at).astype(np.int32)
        return at

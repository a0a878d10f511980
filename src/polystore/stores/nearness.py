"""Exact comparison of vectors, accumulated in float64: for engines that leave it to the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from polystore.specs import Metric

    Floats = NDArray[np.float64]

_ROWS = 2048
"""Rows compared at a time, so that the float64 copies stay small."""

_DIGITS = 12
"""Decimals of a cosine that count: vectors of one direction tie whatever their lengths."""


def compare(matrix: NDArray[np.float32], query: NDArray[np.float32], metric: Metric) -> Floats:
    """Return, for each row, its similarity (cosine), inner product (ip) or distance (l2)."""
    parts = [
        _compare(matrix[start : start + _ROWS], query, metric)
        for start in range(0, len(matrix), _ROWS)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def _compare(matrix: NDArray[np.float32], query: NDArray[np.float32], metric: Metric) -> Floats:
    # Products are summed row by row and not by BLAS, in which equal vectors may differ in the
    # last bits, depending on where they stand; they have to tie.
    if metric == "l2":
        differences = np.subtract(matrix, query, dtype=np.float64)
        return np.sqrt(np.square(differences).sum(axis=1))
    products = np.multiply(matrix, query, dtype=np.float64).sum(axis=1)
    if metric == "ip":
        return products
    lengths = np.sqrt(np.multiply(matrix, matrix, dtype=np.float64).sum(axis=1))
    length = np.sqrt(np.multiply(query, query, dtype=np.float64).sum())
    similarities: Floats = (products / (lengths * length)).round(_DIGITS)
    return similarities.clip(-1.0, 1.0)


def scores_of(values: Floats, metric: Metric) -> Floats:
    """Return the scores, as `Hit` defines them, of what `compare` returned."""
    # Adding 0.0 makes 0.0 of -0.0.
    return 1.0 / (1.0 + values) if metric == "l2" else values + 0.0


def distance_of(value: float, metric: Metric) -> float:
    """Return the distance, as `Hit` defines it, of one value that `compare` returned."""
    if metric == "l2":
        return value
    return (1.0 if metric == "cosine" else 0.0) - value


def best(scores: Floats, k: int, min_score: float | None) -> list[int]:
    """Return the positions of the `k` highest scores of at least `min_score`, ties by position."""
    positions = np.arange(len(scores))
    if min_score is not None:
        positions = np.flatnonzero(scores >= min_score)
    if len(positions) > k:
        kept = scores[positions]
        last = np.partition(kept, len(kept) - k)[len(kept) - k]
        positions = positions[kept >= last]
    order = np.argsort(-scores[positions], kind="stable")
    return [int(position) for position in positions[order[:k]]]

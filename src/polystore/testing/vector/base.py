"""The stores that all vector tests work on, and what NumPy says about nearness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

from polystore.testing.opening import DIMENSIONS, Suite
from polystore.types.records import VectorRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from polystore.client import Workspace
    from polystore.specs import Metric
    from polystore.stores.vector import VectorStore
    from polystore.types.records import Hits

    Matrix = NDArray[np.float32]

TOLERANCE: Final = 1e-5
"""How far a score may be from the exact one."""
ROUNDING: Final = 1e-6
"""How far an inner product in float32 may be off, in proportion to the lengths of its vectors."""


def unit(axis: int) -> list[float]:
    """Return the unit vector along `axis`."""
    return [1.0 if position == axis else 0.0 for position in range(DIMENSIONS)]


def random_vectors(rows: int, *, seed: int) -> Matrix:
    """Return `rows` vectors, the same ones for the same seed."""
    return np.random.default_rng(seed).normal(size=(rows, DIMENSIONS)).astype(np.float32)


def record(
    id_: str, vector: Sequence[float] | Matrix | None = None, **metadata: object
) -> VectorRecord:
    """Return a record without text."""
    return VectorRecord(id_, unit(0) if vector is None else vector, None, dict(metadata))


def score_of(metric: Metric, left: Matrix, right: Matrix) -> float:
    """Return the score by its definition, in doubles."""
    a, b = left.astype(np.float64), right.astype(np.float64)
    if metric == "ip":
        return float(a @ b)
    if metric == "l2":
        return float(1 / (1 + np.linalg.norm(a - b)))
    return float((a @ b) / (np.linalg.norm(a) * np.linalg.norm(b)))


def distance_of(metric: Metric, score: float) -> float:
    """Return the distance that belongs to a score."""
    if metric == "ip":
        return -score
    return 1 / score - 1 if metric == "l2" else 1 - score


def ranking(metric: Metric, rows: Mapping[str, Matrix], query: Matrix) -> list[tuple[str, float]]:
    """Return every id with its score, best first, ties by id."""
    scored = [(id_, score_of(metric, vector, query)) for id_, vector in rows.items()]
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]))


def close(left: float, right: float, *, slack: float = 0.0) -> bool:
    """Return whether two scores agree; large inner products may differ in proportion."""
    return abs(left - right) <= max(TOLERANCE * max(1.0, abs(right)), slack)


def assert_hits(
    hits: Hits, metric: Metric, rows: Mapping[str, Matrix], query: Matrix, k: int
) -> None:
    """Fail unless `hits` are the `k` nearest of `rows`, in order, with their scores."""
    expected = ranking(metric, rows, query)[:k]
    scores = dict(ranking(metric, rows, query))
    about = f"{metric}: got {[(h.id, h.score) for h in hits]}, expected {expected}"
    assert len(hits) == len(expected), about
    assert len({hit.id for hit in hits}) == len(hits), about
    for hit, (_, score) in zip(hits, expected, strict=True):
        # Where large products cancel one another out, float32 keeps only part of the digits.
        slack = ROUNDING * float(np.linalg.norm(rows[hit.id]) * np.linalg.norm(query))
        assert close(hit.score, score, slack=slack if metric == "ip" else 0.0), about
        assert close(hit.score, scores[hit.id], slack=slack if metric == "ip" else 0.0), about
        assert hit.distance is not None
        assert close(hit.distance, distance_of(metric, hit.score)), about
    ordered = sorted(hits, key=lambda hit: (-hit.score, hit.id))
    assert [hit.id for hit in hits] == [hit.id for hit in ordered], about


class VectorTests(Suite):
    """Base of the vector tests."""

    kind = "vector"

    @pytest.fixture
    def vectors(self, space: Workspace) -> VectorStore:
        """Return a cosine store with nothing in it."""
        return space.vector("kit_vectors")

    @pytest.fixture
    def typed(self, space: Workspace) -> VectorStore:
        """Return a store with declared fields and nothing in it."""
        return space.vector("kit_typed")

    @pytest.fixture
    def metrics(self, space: Workspace) -> list[VectorStore]:
        """Return a store of each metric that the backend declares, and one without an index."""
        names = sorted(space.runtime.declared)
        return [space.vector(name) for name in names if name != "kit_typed"]

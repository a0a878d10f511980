"""What Milvus calls a score, and the nearest of many vectors that come page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from polystore.stores.nearness import best, compare, scores_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from polystore.specs import Metric

    Floats = NDArray[np.float64]


def from_engine(values: Floats, metric: Metric) -> Floats:
    """Return scores, as `Hit` defines them, of what Milvus returns for a metric.

    It answers L2 as the square of the distance. (https://milvus.io/docs/metric.md)
    """
    if metric == "l2":
        return scores_of(np.sqrt(values.clip(0.0)), metric)
    return scores_of(values.clip(-1.0, 1.0) if metric == "cosine" else values, metric)


class Best:
    """The nearest to one vector, of rows that come in order of id.

    Args:
        vector: Near to what.
        k: How many.
        metric: What near means.
        min_score: Leave out what is below.
    """

    def __init__(
        self, vector: NDArray[np.float32], k: int, metric: Metric, min_score: float | None
    ) -> None:
        self._vector = vector
        self._k = k
        self._metric: Metric = metric
        self._min_score = min_score
        self._ids: list[str] = []
        self._scores: Floats = np.empty(0)

    def add(self, ids: Sequence[str], matrix: NDArray[np.float32]) -> None:
        """Compare further rows, whose ids come after those before."""
        values = compare(matrix, self._vector, self._metric)
        candidates = [*self._ids, *ids]
        scores = np.concatenate((self._scores, scores_of(values, self._metric)))
        # Equal scores keep the order of ids, also of those that were kept before.
        kept = sorted(best(scores, self._k, self._min_score))
        self._ids = [candidates[position] for position in kept]
        self._scores = scores[kept]

    def found(self) -> list[tuple[str, float]]:
        """Return ids and scores, best first, ties by id."""
        order = best(self._scores, self._k, None)
        return [(self._ids[position], float(self._scores[position])) for position in order]

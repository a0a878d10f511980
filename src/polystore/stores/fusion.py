"""Reciprocal rank fusion: one ranking from several whose scores cannot be compared.

score(record) = sum over the rankings of weight / (60 + rank), ranks from 1; the constant is the
one of Cormack, Clarke and Buettcher, "Reciprocal rank fusion outperforms Condorcet and individual
rank learning methods", SIGIR 2009.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from polystore.types.records import Hit, Hits

if TYPE_CHECKING:
    from collections.abc import Sequence

RANK_CONSTANT = 60


def fuse(rankings: Sequence[tuple[Hits, float]], k: int) -> Hits:
    """Return the `k` best records of weighted `rankings`, ties by id."""
    scores: dict[str, float] = {}
    hits: dict[str, Hit] = {}
    for ranking, weight in rankings:
        for rank, hit in enumerate(ranking, start=1):
            scores[hit.id] = scores.get(hit.id, 0.0) + weight / (RANK_CONSTANT + rank)
            hits.setdefault(hit.id, hit)
    best = sorted(scores, key=lambda id_: (-scores[id_], id_))[:k]
    fused = [replace(hits[id_], score=scores[id_], distance=None) for id_ in best]
    exact = all(ranking.exact for ranking, _ in rankings)
    return Hits(fused, exact=exact, plan="+".join(ranking.plan for ranking, _ in rankings))

"""How a search is carried out: exactly, or by the index and completed exactly.

The index of a table holds all workspaces, and it cannot filter before it has found. So where few
rows can be meant, comparing all of them is both quicker and exact; where many can, the index goes
on until enough of what it finds is meant, and what is still missing then is searched for exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from polystore.types.records import Hit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from polystore.specs import Metric, VectorSpec
    from polystore.stores.queries import SearchQuery
    from polystore_postgres.schema_vector import AnnIndex

MOST_QUERIES: Final = 64
"""Query vectors per statement."""
_MOST_EF: Final = 1000
_MOST_PROBES: Final = 32_768
_SPARE: Final = 2
"""An index returns so many times k, as its order is not the exact one."""
_BINARY_SPARE: Final = 15
_BINARY_LEAST: Final = 150
_SCAN_TUPLES: Final = 20_000
"""What one search by HNSW looks at before it gives up and is completed exactly."""
_ITERATIVE_SINCE: Final = (0, 8)
_FEWEST_EXACT: Final = 1_000
_MOST_EXACT: Final = 20_000
_EXACT_GAIN: Final = 20
"""Walking an index costs so many times more per row than comparing rows one after the other."""


@dataclass(frozen=True, slots=True)
class IndexState:
    """What is known of a store's index just now.

    Attributes:
        ready: Whether it can be used.
        rows: About how many rows the table has, all workspaces together; 0 if nobody knows.
        lists: Of an IVFFlat index.
    """

    ready: bool
    rows: int
    lists: int


def exact_limit(rows: int, k: int) -> int:
    """Return up to how many candidates are best compared one by one.

    The index meets `rows / candidates` rows for each that is meant, and k of those are wanted;
    comparing costs one step per candidate. Both cost the same where the candidates number about
    the root of `rows * k`, with a factor.
    """
    balanced = int((_EXACT_GAIN * rows * k) ** 0.5)
    return max(_FEWEST_EXACT, min(balanced, _MOST_EXACT), _SPARE * k)


def index_candidates(ann: AnnIndex, k: int) -> int:
    """Return how many rows the index is asked for, which are then ordered exactly."""
    if ann.form == "binary":
        return max(_BINARY_LEAST, _BINARY_SPARE * k)
    return _SPARE * k


def planner_settings() -> dict[str, str]:
    """Return the settings that make the server use the index where we decided so.

    Without sorting, only the index gives the order that the statement for it asks for; the exact
    one hides its choice of rows from this. Plans are made anew, as the server's shared ones do
    not know whether a workspace is large.
    """
    # Before PostgreSQL 18, a sort that is off costs so much on paper that plans with one would be
    # compiled, which takes far longer than running them. The setting `jit` is not for us to set:
    # the driver sets and restores it for queries of its own.
    return {
        "enable_sort": "off",
        "jit_above_cost": "-1",
    }


def index_settings(
    ann: AnnIndex, query: SearchQuery, state: IndexState, *, iterative: bool
) -> dict[str, str]:
    """Return the index's own settings for this search.

    Args:
        ann: The index.
        query: The search.
        state: Of the index.
        iterative: Whether the index can go on until enough of what it finds is meant. Where it
            cannot, more answers are completed exactly.
    """
    if ann.method == "hnsw":
        settings = {"hnsw.ef_search": str(_ef(ann, query))}
        further = {
            "hnsw.iterative_scan": "relaxed_order",
            "hnsw.max_scan_tuples": str(_SCAN_TUPLES),
        }
    else:
        probes = query.probes or ann.spec.index.probes or default_probes(state.lists)
        settings = {"ivfflat.probes": str(min(probes, _MOST_PROBES))}
        further = {
            "ivfflat.iterative_scan": "relaxed_order",
            "ivfflat.max_probes": str(_MOST_PROBES),
        }
    return settings | further if iterative else settings


def has_iterative_scans(version: str | None) -> bool:
    """Return whether pgvector of this version has iterative index scans."""
    if version is None:
        return True
    return tuple(int(part) for part in version.split(".")[:2]) >= _ITERATIVE_SINCE


def _ef(ann: AnnIndex, query: SearchQuery) -> int:
    wanted = max(query.ef or ann.spec.index.ef, query.k)
    if ann.form == "binary":
        wanted = max(wanted, index_candidates(ann, query.k))
    return min(wanted, _MOST_EF)


def default_probes(lists: int) -> int:
    """Return how many of an IVFFlat index's lists are searched unless somebody says."""
    return max(10, round(lists**0.5))


def plan_name(ann: AnnIndex) -> str:
    """Return what `Hits.plan` calls a search by this index."""
    if ann.form == "full":
        return ann.method
    return f"{ann.method}({'halfvec' if ann.form == 'half' else 'binary'})"


def to_hits(rows: Iterable[Any], spec: VectorSpec, min_score: float | None) -> list[Hit]:
    """Return rows (id, text, metadata, distance and perhaps the vector) as hits."""
    hits = [
        Hit(row[0], score_of(row[3], spec.metric), row[3], row[1], row[2], *row[4:]) for row in rows
    ]
    return hits if min_score is None else [hit for hit in hits if hit.score >= min_score]


def score_of(distance: float, metric: Metric) -> float:
    """Return the score of a distance as pgvector computes it for `metric`."""
    if metric == "cosine":
        return 1.0 - distance
    return -distance if metric == "ip" else 1.0 / (1.0 + distance)

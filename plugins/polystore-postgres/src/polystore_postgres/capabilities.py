"""What PostgreSQL can do for each kind, with the numbers; imports no driver."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from polystore.capabilities import Capabilities, Feature, Limits
from polystore.filters import OPERATORS

if TYPE_CHECKING:
    from polystore.capabilities import Kind

_EVERY_KIND: Final = frozenset(
    {
        Feature.TRANSACTION,
        Feature.ATOMIC_ANY_SIZE,
        Feature.STRONG_READS,
        Feature.DURABLE,
        Feature.ORDERED_SCAN,
    }
)
_FILTERS: Final = frozenset(OPERATORS)
_ROWS: Final = 1000
_VALUE_BYTES: Final = 64 * 2**20
"""jsonb ends at 256 MiB; a message, which holds a whole batch, at 1 GiB."""

_LIMITS: Final = Limits(
    batch_rows=_ROWS, atomic_batch=_ROWS, value_bytes=_VALUE_BYTES, in_flight=10_000
)
"""As many calls at the same time as a pool may have connections."""

_VECTOR_FEATURES: Final = frozenset(
    {
        Feature.FILTER,
        Feature.TEXT_SEARCH,
        Feature.INDEX_HNSW,
        Feature.INDEX_IVFFLAT,
        Feature.METRIC_COSINE,
        Feature.METRIC_IP,
        Feature.METRIC_L2,
        Feature.GENERATIONS,
    }
)

AT_MOST: Final[dict[Kind, Capabilities]] = {
    "kv": Capabilities(
        features=_EVERY_KIND | {Feature.TTL},
        limits=_LIMITS,
    ),
    "doc": Capabilities(
        features=_EVERY_KIND | {Feature.SORT_UNDECLARED},
        limits=_LIMITS,
        native_filters=_FILTERS,
    ),
    "graph": Capabilities(
        features=_EVERY_KIND | {Feature.LABEL_SEARCH, Feature.FUZZY_LABELS},
        limits=_LIMITS,
        native_filters=_FILTERS,
    ),
    "vector": Capabilities(
        features=_EVERY_KIND | _VECTOR_FEATURES,
        limits=replace(_LIMITS, text_bytes=_VALUE_BYTES, dimensions=16_000),
        native_filters=_FILTERS,
    ),
}
"""Per kind, what no server exceeds; a server with pgvector and pg_trgm has it all."""

AT_LEAST: Final[dict[Kind, Capabilities]] = {
    kind: replace(
        capabilities,
        features=capabilities.features - {Feature.FUZZY_LABELS},
        limits=replace(capabilities.limits, in_flight=1),
    )
    for kind, capabilities in AT_MOST.items()
    if kind != "vector"
}
"""Per kind, what every server has: vectors and fuzzy labels need an extension."""


def live_capabilities(
    kind: Kind, *, has_vector: bool, has_trigrams: bool, connections: int
) -> Capabilities | None:
    """Return what a server can do for `kind`; None if it cannot serve it.

    Args:
        kind: The kind of store.
        has_vector: Whether pgvector is, or can be, installed in the database.
        has_trigrams: Whether pg_trgm is installed in the database.
        connections: How many the pool may have; more calls at the same time would only wait.
    """
    if kind == "vector" and not has_vector:
        return None
    live = AT_LEAST[kind] if kind == "graph" and not has_trigrams else AT_MOST[kind]
    return replace(live, limits=replace(live.limits, in_flight=connections))

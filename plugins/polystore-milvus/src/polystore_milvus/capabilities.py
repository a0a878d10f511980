"""What Milvus can do for vectors, with the numbers; imports no driver."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from polystore.capabilities import Capabilities, Feature, Limits
from polystore.filters import OPERATORS
from polystore_milvus.metadata import EXPANSION, FILLING

if TYPE_CHECKING:
    from polystore.capabilities import Kind

TEXT_BYTES: Final = 65_535
"""Of a VARCHAR."""
_JSON_BYTES: Final = 65_536
"""Of a JSON field, which holds what filters look at."""
MOST_HITS: Final = 16_384
"""Rows that one search or query returns, and queries that one search takes."""

AT_MOST: Final[dict[Kind, Capabilities]] = {
    "vector": Capabilities(
        features=frozenset(
            {
                Feature.FILTER,
                Feature.ORDERED_SCAN,
                Feature.STRONG_READS,
                Feature.DURABLE,
                Feature.INDEX_HNSW,
                Feature.INDEX_IVFFLAT,
                Feature.METRIC_COSINE,
                Feature.METRIC_IP,
                Feature.METRIC_L2,
                Feature.GENERATIONS,
            }
        ),
        limits=Limits(
            batch_rows=4000,
            # Facts may be a few times as large as the metadata that is counted here, and a
            # message ends at 64 MiB.
            batch_bytes=8 * 2**20,
            atomic_batch=1,
            value_bytes=(_JSON_BYTES - FILLING) // EXPANSION,
            text_bytes=TEXT_BYTES,
            dimensions=32_768,
            k=MOST_HITS,
            in_flight=1000,
        ),
        native_filters=frozenset(OPERATORS),
    )
}
"""What no server exceeds."""

AT_LEAST: Final[dict[Kind, Capabilities]] = {
    kind: replace(capabilities, limits=replace(capabilities.limits, in_flight=1))
    for kind, capabilities in AT_MOST.items()
}
"""What every server has."""


def live_capabilities(kind: Kind, *, in_flight: int) -> Capabilities | None:
    """Return what a server can do for `kind`; None if it does not serve it.

    Args:
        kind: The kind of store.
        in_flight: How many calls it is asked at the same time.
    """
    if kind not in AT_MOST:
        return None
    most = AT_MOST[kind]
    return replace(most, limits=replace(most.limits, in_flight=in_flight))

"""What Neo4j can do, with the numbers; imports no driver."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from polystore.capabilities import Capabilities, Feature, Limits
from polystore.filters import OPERATORS

if TYPE_CHECKING:
    from polystore.capabilities import Kind

AT_MOST: Final[dict[Kind, Capabilities]] = {
    "graph": Capabilities(
        features=frozenset(
            {
                Feature.TRANSACTION,
                Feature.ATOMIC_ANY_SIZE,
                Feature.ORDERED_SCAN,
                Feature.DURABLE,
                Feature.LABEL_SEARCH,
                Feature.FUZZY_LABELS,
            }
        ),
        limits=Limits(batch_rows=1000, atomic_batch=1000, value_bytes=16 * 2**20, in_flight=10_000),
        emulated_filters=frozenset(OPERATORS),
    )
}
"""What no server exceeds."""

AT_LEAST: Final[dict[Kind, Capabilities]] = {
    kind: replace(capabilities, limits=replace(capabilities.limits, in_flight=1))
    for kind, capabilities in AT_MOST.items()
}
"""What every server has."""


def live_capabilities(kind: Kind, *, connections: int) -> Capabilities | None:
    """Return what a server can do for `kind`; None if it does not serve it.

    Args:
        kind: The kind of store.
        connections: How many the pool may have; more calls at the same time would only wait.
    """
    if kind not in AT_MOST:
        return None
    most = AT_MOST[kind]
    return replace(most, limits=replace(most.limits, in_flight=connections))

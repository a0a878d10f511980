"""What Redis can do for each kind, with the numbers; imports no driver."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from polystore.capabilities import Capabilities, Feature, Limits
from polystore.filters import OPERATORS

if TYPE_CHECKING:
    from polystore.capabilities import Kind

_ROWS: Final = 1000
_VALUE_BYTES: Final = 64 * 2**20
"""A string ends at 512 MiB, and everything is in memory."""

_LIMITS: Final = Limits(
    batch_rows=_ROWS,
    atomic_batch=_ROWS,
    value_bytes=_VALUE_BYTES,
    in_flight=10_000,
    max_exact_integer=2**63,
)
_SHARED: Final = frozenset({Feature.STRONG_READS, Feature.DURABLE, Feature.ORDERED_SCAN})

AT_MOST: Final[dict[Kind, Capabilities]] = {
    "kv": Capabilities(features=_SHARED | {Feature.TTL}, limits=_LIMITS),
    "doc": Capabilities(
        features=_SHARED | {Feature.SORT_UNDECLARED},
        limits=_LIMITS,
        emulated_filters=frozenset(OPERATORS),
    ),
}
"""Per kind, what no server exceeds."""

AT_LEAST: Final[dict[Kind, Capabilities]] = {
    kind: replace(
        capabilities,
        features=capabilities.features - {Feature.DURABLE},
        limits=replace(capabilities.limits, in_flight=1, atomic_batch=1),
    )
    for kind, capabilities in AT_MOST.items()
}
"""Per kind, what every server has: whether writes last is its owner's choice."""


def live_capabilities(
    kind: Kind, *, durable: bool, one_slot: bool, connections: int
) -> Capabilities | None:
    """Return what a server can do for `kind`; None if it does not serve it.

    Args:
        kind: The kind of store.
        durable: Whether acknowledged writes survive the end of the server.
        one_slot: Whether one script takes any rows of a workspace; else only a row is atomic.
        connections: How many the pool may have; more calls at the same time would only wait.
    """
    if kind not in AT_MOST:
        return None
    most = AT_MOST[kind]
    return replace(
        most,
        features=most.features if durable else most.features - {Feature.DURABLE},
        limits=replace(most.limits, in_flight=connections, atomic_batch=_ROWS if one_slot else 1),
    )

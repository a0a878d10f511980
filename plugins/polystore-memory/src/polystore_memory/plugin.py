"""What the plugin tells before it is opened. Imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.backend import BackendInfo
from polystore.capabilities import Capabilities, Feature, Limits
from polystore.filters import OPERATORS
from polystore.plugins.hookspecs import hookimpl
from polystore_memory.config import MemoryConfig

if TYPE_CHECKING:
    from polystore.capabilities import Kind


def _capabilities(*features: Feature) -> Capabilities:
    return Capabilities(
        features=frozenset(
            {
                Feature.TRANSACTION,
                Feature.ATOMIC_ANY_SIZE,
                Feature.STRONG_READS,
                Feature.ORDERED_SCAN,
                *features,
            }
        ),
        limits=Limits(atomic_batch=1000),
        native_filters=frozenset(OPERATORS),
    )


CAPABILITIES: dict[Kind, Capabilities] = {
    "kv": _capabilities(Feature.TTL),
    "vector": _capabilities(
        Feature.FILTER,
        Feature.TEXT_SEARCH,
        Feature.METRIC_COSINE,
        Feature.METRIC_IP,
        Feature.METRIC_L2,
        Feature.GENERATIONS,
    ),
    "graph": _capabilities(Feature.LABEL_SEARCH, Feature.FUZZY_LABELS),
    "doc": _capabilities(Feature.SORT_UNDECLARED),
}
"""Per kind; there is no server that could do less."""


@hookimpl
def polystore_backends() -> BackendInfo:
    """Return what this plugin brings."""
    return BackendInfo(
        name="memory",
        config=MemoryConfig,
        backend="polystore_memory.backend:MemoryBackend",
        at_most=CAPABILITIES,
        at_least=CAPABILITIES,
        example="shared: tests   # a space that all clients of this process see\n",
        description="All four kinds in the process's memory; nothing is kept on disk",
    )

"""What the plugin tells before it is opened. Imports no driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.backend import BackendInfo
from polystore.capabilities import Capabilities, Feature, Limits
from polystore.filters import OPERATORS
from polystore.plugins.hookspecs import hookimpl
from polystore_sqlite.config import SqliteConfig

if TYPE_CHECKING:
    from polystore.capabilities import Kind


def _capabilities(*features: Feature) -> Capabilities:
    shared = (
        Feature.TRANSACTION,
        Feature.ATOMIC_ANY_SIZE,
        Feature.STRONG_READS,
        Feature.ORDERED_SCAN,
        Feature.DURABLE,
    )
    return Capabilities(
        features=frozenset(shared + features),
        limits=Limits(atomic_batch=1000),
        native_filters=frozenset(OPERATORS),
    )


CAPABILITIES: dict[Kind, Capabilities] = {
    "kv": _capabilities(Feature.TTL),
    # sqlite-vec has no inner product, so the metric `ip` is not declared.
    "vector": _capabilities(
        Feature.FILTER,
        Feature.TEXT_SEARCH,
        Feature.METRIC_COSINE,
        Feature.METRIC_L2,
        Feature.GENERATIONS,
    ),
    "graph": _capabilities(Feature.LABEL_SEARCH),
    "doc": _capabilities(Feature.SORT_UNDECLARED),
}
"""Per kind. SQLite comes with the plugin, so that no server could do more or less."""


@hookimpl
def polystore_backends() -> BackendInfo:
    """Return what this plugin brings."""
    return BackendInfo(
        name="sqlite",
        config=SqliteConfig,
        backend="polystore_sqlite.backend:SqliteBackend",
        at_most=CAPABILITIES,
        at_least=CAPABILITIES,
        description="All four kinds in one SQLite file, shared by processes of one machine",
        example="path: polystore.db\nreaders: 4\nbusy_timeout: 5s\n",
    )

"""What a store can do, as data with numeric limits: declared by plugins, proved by the kit.

Code asks for a capability, never for a backend's name. What is not declared raises
UnsupportedError and leaves the data as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

from polystore.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind: TypeAlias = Literal["kv", "vector", "graph", "doc"]
KINDS: tuple[Kind, ...] = ("kv", "vector", "graph", "doc")


class Feature(StrEnum):
    """Something that not every engine can do. `require:` in the YAML names these."""

    # every kind
    TRANSACTION = "transaction"
    """Stores of this backend take part in atomic units of work that read their own writes."""
    ATOMIC_ANY_SIZE = "atomic_any_size"
    """`atomic=True` works for batches of any size."""
    STRONG_READS = "strong_reads"
    """`consistency="strong"` is honoured."""
    ORDERED_SCAN = "ordered_scan"
    """Scans come in order of key or id (by code point)."""
    DURABLE = "durable"
    """An acknowledged write survives the end of the process and of the server."""
    # kv
    TTL = "ttl"
    """Entries may expire."""
    # vector
    FILTER = "filter"
    """Searches take a filter."""
    TEXT_SEARCH = "text_search"
    """`search_text` and `hybrid`."""
    INDEX_HNSW = "index_hnsw"
    INDEX_IVFFLAT = "index_ivfflat"
    METRIC_COSINE = "metric_cosine"
    METRIC_IP = "metric_ip"
    METRIC_L2 = "metric_l2"
    GENERATIONS = "generations"
    """A store's records move to another generation, of other dimensions or another metric, while
    the present one serves."""
    # graph
    LABEL_SEARCH = "label_search"
    """`search_labels` finds ids by prefix or part, in any letter case."""
    FUZZY_LABELS = "fuzzy_labels"
    """`search_labels` forgives typing errors."""
    # doc
    SORT_UNDECLARED = "sort_undeclared"
    """`find` sorts by fields that are not declared in `indexes`, by reading all that match."""


_OF_KIND: dict[Kind, tuple[Feature, ...]] = {
    "kv": (Feature.TTL,),
    "vector": (
        Feature.FILTER,
        Feature.TEXT_SEARCH,
        Feature.INDEX_HNSW,
        Feature.INDEX_IVFFLAT,
        Feature.METRIC_COSINE,
        Feature.METRIC_IP,
        Feature.METRIC_L2,
        Feature.GENERATIONS,
    ),
    "graph": (Feature.LABEL_SEARCH, Feature.FUZZY_LABELS),
    "doc": (Feature.SORT_UNDECLARED,),
}
_OF_SOME = {feature for features in _OF_KIND.values() for feature in features}


def features_of(kind: Kind) -> tuple[Feature, ...]:
    """Return what stores of `kind` may be able to do, in the order of `Feature`."""
    return tuple(f for f in Feature if f not in _OF_SOME or f in _OF_KIND[kind])


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers that bound a call; None is unlimited.

    Attributes:
        batch_rows: Rows that one driver call takes; the core splits larger ones.
        batch_bytes: Bytes that one driver call takes; the core splits larger ones.
        atomic_batch: A call of up to so many rows is wholly in or wholly out.
        key_bytes: Bytes of a key, id or edge type.
        value_bytes: Bytes of one value, document, metadata or properties object, as JSON.
        text_bytes: Bytes of one vector record's text.
        dimensions: Dimensions of a vector.
        k: Hits that one search returns.
        in_flight: Calls that the backend carries out at the same time; others wait.
        max_exact_integer: Filters and sorts are exact up to this absolute integer.
    """

    batch_rows: int = 1000
    batch_bytes: int = 8 * 2**20
    atomic_batch: int = 1
    key_bytes: int = 512
    value_bytes: int | None = None
    text_bytes: int | None = None
    dimensions: int | None = None
    k: int | None = None
    in_flight: int = 64
    max_exact_integer: int = 2**63


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one kind of store can do on one backend.

    Attributes:
        features: What is declared.
        limits: The numbers.
        native_filters: Operators (`polystore.filters.OPERATORS`) that the engine evaluates.
        emulated_filters: Operators that work by reading more than the answer.
    """

    features: frozenset[Feature] = frozenset()
    limits: Limits = Limits()
    native_filters: frozenset[str] = frozenset()
    emulated_filters: frozenset[str] = frozenset()

    @property
    def filters(self) -> frozenset[str]:
        """Every operator that works, natively or emulated."""
        return self.native_filters | self.emulated_filters

    def require(self, feature: Feature, *, backend: str, store: str, operation: str) -> None:
        """Raise UnsupportedError unless `feature` is declared."""
        if feature not in self.features:
            raise UnsupportedError(
                f"{operation} needs the capability {feature.value!r}",
                backend=backend,
                store=store,
                hint="Put this store on a backend that declares it; `polystore check` lists them",
            )

    def excess_over(self, at_most: Capabilities) -> Iterator[str]:
        """Yield, in words, every point in which this exceeds `at_most`."""
        for feature in sorted(self.features - at_most.features):
            yield f"feature {feature.value} is not in at_most"
        for operator in sorted(self.filters - at_most.filters):
            yield f"filter operator {operator} is not in at_most"
        for limit in fields(Limits):
            bound = getattr(at_most.limits, limit.name)
            live = getattr(self.limits, limit.name)
            if bound is not None and (live is None or live > bound):
                yield f"limit {limit.name} is {live}, at_most says {bound}"

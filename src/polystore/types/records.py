"""What users write and read: entries, vector records, hits, nodes, edges, documents, pages.

System fields (version, created_at, updated_at, expires_at) stand beside the user's data and never
share a name space with it. Timestamps are timezone-aware. A record that was not read from a store
has version 0 and no timestamps; both are ignored on writing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from numpy import float32
    from numpy.typing import NDArray

T = TypeVar("T")


@dataclass(slots=True)
class KVEntry:
    """A key-value entry with its system fields. `value` is JSON or exact bytes."""

    key: str
    value: Any
    version: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(slots=True, eq=False)
class VectorRecord:
    """A vector with its text and metadata.

    Attributes:
        id: At most 512 UTF-8 bytes.
        vector: float32, shape (dimensions,); None only in answers that did not ask for vectors.
        text: What the vector stands for; searched by `search_text`.
        metadata: A JSON object; filters refer to it.
    """

    id: str
    vector: NDArray[float32] | Sequence[float] | None
    text: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    version: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(slots=True, eq=False)
class Hit:
    """One answer of a search.

    Attributes:
        score: Higher is better. cosine: the cosine similarity; ip: the inner product;
            l2: 1 / (1 + distance). Text search: the engine's own rank. Hybrid: reciprocal ranks.
        distance: cosine: 1 - similarity; ip: -inner product; l2: the Euclidean distance.
            None for text and hybrid search.
    """

    id: str
    score: float
    distance: float | None = None
    text: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    vector: NDArray[float32] | None = None


class Hits(list[Hit]):
    """Hits, best first, ties by id; and what was done to find them.

    Attributes:
        exact: True if every matching record was compared; False if an index may have missed some.
        plan: How it was done, in a word or two, e.g. `exact`, `hnsw`, `hnsw+exact`.
    """

    __slots__ = ("exact", "plan")

    def __init__(self, hits: Iterable[Hit] = (), *, exact: bool, plan: str) -> None:
        super().__init__(hits)
        self.exact = exact
        self.plan = plan


@dataclass(slots=True)
class Node:
    """A node of a property graph, keyed by id. `labels` is a set, kept sorted."""

    id: str
    labels: tuple[str, ...] = ()
    properties: dict[str, Any] = field(default_factory=dict[str, Any])
    version: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


class EdgeKey(NamedTuple):
    """What identifies an edge. In an undirected graph source <= target by code point."""

    source: str
    type: str
    target: str


@dataclass(slots=True)
class Edge:
    """An edge of a property multigraph, keyed by (source, type, target)."""

    source: str
    type: str
    target: str
    properties: dict[str, Any] = field(default_factory=dict[str, Any])
    version: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def key(self) -> EdgeKey:
        """The (source, type, target) of this edge."""
        return EdgeKey(self.source, self.type, self.target)


class NodeDegree(NamedTuple):
    """A node's id and its degree."""

    id: str
    degree: int


class GraphCounts(NamedTuple):
    """How many nodes and edges a graph has."""

    nodes: int
    edges: int


@dataclass(slots=True)
class Subgraph:
    """Nodes in the order they were reached, and every edge among them, by key.

    `truncated` says that reachable nodes were left out because of `max_nodes`.
    """

    nodes: list[Node]
    edges: list[Edge]
    truncated: bool


@dataclass(slots=True)
class GraphPath:
    """A path: `nodes` has one more element than `edges`."""

    nodes: list[str]
    edges: list[Edge]

    def __len__(self) -> int:
        """Return the number of edges."""
        return len(self.edges)


class LabelMatch(NamedTuple):
    """A node found by its id's text; score 1.0 is an exact match."""

    id: str
    score: float


@dataclass(slots=True)
class Document:
    """A JSON object stored under an id, with its system fields."""

    id: str
    data: dict[str, Any]
    version: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(slots=True)
class Page(Generic[T]):
    """A part of an ordered answer.

    Attributes:
        items: In order.
        cursor: Give it to the next call to go on; None when this was the last page.
        total: How many match in all, where the call asked for it.
    """

    items: list[T]
    cursor: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class FieldCount:
    """A value of a field and in how many documents it stands."""

    value: Any
    count: int

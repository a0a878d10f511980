"""What drivers are asked: finds and searches, validated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    from polystore.filters import Filter, Path


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of an order. Missing < null < false < true < numbers < strings < containers."""

    path: Path
    descending: bool = False


@dataclass(frozen=True, slots=True)
class FindQuery:
    """A question to a document store (or to the nodes of a graph).

    Attributes:
        filter: What must hold, or None for all.
        sort: The order; ties, and an empty `sort`, are by id ascending.
        limit: At most this many rows.
        after: Sort keys (`polystore.types.sortkey`) and id of the row to continue after, or None.
        offset: Rows to pass over; never together with `after`.
    """

    filter: Filter | None
    sort: tuple[Sort, ...]
    limit: int
    after: tuple[tuple[bytes, ...], str] | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A vector search, for one or many query vectors of shape (queries, dimensions)."""

    vectors: NDArray[float32]
    k: int
    filter: Filter | None = None
    min_score: float | None = None
    exact: bool = False
    ef: int | None = None
    probes: int | None = None
    with_vectors: bool = False


@dataclass(frozen=True, slots=True)
class TextQuery:
    """A full-text search: records whose text has any of the words of `text`, best first."""

    text: str
    k: int
    filter: Filter | None = None

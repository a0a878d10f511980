"""What drivers receive: whole batches in columns, validated, without duplicates, encoded once.

Columns rather than a list of records, because engines take columns (UNNEST, MSET, UNWIND) and an
object per row costs more than the row. All columns of a batch have the same length. JSON arrives
both as the caller's own values and as text; a driver uses whichever it stores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    from polystore.types.records import EdgeKey

Direction: TypeAlias = Literal["out", "in", "both"]


@dataclass(slots=True)
class KVBatch:
    """Entries to put.

    Attributes:
        keys: Distinct.
        values: JSON text, or exact bytes where `binary` says so.
        binary: Per row, whether `values` holds the user's bytes.
        ttls: Per row, seconds to live from now on, or None for ever. None if no row expires.
    """

    keys: list[str]
    values: list[bytes]
    binary: list[bool]
    ttls: list[float | None] | None = None


@dataclass(slots=True)
class VectorBatch:
    """Vector records to upsert; `vectors` is C-contiguous float32 of shape (rows, dimensions)."""

    ids: list[str]
    vectors: NDArray[float32]
    texts: list[str | None]
    metadata: list[dict[str, Any]]
    metadata_json: list[bytes]


@dataclass(slots=True)
class NodeBatch:
    """Nodes to upsert; labels are sorted and distinct."""

    ids: list[str]
    labels: list[tuple[str, ...]]
    properties: list[dict[str, Any]]
    properties_json: list[bytes]


@dataclass(slots=True)
class EdgeBatch:
    """Edges to upsert; in an undirected graph source <= target already holds."""

    keys: list[EdgeKey]
    properties: list[dict[str, Any]]
    properties_json: list[bytes]


@dataclass(slots=True)
class DocBatch:
    """Documents to put."""

    ids: list[str]
    data: list[dict[str, Any]]
    data_json: list[bytes]

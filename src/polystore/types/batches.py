"""What drivers receive: whole batches in columns, validated, without duplicates, encoded once.

Columns rather than a list of records, because engines take columns (UNNEST, MSET, UNWIND) and an
object per row costs more than the row. All columns of a batch have the same length. JSON arrives
as text, and as values that are decoded from that text when a driver asks for them: what the caller
gave is not kept, for it may change while a write waits, or be one dict used again for every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, TypeAlias, overload

import orjson
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from numpy import float32
    from numpy.typing import NDArray

    from polystore.types.records import EdgeKey

Direction: TypeAlias = Literal["out", "in", "both"]


class Decoded(Sequence["dict[str, Any]"]):
    """JSON objects, each decoded anew from its text whenever it is asked for.

    Args:
        texts: One per row, as `encode_json` writes them; not copied, so that texts added there are
            added here.
    """

    __slots__ = ("texts",)

    def __init__(self, texts: list[bytes]) -> None:
        self.texts = texts

    @override
    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    @override
    def __getitem__(self, index: int | slice) -> dict[str, Any] | Self:
        if isinstance(index, slice):
            return type(self)(self.texts[index])
        return orjson.loads(self.texts[index])

    @override
    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(orjson.loads, self.texts)


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
    metadata: Sequence[dict[str, Any]]
    metadata_json: list[bytes]


class Stamp(NamedTuple):
    """The system fields of a record that is carried over as it is."""

    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class NodeBatch:
    """Nodes to upsert; labels are sorted and distinct."""

    ids: list[str]
    labels: list[tuple[str, ...]]
    properties: Sequence[dict[str, Any]]
    properties_json: list[bytes]


@dataclass(slots=True)
class EdgeBatch:
    """Edges to upsert; in an undirected graph source <= target already holds."""

    keys: list[EdgeKey]
    properties: Sequence[dict[str, Any]]
    properties_json: list[bytes]


@dataclass(slots=True)
class DocBatch:
    """Documents to put."""

    ids: list[str]
    data: Sequence[dict[str, Any]]
    data_json: list[bytes]

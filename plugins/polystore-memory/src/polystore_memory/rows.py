"""What is stored. Rows are frozen: a write makes a new one, so layers and reads can share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from numpy import float32
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A document or an edge; what all rows have. `json` is decoded anew for each read."""

    json: bytes
    version: int
    created_at: datetime
    updated_at: datetime

    def alive(self, now: datetime) -> bool:  # noqa: ARG002 - rows that expire look at it
        """Return whether the row is there at `now`."""
        return True

    def size(self) -> int:
        """Return about how many bytes it takes, without its key."""
        return len(self.json)

    def meta(self, id_: str) -> dict[str, Any]:
        """Return the system fields, as filters name them."""
        return {
            "id": id_,
            "version": self.version,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow(Row):
    """A key-value entry; `json` holds the user's own bytes where `binary` says so."""

    binary: bool
    expires_at: datetime | None

    @override
    def alive(self, now: datetime) -> bool:
        """Return whether it has not expired at `now`."""
        return self.expires_at is None or self.expires_at > now


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorRow(Row):
    """A vector with its text and how often each word stands in it; `json` is the metadata."""

    vector: NDArray[float32]
    text: str | None
    words: Mapping[str, int]

    @override
    def size(self) -> int:
        """Return about how many bytes it takes, without its id."""
        return len(self.json) + self.vector.nbytes + len((self.text or "").encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow(Row):
    """A node; `json` is its properties."""

    labels: tuple[str, ...]

    @override
    def meta(self, id_: str) -> dict[str, Any]:
        """Return the system fields, as filters name them."""
        return {
            "id": id_,
            "version": self.version,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "labels": self.labels,
        }

"""The driver of vector stores: what a backend's author implements."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from polystore.errors import UnsupportedError
from polystore.stores.driver import Driver

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from polystore.filters import Filter
    from polystore.stores.queries import SearchQuery, TextQuery
    from polystore.types.batches import Stamp, VectorBatch
    from polystore.types.call import Call
    from polystore.types.records import Hits, Page, VectorRecord

_READ_ROWS = 500


def _no_generations() -> UnsupportedError:
    return UnsupportedError("this backend carries no records to another generation of a store")


class VectorDriver(Driver):
    """What a backend's author implements to serve vector stores."""

    @abstractmethod
    async def upsert(self, call: Call, batch: VectorBatch) -> None:
        """Store the batch, replacing vector, text and metadata."""

    @abstractmethod
    async def get_many(
        self, call: Call, ids: list[str], *, with_vectors: bool
    ) -> list[VectorRecord | None]:
        """Return the record of each of the distinct `ids`, None where there is none."""

    @abstractmethod
    async def search(self, call: Call, query: SearchQuery) -> list[Hits]:
        """Return one Hits per query vector: the k nearest that match, best first, ties by id.

        If k records match the filter (and `min_score`), k come back.
        """

    @abstractmethod
    async def delete_many(self, call: Call, ids: list[str]) -> int:
        """Delete the distinct `ids`; return how many were there."""

    @abstractmethod
    async def patch_metadata(
        self, call: Call, ids: list[str], patches: list[dict[str, Any]]
    ) -> list[bool]:
        """Merge a patch (RFC 7396) into the metadata of each id; return which ids are there."""

    @abstractmethod
    async def scan_page(
        self,
        call: Call,
        filter_: Filter | None,
        cursor: str | None,
        limit: int,
        *,
        with_vectors: bool,
    ) -> Page[VectorRecord]:
        """Return up to `limit` records that match, from the driver's own `cursor` on."""

    async def carry(
        self,
        call: Call,  # noqa: ARG002
        batch: VectorBatch,  # noqa: ARG002
        stamps: Sequence[Stamp],  # noqa: ARG002
        seen: Sequence[int],  # noqa: ARG002
    ) -> list[bool]:
        """Store each record with the system fields it had elsewhere, if nobody wrote it meanwhile.

        Needed for the capability `generations`.

        Args:
            call: The call.
            batch: The records.
            stamps: The system fields of each, to be stored as they are.
            seen: The version that each has here as far as the caller knows, 0 if it is not here; a
                record that has another one by now stays as it is.

        Returns:
            Which were stored.
        """
        raise _no_generations()

    async def delete_seen(self, call: Call, ids: list[str], seen: Sequence[int]) -> int:  # noqa: ARG002
        """Delete those of the distinct `ids` that still have the version `seen`; return how many.

        Needed for the capability `generations`.
        """
        raise _no_generations()

    async def search_text(self, call: Call, query: TextQuery) -> Hits:  # noqa: ARG002
        """Return the records whose text has any word of the query, best first, ties by id."""
        raise UnsupportedError("this backend has no text search")

    async def count_where(self, call: Call, filter_: Filter) -> int:
        """Return how many records match."""
        return sum([1 async for _ in self._matching(call, filter_)])

    async def delete_where(self, call: Call, filter_: Filter) -> int:
        """Delete what matches; return how many. By default found first, then deleted by id."""
        ids = [record.id async for record in self._matching(call, filter_)]
        deleted = 0
        for start in range(0, len(ids), _READ_ROWS):
            deleted += await self.delete_many(call, ids[start : start + _READ_ROWS])
        return deleted

    @asynccontextmanager
    async def bulk(self, call: Call) -> AsyncGenerator[None]:  # noqa: ARG002
        """Bracket a large load; an engine may put off index work until the end."""
        yield

    async def _matching(self, call: Call, filter_: Filter) -> AsyncIterator[VectorRecord]:
        cursor: str | None = None
        while True:
            page = await self.scan_page(call, filter_, cursor, _READ_ROWS, with_vectors=False)
            for record in page.items:
                yield record
            cursor = page.cursor
            if cursor is None:
                return

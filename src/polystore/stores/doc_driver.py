"""The driver of document stores: what a backend's author implements."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, Any

from polystore.stores.driver import Driver
from polystore.stores.ordering import document_meta, value_at
from polystore.stores.queries import FindQuery
from polystore.types.records import FieldCount
from polystore.types.sortkey import MISSING, decode_sort_key, sort_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from polystore.filters import Filter, Path
    from polystore.types.batches import DocBatch
    from polystore.types.call import Call
    from polystore.types.records import Document

_READ_ROWS = 500


class DocDriver(Driver):
    """What a backend's author implements to serve document stores.

    Versions of a document only ever grow, also over a delete.
    """

    @abstractmethod
    async def get_many(self, call: Call, ids: list[str]) -> list[Document | None]:
        """Return the document of each of the distinct `ids`, None where there is none."""

    @abstractmethod
    async def put_many(self, call: Call, batch: DocBatch) -> None:
        """Store the batch, replacing what was there."""

    @abstractmethod
    async def compare_and_set(self, call: Call, row: DocBatch, version: int) -> int | None:
        """Store the only row of `row` if its document now has `version` (0: if it is absent).

        Returns:
            The new version, or None if nothing was stored.
        """

    @abstractmethod
    async def delete_many(self, call: Call, ids: list[str]) -> int:
        """Delete the distinct `ids`; return how many were there."""

    @abstractmethod
    async def find(self, call: Call, query: FindQuery) -> list[Document]:
        """Return the documents that `query` asks for, in its order."""

    async def count_where(self, call: Call, filter_: Filter | None) -> int:
        """Return how many documents match."""
        if filter_ is None:
            return await self.count(call)
        return sum([1 async for _ in self._matching(call, filter_)])

    async def count_by(self, call: Call, path: Path, filter_: Filter | None) -> list[FieldCount]:
        """Return each scalar value at `path` and its count, in the order of sort keys.

        Documents in which the field is missing, an array or an object are not counted.
        """
        counts: Counter[bytes] = Counter()
        whole: dict[bytes, Any] = {}
        async for document in self._matching(call, filter_):
            value = value_at(path, document.data, document_meta(document))
            if value is MISSING or isinstance(value, list | dict):
                continue
            # A sort key keeps only the beginning of a long string, so that is told apart by value.
            key = sort_key(value) + (value.encode() if isinstance(value, str) else b"")
            whole[key] = value if isinstance(value, str) else decode_sort_key(sort_key(value))
            counts[key] += 1
        return [FieldCount(whole[key], counts[key]) for key in sorted(counts)]

    async def delete_where(self, call: Call, filter_: Filter) -> int:
        """Delete what matches; return how many. By default found first, then deleted by id."""
        deleted = 0
        while True:
            found = await self.find(call, FindQuery(filter_, (), _READ_ROWS))
            if not found:
                return deleted
            deleted += await self.delete_many(call, [document.id for document in found])

    async def _matching(self, call: Call, filter_: Filter | None) -> AsyncIterator[Document]:
        after: tuple[tuple[bytes, ...], str] | None = None
        while True:
            found = await self.find(call, FindQuery(filter_, (), _READ_ROWS, after))
            for document in found:
                yield document
            if len(found) < _READ_ROWS:
                return
            after = ((), found[-1].id)

"""States of documents: what LightRAG asks in every version that is supported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lightrag.base import DocProcessingStatus, DocStatus, DocStatusStorage
from typing_extensions import override

from polystore.filters import F
from polystore_lightrag import stores
from polystore_lightrag.base import PolystoreStorage
from polystore_lightrag.keys import stored_key
from polystore_lightrag.status_rows import (
    UNKNOWN_SOURCE,
    is_duplicate,
    name_of,
    own_row,
    points_at,
    processing_status,
    read_each,
    stored_row,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from polystore.client import Stores
    from polystore.filters import Filter
    from polystore.stores.doc import DocStore
    from polystore.types.records import Document

FEW = 16
"""Documents read at a time where the first ones mostly are enough."""
_SMALLEST_PAGE, _LARGEST_PAGE = 10, 200
_SORTS = {
    "created_at": "created_at",
    "updated_at": "updated_at",
    "id": "meta:id",
    "file_path": stores.FILE_PATH_ORDER,
}


class StatusStorage(PolystoreStorage, DocStatusStorage):
    """States of documents, found by status, source, content and batch; all reads are strict."""

    ARGUMENT: ClassVar[str] = "doc_status_storage"
    supports_strict_point_reads: ClassVar[bool] = True
    _store: DocStore | None = None

    @override
    async def _bind(self, opened: Stores) -> None:
        self._store = opened.doc(stores.store_name(self.namespace))

    @property
    def _docs(self) -> DocStore:
        if self._store is None or self._lease is None:
            raise self._uninitialized()
        return self._store

    @override
    async def get_by_id(self, id: str) -> dict[str, Any] | None:
        """Return a row, or None, which means that there is none."""
        document = await self._docs.get_document(stored_key(id))
        return None if document is None else own_row(document.data)

    @override
    async def get_by_id_strict(self, id: str) -> dict[str, Any] | None:
        """Return a row; every read of this storage is strict."""
        return await self.get_by_id(id)

    @override
    async def get_by_ids(self, ids: list[str]) -> list[dict[str, Any]]:
        """Return the row of each id, in order, None where there is none."""
        found = await self._docs.get_many(stored_key(id_) for id_ in ids)
        rows: list[Any] = [None if one is None else own_row(one.data) for one in found]
        return rows

    @override
    async def filter_keys(self, keys: set[str]) -> set[str]:
        """Return those of `keys` that are not there."""
        names = list(keys)
        found = await self._docs.get_many(map(stored_key, names))
        return {name for name, document in zip(names, found, strict=True) if document is None}

    @override
    async def upsert(self, data: dict[str, dict[str, Any]]) -> None:
        """Store rows, each replaced whole."""
        rows = {stored_key(id_): stored_row(id_, row) for id_, row in data.items()}
        if len(rows) == 1:
            [(key, row)] = rows.items()
            await self._docs.put(key, row)  # goes together with what others put meanwhile
        elif rows:
            await self._docs.put_many(rows)

    @override
    async def delete(self, ids: list[str]) -> None:
        """Delete rows; absent ones are passed over."""
        await self._docs.delete([stored_key(id_) for id_ in ids])

    @override
    async def is_empty(self) -> bool:
        """Whether nothing is stored."""
        return not (await self._docs.find(limit=1)).items

    @override
    async def get_status_counts(self) -> dict[str, int]:
        """Return how many documents are in each status, 0 where none is."""
        counts = {status.value: 0 for status in DocStatus}
        for found in await self._docs.count_by("status"):
            counts[str(found.value)] = found.count
        return counts

    @override
    async def get_all_status_counts(self) -> dict[str, int]:
        """Return how many documents are in each status, and in `all`."""
        counts = await self.get_status_counts()
        return {**counts, "all": sum(counts.values())}

    async def get_docs_by_status(self, status: DocStatus) -> dict[str, DocProcessingStatus]:
        """Return all documents in a status."""
        return await self.get_docs_by_statuses([status])

    @override
    async def get_docs_by_statuses(
        self, statuses: list[DocStatus], strict: bool = False
    ) -> dict[str, DocProcessingStatus]:
        """Return all documents in any of the statuses.

        Args:
            statuses: Which.
            strict: Raise DataCorruption for a row that lacks a field; else it is logged, and left
                out. Trouble with the server always raises.
        """
        if not statuses:
            return {}
        wanted = F("status").is_in(values_of(statuses))
        found = [one async for one in self._docs.scan(wanted)]
        return read_each(found, processing_status, strict=strict)

    @override
    async def get_docs_by_track_id(self, track_id: str) -> dict[str, DocProcessingStatus]:
        """Return all documents that came in one batch."""
        found = [one async for one in self._docs.scan(F("track_id") == track_id)]
        return read_each(found, processing_status, strict=False)

    @override
    async def get_docs_paginated(
        self,
        status_filter: DocStatus | None = None,
        status_filters: list[DocStatus] | None = None,
        page: int = 1,
        page_size: int = 50,
        sort_field: str = "updated_at",
        sort_direction: str = "desc",
    ) -> tuple[list[tuple[str, DocProcessingStatus]], int]:
        """Return a page of documents, and how many there are in all; `chunks_list` is left out."""
        one_status = [] if status_filter is None else [status_filter]
        statuses = status_filters or one_status
        size = min(max(page_size, _SMALLEST_PAGE), _LARGEST_PAGE)
        field = _SORTS.get(sort_field, "updated_at")
        ascending = sort_direction.lower() == "asc"
        found = await self._docs.find(
            F("status").is_in(values_of(statuses)) if statuses else None,
            sort=field if ascending else f"-{field}",
            limit=size,
            offset=(max(page, 1) - 1) * size,
            total=True,
        )
        for document in found.items:
            document.data.pop("chunks_list", None)
        documents = read_each(found.items, processing_status, strict=False)
        return list(documents.items()), found.total or 0

    @override
    async def get_doc_by_file_path(self, file_path: str) -> dict[str, Any] | None:
        """Return the row of a document from this file, or None."""
        found = await self._docs.find(F("file_path") == file_path, limit=1)
        return own_row(found.items[0].data) if found.items else None

    @override
    async def get_doc_by_file_basename(self, basename: str) -> tuple[str, dict[str, Any]] | None:
        """Return id and row of a document from this file that is no duplicate, or None."""
        async for document in self._primaries(basename):
            return name_of(document), own_row(document.data)
        return None

    @override
    async def get_doc_by_content_hash(
        self, content_hash: str, *, exclude_doc_id: str | None = None
    ) -> tuple[str, dict[str, Any]] | None:
        """Return the earliest document with this content, or None, which means there is none.

        Args:
            content_hash: Of the content.
            exclude_doc_id: Pass over this document, and those that only record that their
                content is its.
        """
        if not content_hash:
            return None
        same = F("content_hash") == content_hash
        async for document in self._docs.scan(same, sort="created_at", batch=FEW):
            name = name_of(document)
            if name != exclude_doc_id and not points_at(document.data, exclude_doc_id):
                return name, own_row(document.data)
        return None

    @override
    async def _clear(self) -> None:
        await self._docs.clear()

    async def _primaries(self, source: str) -> AsyncIterator[Document]:
        """Yield the documents from a source that are no duplicates, by id."""
        if not source or source == UNKNOWN_SOURCE:
            return
        async for document in self._docs.scan(of_source(source), batch=FEW):
            if not is_duplicate(document.data):
                yield document


def of_source(source: str) -> Filter:
    """Return the filter for documents from a source that are not marked as duplicates."""
    return (F("file_path") == source) & (F("metadata", "is_duplicate") != True)  # noqa: E712

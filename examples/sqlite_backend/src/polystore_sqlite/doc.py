"""Document stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from polystore.stores.doc_driver import DocDriver
from polystore.types.records import Document
from polystore_sqlite.rows import Rows, data_of, system_of

if TYPE_CHECKING:
    from polystore.filters import Filter
    from polystore.stores.queries import FindQuery
    from polystore.types.batches import DocBatch
    from polystore.types.call import Call
    from polystore_sqlite.connection import Row


class SqliteDoc(Rows, DocDriver):
    """Documents by id."""

    @override
    async def get_many(self, call: Call, ids: list[str]) -> list[Document | None]:
        rows = await self.read(call, lambda connection: self.by_id(connection, call, ids))
        return [None if row is None else _document(row) for row in rows]

    @override
    async def put_many(self, call: Call, batch: DocBatch) -> None:
        await self.write(call, lambda connection: self.put(connection, call, _rows(batch)))

    @override
    async def compare_and_set(self, call: Call, row: DocBatch, version: int) -> int | None:
        (only,) = _rows(row)
        return await self.write(call, lambda connection: self.swap(connection, call, only, version))

    @override
    async def delete_many(self, call: Call, ids: list[str]) -> int:
        return await self.delete_ids(call, ids)

    @override
    async def find(self, call: Call, query: FindQuery) -> list[Document]:
        rows = await self.read(call, lambda connection: self.find_rows(connection, call, query))
        return [_document(row) for row in rows]

    @override
    async def count_where(self, call: Call, filter_: Filter | None) -> int:
        return await self.count_matching(call, filter_)

    @override
    async def delete_where(self, call: Call, filter_: Filter) -> int:
        return await self.delete_matching(call, filter_)


def _rows(batch: DocBatch) -> list[Row]:
    return [(id_, text.decode()) for id_, text in zip(batch.ids, batch.data_json, strict=True)]


def _document(row: Row) -> Document:
    return Document(row[0], data_of(row), *system_of(row))

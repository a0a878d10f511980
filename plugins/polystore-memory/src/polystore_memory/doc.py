"""Document stores in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from polystore.filters import compile_predicate
from polystore.stores.doc_driver import DocDriver
from polystore.stores.ordering import comes_after, in_order, row_keys
from polystore.types.json_domain import decode_json
from polystore.types.records import Document
from polystore_memory.driver import MemoryDriver
from polystore_memory.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from polystore.filters import Filter
    from polystore.stores.queries import FindQuery
    from polystore.types.batches import DocBatch
    from polystore.types.call import Call
    from polystore_memory.space import Write
    from polystore_memory.tables import Table

    Documents = Table[str, Row]


class MemoryDoc(MemoryDriver, DocDriver):
    """Documents by id."""

    @override
    async def get_many(self, call: Call, ids: list[str]) -> list[Document | None]:
        with self.reading(call) as tables:
            table: Documents = tables.table(self.key(call))
            rows = [(id_, table.get(id_)) for id_ in ids]
            return [None if row is None else _document(id_, row) for id_, row in rows]

    @override
    async def put_many(self, call: Call, batch: DocBatch) -> None:
        async with self.writing(call) as write:
            table: Documents = write.tables.writable(self.key(call))
            for id_, text in zip(batch.ids, batch.data_json, strict=True):
                _put(table, id_, text, write)

    @override
    async def compare_and_set(self, call: Call, row: DocBatch, version: int) -> int | None:
        async with self.writing(call) as write:
            table: Documents = write.tables.writable(self.key(call))
            old = table.get(row.ids[0])
            if (0 if old is None else old.version) != version:
                return None
            _put(table, row.ids[0], row.data_json[0], write)
            return write.version

    @override
    async def delete_many(self, call: Call, ids: list[str]) -> int:
        async with self.writing(call) as write:
            table: Documents = write.tables.writable(self.key(call))
            return sum(table.remove(id_) for id_ in ids)

    @override
    async def delete_where(self, call: Call, filter_: Filter) -> int:
        async with self.writing(call) as write:
            table: Documents = write.tables.writable(self.key(call))
            ids = [document.id for document in _matching(table, filter_)]
            return sum(table.remove(id_) for id_ in ids)

    @override
    async def find(self, call: Call, query: FindQuery) -> list[Document]:
        with self.reading(call) as tables:
            table: Documents = tables.table(self.key(call))
            return _sorted(table, query) if query.sort else _by_id(table, query)


def _by_id(table: Documents, query: FindQuery) -> list[Document]:
    found: list[Document] = []
    last = None if query.after is None else query.after[1]
    passed = 0
    for document in _matching(table, query.filter, last):
        if document.id == last:
            continue
        if passed < query.offset:
            passed += 1
            continue
        found.append(document)
        if len(found) == query.limit:
            break
    return found


def _sorted(table: Documents, query: FindQuery) -> list[Document]:
    documents = {document.id: document for document in _matching(table, query.filter)}
    rows = in_order(((row_keys(query.sort, d), d.id) for d in documents.values()), query.sort)
    if query.after is not None:
        after = query.after
        rows = [row for row in rows if comes_after(row, after, query.sort)]
    page = rows[query.offset : query.offset + query.limit]
    return [documents[id_] for _, id_ in page]


def _matching(
    table: Documents, filter_: Filter | None, start: str | None = None
) -> Iterator[Document]:
    matches = None if filter_ is None else compile_predicate(filter_)
    for id_, row in table.items(start):
        document = _document(id_, row)
        if matches is None or matches(document.data, row.meta(id_)):
            yield document


def _put(table: Documents, id_: str, text: bytes, write: Write) -> None:
    old = table.get(id_)
    table.put(
        id_,
        Row(
            json=text,
            version=write.version,
            created_at=write.now if old is None else old.created_at,
            updated_at=write.now,
        ),
    )


def _document(id_: str, row: Row) -> Document:
    return Document(id_, decode_json(row.json), row.version, row.created_at, row.updated_at)

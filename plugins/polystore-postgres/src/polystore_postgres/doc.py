"""Document stores: a table with one row per document, and a key column per declared field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from polystore.stores.columns import by_key, take
from polystore.stores.doc_driver import DocDriver
from polystore.stores.queries import SearchQuery
from polystore.types.records import Document
from polystore_postgres.doc_counts import ValueCounter
from polystore_postgres.doc_writes import put_if_absent_sql, put_many_sql, replace_sql
from polystore_postgres.fields import KeyColumns
from polystore_postgres.filters import FilterTable, compile_filter
from polystore_postgres.pages import PageTable, page_statement
from polystore_postgres.plans import explain_statement
from polystore_postgres.schema_doc import doc_spec
from polystore_postgres.sizes import estimated_size
from polystore_postgres.snapshots import hold_rows
from polystore_postgres.sqlfile import block
from polystore_postgres.statistics import FirstStatistics

if TYPE_CHECKING:
    import asyncpg

    from polystore.capabilities import Capabilities
    from polystore.filters import Filter, Path
    from polystore.specdiff import StoredSpec
    from polystore.stores.queries import FindQuery
    from polystore.types.batches import DocBatch
    from polystore.types.call import Call
    from polystore.types.records import FieldCount
    from polystore.types.reports import Explanation
    from polystore_postgres.names import Names
    from polystore_postgres.pool import Pool

_COLUMNS = ("id", "data", "version", "created_at", "updated_at")
_META = {name: f"t.{name}" for name in ("id", "version", "created_at", "updated_at")}
_BLOCKS = ("get", "get_many", "delete_many", "clear", "count")


class PostgresDoc(DocDriver):
    """The driver of one document store."""

    def __init__(
        self, pool: Pool, stored: StoredSpec, names: Names, capabilities: Capabilities
    ) -> None:
        self.capabilities = capabilities
        self._pool = pool
        table = names.table("doc", stored)
        self._keys = KeyColumns(doc_spec(stored).indexed_paths())
        columns = {path: f"t.{column}" for path, column in self._keys.columns.items()}
        self._table = PageTable(table, _COLUMNS, FilterTable("t.data", columns, _META))
        bare = names.bare("doc", stored)
        self._sql = {
            name: block("doc.sql", name, schema=names.schema, table=bare) for name in _BLOCKS
        }
        self._statistics = FirstStatistics(pool, table)
        self._put_many = put_many_sql(table, self._keys.names)
        self._put_if_absent = put_if_absent_sql(table, self._keys.names)
        self._replace = replace_sql(table, self._keys.names)

    @override
    async def get_many(self, call: Call, ids: list[str]) -> list[Document | None]:
        lane = self._pool.reading(call)
        if len(ids) == 1:
            row = await lane.fetchrow(self._sql["get"], call.workspace, ids[0])
            return [None if row is None else _document(row)]
        rows = await lane.fetch(self._sql["get_many"], call.workspace, ids)
        found = {row["id"]: _document(row) for row in rows}
        return [found.get(id_) for id_ in ids]

    @override
    async def put_many(self, call: Call, batch: DocBatch) -> None:
        # All writers take their locks in this order, so that no two wait for each other.
        batch = take(batch, by_key(batch.ids))
        await self._hold(call, batch.ids)
        await self._pool.writing(call).execute(
            self._put_many,
            call.workspace,
            batch.ids,
            batch.data_json,
            *self._keys.keys_for(batch.data),
        )
        await self._statistics.wrote(len(batch.ids), call)

    @override
    async def compare_and_set(self, call: Call, row: DocBatch, version: int) -> int | None:
        keys = [column[0] for column in self._keys.keys_for(row.data)]
        condition = [version] if version else []
        await self._hold(call, row.ids)
        return await self._pool.writing(call).fetchval(
            self._replace if version else self._put_if_absent,
            call.workspace,
            row.ids[0],
            row.data_json[0],
            *condition,
            *keys,
            idempotent=False,
        )

    @override
    async def delete_many(self, call: Call, ids: list[str]) -> int:
        lane = self._pool.writing(call)
        return await lane.fetchval(self._sql["delete_many"], call.workspace, ids)

    @override
    async def find(self, call: Call, query: FindQuery) -> list[Document]:
        sql, values = page_statement(self._table, call.workspace, query)
        rows = await self._pool.reading(call).fetch(sql, *values)
        return [_document(row) for row in rows]

    @override
    async def count(self, call: Call) -> int:
        return await self._pool.reading(call).fetchval(self._sql["count"], call.workspace)

    @override
    async def clear(self, call: Call) -> int:
        self._statistics.cleared()
        return await self._pool.writing(call).fetchval(self._sql["clear"], call.workspace)

    @override
    async def count_where(self, call: Call, filter_: Filter | None) -> int:
        if filter_ is None:
            return await self.count(call)
        values: list[object] = [call.workspace]
        condition = compile_filter(filter_, self._table.fields, values)
        return await self._pool.reading(call).fetchval(
            f"SELECT count(*) FROM {self._table.name} AS t "  # noqa: S608  a quoted name
            f"WHERE t.workspace = $1 AND {condition}",
            *values,
        )

    @override
    async def count_by(self, call: Call, path: Path, filter_: Filter | None) -> list[FieldCount]:
        lane = self._pool.reading(call)
        counter = ValueCounter(lane, self._table, call.workspace, filter_)
        return await counter.by(path)

    @override
    async def delete_where(self, call: Call, filter_: Filter) -> int:
        values: list[object] = [call.workspace]
        condition = compile_filter(filter_, self._table.fields, values)
        return await self._pool.writing(call).fetchval(
            f"""
            WITH doomed AS MATERIALIZED (
                SELECT t.id FROM {self._table.name} AS t
                 WHERE t.workspace = $1 AND {condition}
                 ORDER BY t.id
                   FOR UPDATE
            ), gone AS (
                DELETE FROM {self._table.name} AS t USING doomed
                 WHERE t.workspace = $1 AND t.id = doomed.id
                RETURNING 1
            )
            SELECT count(*) FROM gone""",  # noqa: S608  a quoted name
            *values,
        )

    @override
    async def size_bytes(self, call: Call) -> int | None:
        return await estimated_size(self._pool, call, self._table.name)

    @override
    async def explain(self, call: Call, query: FindQuery | SearchQuery) -> Explanation:
        if isinstance(query, SearchQuery):
            return await super().explain(call, query)
        sql, values = page_statement(self._table, call.workspace, query)
        return await explain_statement(self._pool.reading(call), "find", sql, values)

    async def _hold(self, call: Call, ids: list[str]) -> None:
        await hold_rows(self._pool, call, self._table.name, "id", ids)


def _document(row: asyncpg.Record) -> Document:
    return Document(*row)

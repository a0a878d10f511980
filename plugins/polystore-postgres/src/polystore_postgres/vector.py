"""Vector stores: a table with one row per record."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from polystore.stores.columns import by_key, take
from polystore.stores.vector_driver import VectorDriver
from polystore.types.json_domain import encode_json, merge_patch
from polystore.types.records import Page, VectorRecord
from polystore_postgres import vector_index
from polystore_postgres.calls import session_of
from polystore_postgres.codecs import encode_matrix
from polystore_postgres.schema_vector import vector_spec
from polystore_postgres.sizes import estimated_size
from polystore_postgres.snapshots import hold_rows
from polystore_postgres.statistics import FirstStatistics
from polystore_postgres.vector_finder import Finder
from polystore_postgres.vector_sql import VectorSql
from polystore_postgres.vector_text import TextFinder
from polystore_postgres.words import stored_words

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from polystore.capabilities import Capabilities
    from polystore.filters import Filter
    from polystore.specdiff import StoredSpec
    from polystore.stores.queries import FindQuery, SearchQuery, TextQuery
    from polystore.types.batches import Stamp, VectorBatch
    from polystore.types.call import Call
    from polystore.types.records import Hits
    from polystore.types.reports import Explanation
    from polystore_postgres.lanes import Reads
    from polystore_postgres.names import Names
    from polystore_postgres.pool import Pool
    from polystore_postgres.session import Session


class PostgresVector(VectorDriver):
    """The driver of one vector store."""

    def __init__(
        self, pool: Pool, stored: StoredSpec, names: Names, capabilities: Capabilities
    ) -> None:
        self.capabilities = capabilities
        self._pool = pool
        self._spec = vector_spec(stored)
        self._sql = VectorSql(stored, names)
        self._finder = Finder(pool, self._spec, self._sql)
        self._texts = TextFinder(pool, self._sql)
        self._statistics = FirstStatistics(pool, self._sql.table)

    @override
    async def upsert(self, call: Call, batch: VectorBatch) -> None:
        # In one order, so that no two writers wait for each other.
        batch = take(batch, by_key(batch.ids))
        await hold_rows(self._pool, call, self._sql.table, "id", batch.ids)
        await self._pool.writing(call).execute(
            self._sql.text("upsert"),
            call.workspace,
            batch.ids,
            encode_matrix(batch.vectors),
            batch.texts,
            [stored_words(text, self._sql.config) for text in batch.texts],
            batch.metadata_json,
            *self._sql.keys.keys_for(batch.metadata),
        )
        await self._statistics.wrote(len(batch.ids), call)

    @override
    async def carry(
        self, call: Call, batch: VectorBatch, stamps: Sequence[Stamp], seen: Sequence[int]
    ) -> list[bool]:
        ids, order = batch.ids, by_key(batch.ids)
        batch = take(batch, order)
        versions, created, updated = zip(*(stamps[i] for i in order), strict=True)
        rows = await self._pool.writing(call).fetch(
            self._sql.text("carry"),
            call.workspace,
            batch.ids,
            encode_matrix(batch.vectors),
            batch.texts,
            [stored_words(text, self._sql.config) for text in batch.texts],
            batch.metadata_json,
            versions,
            created,
            updated,
            [seen[i] for i in order],
            *self._sql.keys.keys_for(batch.metadata),
        )
        await self._statistics.wrote(len(rows), call)
        stored = {row[0] for row in rows}
        return [id_ in stored for id_ in ids]

    @override
    async def delete_seen(self, call: Call, ids: list[str], seen: Sequence[int]) -> int:
        lane = self._pool.writing(call)
        return await lane.fetchval(self._sql.text("delete_seen"), call.workspace, ids, seen)

    @override
    async def get_many(
        self, call: Call, ids: list[str], *, with_vectors: bool
    ) -> list[VectorRecord | None]:
        sql = self._sql.text("get_many", with_vectors=with_vectors)
        rows = await self._pool.reading(call).fetch(sql, call.workspace, ids)
        found = {row[0]: _record(row) for row in rows}
        return [found.get(id_) for id_ in ids]

    @override
    async def search(self, call: Call, query: SearchQuery) -> list[Hits]:
        return await self._finder.search(call, query)

    @override
    async def search_text(self, call: Call, query: TextQuery) -> Hits:
        return await self._texts.search(call, query)

    @override
    async def delete_many(self, call: Call, ids: list[str]) -> int:
        lane = self._pool.writing(call)
        return await lane.fetchval(self._sql.text("delete_many"), call.workspace, ids)

    @override
    async def delete_where(self, call: Call, filter_: Filter) -> int:
        return await self._filtered_number("delete_where", self._pool.writing(call), call, filter_)

    @override
    async def count_where(self, call: Call, filter_: Filter) -> int:
        return await self._filtered_number("count_where", self._pool.reading(call), call, filter_)

    async def _filtered_number(self, name: str, lane: Reads, call: Call, filter_: Filter) -> int:
        parameters: list[object] = [call.workspace]
        sql = self._sql.filtered(self._sql.text(name), filter_, parameters)
        return await lane.fetchval(sql, *parameters)

    @override
    async def patch_metadata(
        self, call: Call, ids: list[str], patches: list[dict[str, Any]]
    ) -> list[bool]:
        session = session_of(call)
        if session is not None:
            return await self._patch(session, call, ids, patches)
        async with self._pool.transaction(idempotent=True) as own:
            return await self._patch(own, call, ids, patches)

    async def _patch(
        self, session: Session, call: Call, ids: list[str], patches: list[dict[str, Any]]
    ) -> list[bool]:
        wanted = dict(zip(ids, patches, strict=True))
        tenant = self._pool.tenant(call.workspace)
        async with self._pool.acquire(session, settings=tenant) as connection:
            rows = await connection.fetch(self._sql.text("lock_metadata"), call.workspace, ids)
            present = [row[0] for row in rows]
            merged = [merge_patch(row[1], wanted[row[0]]) for row in rows]
            if present:
                await connection.execute(
                    self._sql.text("update_metadata"),
                    call.workspace,
                    present,
                    [encode_json(metadata) for metadata in merged],
                    *self._sql.keys.keys_for(merged),
                )
        there = set(present)
        return [id_ in there for id_ in ids]

    @override
    async def scan_page(
        self,
        call: Call,
        filter_: Filter | None,
        cursor: str | None,
        limit: int,
        *,
        with_vectors: bool,
    ) -> Page[VectorRecord]:
        # Every id comes after the empty text.
        parameters: list[object] = [call.workspace, cursor or "", limit]
        text = self._sql.text("scan", with_vectors=with_vectors)
        sql = self._sql.filtered(text, filter_, parameters)
        rows = await self._pool.reading(call).fetch(sql, *parameters)
        records = [_record(row) for row in rows]
        return Page(records, records[-1].id if len(records) == limit else None)

    @override
    async def count(self, call: Call) -> int:
        return await self._pool.reading(call).fetchval(self._sql.text("count"), call.workspace)

    @override
    async def clear(self, call: Call) -> int:
        self._statistics.cleared()
        return await self._pool.writing(call).fetchval(self._sql.text("clear"), call.workspace)

    @override
    async def size_bytes(self, call: Call) -> int | None:
        return await estimated_size(self._pool, call, self._sql.table)

    @override
    async def explain(self, call: Call, query: FindQuery | SearchQuery) -> Explanation:
        return await self._finder.explain(call, query)

    @override
    @asynccontextmanager
    async def bulk(self, call: Call) -> AsyncGenerator[None]:
        """Load an empty store without its index for nearness, and build that at the end.

        Searches compare everything meanwhile. A store that has rows already, of any workspace,
        keeps its index; one whose index is missing, because an earlier load was cut off or it
        is an IVFFlat index that had no rows to learn from, gets it. In a unit of work nothing
        is put off. If the block fails, the index is built all the same; if it is cancelled,
        `apply` or the next load builds it.
        """
        ann = self._sql.ann
        if ann is None or call.session is not None:
            yield
            return
        await vector_index.drop_if_empty(self._pool, ann)
        self._finder.forget()
        try:
            yield
        except asyncio.CancelledError:
            raise
        except Exception:
            await self._build()
            raise
        await self._build()

    async def _build(self) -> None:
        if self._sql.ann is not None:
            await vector_index.ensure_index(self._pool, self._sql.ann, self._sql.table)
            self._finder.forget()


def _record(row: Iterable[Any]) -> VectorRecord:
    id_, text, metadata, version, created, updated, *vector = row
    return VectorRecord(
        id_, vector[0] if vector else None, text, metadata, version, created, updated
    )

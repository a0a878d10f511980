"""Key-value stores: a table with one row per entry."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from polystore.stores.columns import by_key, take
from polystore.stores.kv_driver import KVDriver
from polystore.types.records import KVEntry, Page
from polystore_postgres.sizes import estimated_size
from polystore_postgres.snapshots import hold_rows
from polystore_postgres.sqlfile import block
from polystore_postgres.statistics import FirstStatistics
from polystore_postgres.textrange import after_prefix

if TYPE_CHECKING:
    import asyncpg

    from polystore.capabilities import Capabilities
    from polystore.specdiff import StoredSpec
    from polystore.types.batches import KVBatch
    from polystore.types.call import Call
    from polystore_postgres.names import Names
    from polystore_postgres.pool import Pool

_LONGEST_TTL = 2e11
"""Seconds, over 6,000 years: Python's dates end in the year 9999."""
_SWEEP_EVERY = 60.0
_SWEEP_ROWS = 1000
_SMALLEST_SUCCESSOR = "\x01"
"""A key and this is the first key after it, as no key has a NUL."""


class PostgresKV(KVDriver):
    """The driver of one key-value store."""

    def __init__(
        self, pool: Pool, stored: StoredSpec, names: Names, capabilities: Capabilities
    ) -> None:
        self.capabilities = capabilities
        self._pool = pool
        self._table = names.table("kv", stored)
        self._place = {"schema": names.schema, "table": names.bare("kv", stored)}
        self._sql = {
            name: block("kv.sql", name, **self._place)
            for name in (
                "get", "get_many", "value", "values", "present", "put_many", "put_json",
                "put_if_absent", "replace", "delete_many", "clear", "count", "scan",
                "scan_below", "sweep",
            )
        }  # fmt: skip
        self._next_sweep = 0.0
        self._statistics = FirstStatistics(pool, self._table)

    @override
    async def get_many(self, call: Call, keys: list[str]) -> list[KVEntry | None]:
        lane = self._pool.reading(call)
        if len(keys) == 1:
            row = await lane.fetchrow(self._sql["get"], call.workspace, keys[0])
            return [None if row is None else _entry(row)]
        rows = await lane.fetch(self._sql["get_many"], call.workspace, keys)
        found = {row["key"]: _entry(row) for row in rows}
        return [found.get(key) for key in keys]

    @override
    async def get_values(self, call: Call, keys: list[str]) -> list[Any]:
        lane = self._pool.reading(call)
        if len(keys) == 1:
            row = await lane.fetchrow(self._sql["value"], call.workspace, keys[0])
            return [None if row is None else row[0] if row[1] is None else row[1]]
        rows = await lane.fetch(self._sql["values"], call.workspace, keys)
        found = {key: value if data is None else data for key, value, data in rows}
        return [found.get(key) for key in keys]

    @override
    async def put_many(self, call: Call, batch: KVBatch) -> None:
        if batch.ttls is not None and call.session is None:
            await self._sweep()
        keys, values, binaries, ttls = _columns(batch)
        await self._hold(call, keys)
        plain = ttls is None and True not in batch.binary
        more = () if plain else (binaries, ttls or [None] * len(keys))
        name = "put_many" if more else "put_json"
        lane = self._pool.writing(call)
        await lane.execute(self._sql[name], call.workspace, keys, values, *more)
        await self._statistics.wrote(len(keys), call)

    @override
    async def compare_and_set(self, call: Call, row: KVBatch, version: int) -> int | None:
        keys, values, binaries, ttls = _columns(row)
        await self._hold(call, keys)
        ttl = None if ttls is None else ttls[0]
        arguments = [call.workspace, keys[0], values[0], binaries[0], ttl]
        if version:
            arguments.append(version)
        name = "replace" if version else "put_if_absent"
        lane = self._pool.writing(call)
        return await lane.fetchval(self._sql[name], *arguments, idempotent=False)

    @override
    async def delete_many(self, call: Call, keys: list[str]) -> int:
        lane = self._pool.writing(call)
        return await lane.fetchval(self._sql["delete_many"], call.workspace, keys)

    @override
    async def scan_page(
        self, call: Call, prefix: str, cursor: str | None, limit: int
    ) -> Page[KVEntry]:
        first = prefix if cursor is None else cursor + _SMALLEST_SUCCESSOR
        above = after_prefix(prefix)
        arguments: list[object] = [call.workspace, first, limit]
        if above is not None:
            arguments.append(above)
        name = "scan" if above is None else "scan_below"
        rows = await self._pool.reading(call).fetch(self._sql[name], *arguments)
        entries = [_entry(row) for row in rows]
        return Page(entries, entries[-1].key if len(entries) == limit else None)

    @override
    async def missing(self, call: Call, keys: list[str]) -> list[str]:
        lane = self._pool.reading(call)
        rows = await lane.fetch(self._sql["present"], call.workspace, keys)
        present = {row["key"] for row in rows}
        return [key for key in keys if key not in present]

    @override
    async def count(self, call: Call) -> int:
        return await self._pool.reading(call).fetchval(self._sql["count"], call.workspace)

    @override
    async def clear(self, call: Call) -> int:
        self._statistics.cleared()
        return await self._pool.writing(call).fetchval(self._sql["clear"], call.workspace)

    @override
    async def size_bytes(self, call: Call) -> int | None:
        return await estimated_size(self._pool, call, self._table)

    async def _hold(self, call: Call, keys: list[str]) -> None:
        await hold_rows(self._pool, call, self._table, "key", keys)

    async def _sweep(self) -> None:
        """Remove some of what has expired, now and then, when entries that expire are written."""
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + _SWEEP_EVERY
        everywhere = self._pool.everywhere
        gone = await self._pool.fetchval(self._sql["sweep"], _SWEEP_ROWS, settings=everywhere)
        if gone == _SWEEP_ROWS:
            self._next_sweep = 0.0


def _entry(row: asyncpg.Record) -> KVEntry:
    # Of the two only one is set; a stored JSON null is a set value that decodes to None.
    key, value, binary, version, created, updated, expires = row
    return KVEntry(key, value if binary is None else binary, version, created, updated, expires)


def _columns(
    batch: KVBatch,
) -> tuple[list[str], list[bytes | None], list[bytes | None], list[float | None] | None]:
    """Return keys, JSON texts, bytes and ttls of the rows, in key order.

    All writers take their locks in this order, so that no two wait for each other.
    """
    if len(batch.keys) > 1:
        batch = take(batch, by_key(batch.keys))
    texts, binary = batch.values, batch.binary
    values: list[bytes | None] = [*texts]
    binaries: list[bytes | None] = [None] * len(texts)
    if True in binary:
        for row, is_bytes in enumerate(binary):
            if is_bytes:
                values[row], binaries[row] = None, texts[row]
    ttls = batch.ttls
    if ttls is not None:
        ttls = [None if ttl is None else min(ttl, _LONGEST_TTL) for ttl in ttls]
    return batch.keys, values, binaries, ttls

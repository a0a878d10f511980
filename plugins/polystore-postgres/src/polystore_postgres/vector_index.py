"""The index for nearness as it is in the database: whether it can be used, building it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from polystore_postgres.byte_sizes import as_bytes, in_words
from polystore_postgres.exclusion import exclusively
from polystore_postgres.names import quote_literal
from polystore_postgres.online import add_indexes
from polystore_postgres.sqlfile import block
from polystore_postgres.vector_search import IndexState

if TYPE_CHECKING:
    import asyncpg

    from polystore_postgres.connection import Connection
    from polystore_postgres.lanes import Reads
    from polystore_postgres.pool import Pool
    from polystore_postgres.schema_vector import AnnIndex

WORTH_LISTS: Final = 1_000
"""Rows from which on an IVFFlat index is worth building."""
_LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '10s'"
_BUILD_TIMEOUT: Final = 24 * 3600.0
_LEAST_MEMORY: Final = 1 << 20
_log = logging.getLogger("polystore")


async def index_state(lane: Reads, ann: AnnIndex, table: str) -> IndexState:
    """Return what there is of the index.

    Args:
        lane: Where to ask.
        ann: The index.
        table: Its table, quoted, with its schema.
    """
    sql = block("vector.sql", "index_state")
    row = await lane.fetchrow(sql, table, ann.index().name)
    return IndexState(False, 0, 0) if row is None else _state(row)


def _state(row: asyncpg.Record) -> IndexState:
    ready, options, rows = row
    named = dict(option.split("=", 1) for option in options or ())
    return IndexState(bool(ready), rows, int(named.get("lists", 0)))


async def is_due(pool: Pool, ann: AnnIndex, table: str) -> bool:
    """Return whether the index is not there, or cannot be used, and should be built."""
    if (await index_state(pool, ann, table)).ready:
        return False
    if not ann.deferred:
        return True
    rows = block("vector.sql", "has_so_many_rows", **_places(ann))
    return await pool.fetchval(rows, WORTH_LISTS, settings=pool.everywhere)


async def drop_if_empty(pool: Pool, ann: AnnIndex) -> None:
    """Drop the index of a table without rows, so that loading it need not keep it up to date.

    Raises:
        OperationTimeout: Somebody else held the table for too long.
    """
    places = _places(ann)
    async with pool.admin() as connection:
        if await connection.fetchval(block("vector.sql", "has_rows", **places)):
            return
        async with connection.transaction():
            # The strongest lock first: two that first read and then both wanted it would wait for
            # each other.
            await connection.execute(_LOCK_TIMEOUT)
            await connection.execute(block("vector.sql", "lock", **places))
            if not await connection.fetchval(block("vector.sql", "has_rows", **places)):
                await connection.execute(block("vector.sql", "drop_index", **places))


async def ensure_index(pool: Pool, ann: AnnIndex, table: str) -> bool:
    """Build the index where it is missing or was left half built; return whether it was built.

    Reads and writes go on meanwhile. Safe for several processes: one builds, the others wait.
    """
    async with exclusively(pool, f"polystore build {table}"), pool.admin() as connection:
        return await _build(pool, connection, ann, table)


async def _build(pool: Pool, connection: Connection, ann: AnnIndex, table: str) -> bool:
    row = await connection.fetchrow(block("vector.sql", "index_state"), table, ann.index().name)
    if row is None or row["ready"]:
        return False
    places = _places(ann)
    count = block("vector.sql", "count_all", **places)
    rows: int = await connection.fetchval(count, timeout=_BUILD_TIMEOUT)
    if ann.deferred and rows < WORTH_LISTS:
        return False
    await connection.execute(block("vector.sql", "drop_index", **places), timeout=_BUILD_TIMEOUT)
    await give_room(pool, connection, ann, rows)
    await add_indexes(connection, ann.names, [ann.index(rows)])
    await connection.execute(block("vector.sql", "analyze", **places), timeout=_BUILD_TIMEOUT)
    return True


async def give_room(pool: Pool, connection: Connection, ann: AnnIndex, rows: int) -> None:
    """Give the session time and memory for a build, and say so where the memory is too little.

    Args:
        pool: Its configuration says how much a build may take.
        connection: That builds.
        ann: The index.
        rows: That it will have.
    """
    if pool.config.pgbouncer and pool.config.admin_dsn is None:
        return  # settings of a session would reach whoever comes next
    needed, most = _needed(ann, rows), as_bytes(pool.config.index_memory)
    if needed > most and ann.method == "hnsw":
        _log.warning(
            "the index for nearness of %s needs about %s to be built quickly, and may take %s: "
            "raise index_memory of the backend",
            ann.table,
            in_words(needed),
            in_words(most),
        )
    await connection.execute("SET statement_timeout = 0")
    wanted = quote_literal(f"{max(min(needed, most), _LEAST_MEMORY) // 1024}kB")
    await connection.execute(
        f"SELECT set_config('maintenance_work_mem', {wanted}, false) "
        f"WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes({wanted})"
    )


def _needed(ann: AnnIndex, rows: int) -> int:
    """Return about how many bytes a graph of `rows` takes while it is built."""
    width = {"full": 4.0, "half": 2.0, "binary": 0.125}[ann.form] * ann.spec.dimensions
    return int(rows * (width + 24 * ann.spec.index.m + 200) * 1.2)


def _places(ann: AnnIndex) -> dict[str, str]:
    return {"schema": ann.names.schema, "table": ann.table, "index": ann.index().name}

"""Behind PgBouncer in transaction mode: one server connection, many clients, no session state."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from servers.pgbouncer import pgbouncer
from servers.postgres import PostgresServer, postgres_server

from polystore.errors import OperationTimeout
from polystore_postgres.config import PostgresConfig
from polystore_postgres.ledger import ensure_vector, migrate, migrations
from polystore_postgres.pool import Pool

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator


@pytest.fixture(scope="module")
def server() -> Generator[PostgresServer]:
    """A server of its own: the pooler needs its password."""
    with postgres_server() as started:
        yield started


@pytest.fixture(scope="module")
def pooler_dsn(server: PostgresServer) -> Generator[str]:
    with pgbouncer(server, server_connections=2) as dsn:
        yield dsn


async def opened(dsn: str, **settings: Any) -> Pool:
    block = {"dsn": dsn, "pgbouncer": True, "pool": {"min": 0, "max": 8}} | settings
    return await Pool.open(PostgresConfig.model_validate(block), backend="main")


@pytest.fixture
async def pooled(pooler_dsn: str) -> AsyncGenerator[Pool]:
    pool = await opened(pooler_dsn)
    yield pool
    await pool.close()


async def test_many_clients_on_two_server_connections(pooled: Pool) -> None:
    """Eight clients with different statements: none may run another's."""

    async def one(number: int) -> None:
        for step in range(30):
            sql = f"SELECT {number}, $1::int, 'x{number}_{step}'"
            row = await pooled.fetchrow(sql, step)
            assert row is not None
            assert tuple(row) == (number, step, f"x{number}_{step}")

    await asyncio.gather(*(one(number) for number in range(8)))
    assert pooled.stats().size > 2


async def test_settings_end_with_their_block(pooled: Pool) -> None:
    async def one(number: int) -> None:
        for _ in range(20):
            wanted = {"work_mem": f"{100 + number}kB"}
            assert await pooled.fetchval("SHOW work_mem", settings=wanted) == wanted["work_mem"]
            assert await pooled.fetchval("SHOW work_mem") == "4MB"

    await asyncio.gather(*(one(number) for number in range(8)))


async def test_server_settings_hold_in_every_block(pooler_dsn: str) -> None:
    pool = await opened(pooler_dsn, server_settings={"work_mem": "123kB"})
    assert await pool.fetchval("SHOW work_mem") == "123kB"
    async with pool.transaction() as session:
        assert await pool.fetchval("SHOW work_mem", session=session) == "123kB"
    await pool.close()


async def test_writes_units_and_cancellation(pooled: Pool) -> None:
    await pooled.execute("CREATE TABLE t (batch int, n int)")
    try:
        insert = "INSERT INTO t SELECT $1, n FROM generate_series(1, 100) n, pg_sleep(0.001)"
        tasks = [asyncio.ensure_future(pooled.execute(insert, n)) for n in range(60)]
        for task in tasks[::2]:
            await asyncio.sleep(0.001)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        rows = await pooled.fetch("SELECT batch, count(*) FROM t GROUP BY batch")
        assert {row["count"] for row in rows} == {100}
        assert {row["batch"] for row in rows} >= set(range(1, 60, 2))
        async with pooled.transaction() as session:
            await pooled.execute("DELETE FROM t", session=session)
            assert await pooled.fetchval("SELECT count(*) FROM t", session=session) == 0
        assert await pooled.fetchval("SELECT count(*) FROM t") == 0
    finally:
        await pooled.execute("DROP TABLE t")


async def test_a_timeout_frees_the_server_connection(pooled: Pool) -> None:
    for _ in range(4):
        with pytest.raises(OperationTimeout):
            await pooled.fetchval("SELECT pg_sleep(60)", timeout=0.05)
    assert await asyncio.gather(*(pooled.fetchval("SELECT 1") for _ in range(8))) == [1] * 8


@pytest.mark.parametrize("admin", [False, True])
async def test_layout_and_vectors(pooler_dsn: str, server: PostgresServer, admin: bool) -> None:
    pool = await opened(pooler_dsn, **({"admin_dsn": server.dsn} if admin else {}))
    schema = "by_admin" if admin else "by_pooler"
    async with pool.admin() as connection:
        await ensure_vector(connection)
        assert len(await migrate(connection, schema)) == len(migrations())
        await connection.execute(f"CREATE INDEX CONCURRENTLY ON {schema}.stores (kind)")
    await pool.refresh()
    assert await pool.fetchval("SELECT $1::jsonb", b'{"a":1}') == {"a": 1}
    assert list(await pool.fetchval("SELECT '[1,2]'::vector")) == [1, 2]
    await pool.close()

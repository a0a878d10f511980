"""Vector stores behind a pooler, and a plugin's check before anything is connected."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from servers.pgbouncer import pgbouncer
from servers.postgres import postgres_server

from polystore.errors import UnsupportedError
from polystore.stores.queries import SearchQuery, TextQuery
from polystore_postgres.plugin import check_store

from .conftest import opened_pool
from .vector_stores import CALL, clustered, create_store, load, recall, stored_spec

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture
def pooler_dsn() -> Generator[str]:
    with postgres_server() as server, pgbouncer(server, server_connections=3) as dsn:
        yield dsn


async def test_searches_keep_their_settings_and_leave_none(pooler_dsn: str) -> None:
    async with opened_pool(dsn=pooler_dsn, pgbouncer=True, pool={"max": 6}) as pool:
        driver = await create_store(pool, dimensions=32)
        vectors = clustered(2500, 32, 1)
        async with driver.bulk(CALL):
            await load(driver, vectors)
        found = await asyncio.gather(
            *(recall(driver, "cosine", vectors, vectors[i : i + 5], ef=40 + i) for i in range(20))
        )
        assert {plan for _, plans in found for plan in plans} == {"hnsw"}
        assert min(right for right, _ in found) >= 0.9
        assert await driver.search_text(CALL, TextQuery("nothing", 3)) == []
        exact = await driver.search(CALL, SearchQuery(vectors[:1], 3, exact=True))
        assert exact[0][0].id == "000000"
        for _ in range(6):
            assert await pool.fetchval("SHOW enable_sort") == "on"
            assert await pool.fetchval("SHOW jit_above_cost") == "100000"
            assert await pool.fetchval("SHOW maintenance_work_mem") == "64MB"


def test_too_many_dimensions_are_refused_offline() -> None:
    with pytest.raises(UnsupportedError, match="binary"):
        check_store(stored_spec(dimensions=5_000).spec)
    check_store(stored_spec(dimensions=5_000, index={"type": "none"}).spec)


def test_the_check_imports_no_driver() -> None:
    program = "import sys, polystore_postgres.plugin; sys.exit('asyncpg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

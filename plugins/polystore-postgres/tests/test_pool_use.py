"""What the pool tells of its connections."""

from __future__ import annotations

import asyncio

from polystore.testing.checks import eventually
from polystore_postgres.backend import PostgresBackend
from polystore_postgres.config import PostgresConfig


async def test_connections_are_counted_from_open_to_close(postgres_dsn: str) -> None:
    config = PostgresConfig.model_validate({"dsn": postgres_dsn, "pool": {"min": 1, "max": 2}})
    backend = PostgresBackend("main", config)
    assert backend.pool_use() is None
    await backend.open()
    try:
        use = backend.pool_use()
        assert use is not None
        assert (use.in_use, use.idle, use.waiting, use.created, use.closed) == (0, 1, 0, 1, 0)
        sleeping = [
            asyncio.create_task(backend.raw.fetchval("SELECT pg_sleep(0.5)")) for _ in range(3)
        ]

        async def waits() -> bool:
            return backend.raw.stats().waiting == 1

        await eventually(waits, what="a call to wait")
        use = backend.pool_use()
        assert use is not None
        assert (use.in_use, use.idle, use.waiting, use.maximum) == (2, 0, 1, 2)
        await asyncio.gather(*sleeping)
        backend.raw.renew()
        use = backend.pool_use()
        assert use is not None
        assert (use.in_use, use.idle, use.created, use.closed) == (0, 0, 2, 2)
    finally:
        await backend.close()
    assert backend.pool_use() is None
